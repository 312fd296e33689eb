import { availableParallelism, totalmem } from 'node:os'
import type { Case, Experiment } from '../experiment/definition.ts'
import { scenarioOf } from '../experiment/run-unit.ts'
import type { UnitKey } from '../experiment/unit.ts'
import type { Machine } from '../results/data.ts'
import type { RunParameters, WireName } from '../wires/wire.ts'
import { atATime } from './in-turn.ts'
import type { Room } from './in-turn.ts'

/** Units of one wire, of which several may run at a time. Stages run one after the other. */
export interface Stage extends Room<UnitKey> {
  readonly wire: WireName
  readonly units: readonly UnitKey[]
  /** Real time that a unit's scenario takes at most, from its time zero on, ms. Absent: it is played in virtual time. */
  readonly scenarioLimitMsOf?: (unit: UnitKey) => number
}

/** What real runs share. */
export type SharedMachine = Pick<Machine, 'cores' | 'memoryBytes'>

/** Real runs of one experiment. */
export interface RealUnits {
  readonly experiment: Experiment
  readonly parameters: RunParameters
  readonly units: readonly UnitKey[]
}

export interface StageOptions {
  /** Of what is in virtual time, at a time. */
  readonly jobs: number
  /** Default: this one. */
  readonly machine?: SharedMachine
}

/** Of all processors, what real runs that share them may keep busy: enough to save the time, little enough not to be seen in it. */
const BUSY_SHARE = 0.7
/** Of all memory, what their hosts' processes may take. */
const MEMORY_SHARE = 0.4
const PROCESS_BYTES = 100e6
/** They begin one after the other, and their processes are started in turn: more would wait for that and not for each other. */
const MOST_RUNS = 40
/** All in one number: a run weighs as many thousandths as it takes of the processors, the memory or the runs, whichever is most. */
const CAPACITY = 1000

/**
 * Orders units so that real time is measured undisturbed: all that is in virtual time first, `jobs` at a time; then the
 * real runs that share the machine, the longest first; then each of the others alone on it.
 */
export function planStages (experiment: Experiment, parameters: RunParameters, units: readonly UnitKey[], { jobs, machine = thisMachine() }: StageOptions): Stage[] {
  const on = (wire: WireName): UnitKey[] => units.filter(unit => unit.wire === wire)
  const inThreads = (wire: WireName): Stage => ({ wire, units: on(wire), ...atATime(jobs) })
  const real = { experiment, parameters, units: on('tcp') }
  return [inThreads('sim'), inThreads('stack'), sharedStage([real], machine), aloneStage(real, machine)].filter(stage => stage.units.length > 0)
}

/** Those real runs that share the machine, of one experiment or of several, the longest first. */
export function sharedStage (experiments: readonly RealUnits[], machine = thisMachine()): Stage {
  const loads = new Map(experiments.flatMap(real => [...loadsOf(real, machine)].filter(([, load]) => !isAlone(load))))
  const units = [...loads.keys()].sort((a, b) => loads.get(b)!.limitMs - loads.get(a)!.limitMs)
  return {
    wire: 'tcp',
    units,
    capacity: least(units.map(unit => loads.get(unit)!)),
    weightOf: unit => loads.get(unit)!.weight,
    scenarioLimitMsOf: unit => loads.get(unit)!.limitMs
  }
}

/** The real runs that do not. */
export function aloneStage (real: RealUnits, machine = thisMachine()): Stage {
  const loads = new Map([...loadsOf(real, machine)].filter(([, load]) => isAlone(load)))
  return { wire: 'tcp', units: [...loads.keys()], ...atATime(1), scenarioLimitMsOf: unit => loads.get(unit)!.limitMs }
}

function thisMachine (): SharedMachine {
  // In a container the system's memory is not all its own; without a limit Node says 0 or more than there is.
  const constrainedBytes = process.constrainedMemory()
  return { cores: availableParallelism(), memoryBytes: Math.min(totalmem(), constrainedBytes > 0 ? constrainedBytes : Infinity) }
}

interface RealLoad {
  /** `CAPACITY` or more where it has the machine alone. */
  readonly weight: number
  /** The most that a run takes, which is how runs compare in length. */
  readonly limitMs: number
}

/** Of a case that throws, which is its runs' to tell. */
const UNKNOWN: RealLoad = { weight: CAPACITY, limitMs: 0 }

function isAlone ({ weight }: RealLoad): boolean {
  return weight >= CAPACITY
}

/** All runs of a case are taken to be as its first one: hosts and limit are the same in all arms and seeds. */
function loadsOf ({ experiment: { cases }, parameters, units }: RealUnits, machine: SharedMachine): Map<UnitKey, RealLoad> {
  return new Map(cases.flatMap(theCase => {
    const ofCase = units.filter(unit => unit.case === theCase.name)
    if (ofCase.length === 0) {
      return []
    }
    const load = realLoad(theCase, parameters, ofCase[0], machine)
    return ofCase.map(unit => [unit, load] as const)
  }))
}

function realLoad (theCase: Case, parameters: RunParameters, unit: UnitKey, { cores, memoryBytes }: SharedMachine): RealLoad {
  try {
    const { hosts, limitMs } = scenarioOf(theCase, parameters, unit)
    const processes = new Set(hosts.map(host => host.process ?? host)).size
    const { busyProcessors = cores } = theCase
    const share = Math.max(busyProcessors / (cores * BUSY_SHARE), processes * PROCESS_BYTES / (memoryBytes * MEMORY_SHARE), 1 / MOST_RUNS)
    return { weight: Math.round(share * CAPACITY), limitMs }
  } catch {
    return UNKNOWN
  }
}

/** As little as takes no longer than all that there is: processes are started for each run that goes beside others. */
function least (loads: readonly RealLoad[]): number {
  const shortestMs = lengthMs(loads, CAPACITY)
  // With less they would not fit into that time, however they were put.
  const area = loads.reduce((sum, { weight, limitMs }) => sum + weight * limitMs, 0)
  let capacity = Math.max(1, ...loads.map(({ weight }) => weight), Math.floor(area / Math.max(shortestMs, 1)))
  while (lengthMs(loads, capacity) > shortestMs) {
    capacity++
  }
  return capacity
}

/** How long they take as `inTurn` works through them, were each to last for its limit. */
function lengthMs (loads: readonly RealLoad[], capacity: number): number {
  const left = [...loads]
  const underWay: Array<{ readonly endMs: number, readonly weight: number }> = []
  let nowMs = 0
  let room = capacity
  while (left.length > 0) {
    const next = left.findIndex(({ weight }) => weight <= room)
    if (next === -1) {
      const first = underWay.reduce((earliest, run) => run.endMs < earliest.endMs ? run : earliest)
      underWay.splice(underWay.indexOf(first), 1)
      nowMs = first.endMs
      room += first.weight
    } else {
      const [{ weight, limitMs }] = left.splice(next, 1)
      underWay.push({ endMs: nowMs + limitMs, weight })
      room -= weight
    }
  }
  return Math.max(0, ...underWay.map(({ endMs }) => endMs))
}
