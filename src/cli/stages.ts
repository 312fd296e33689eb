import type { Case, Experiment } from '../experiment/definition.ts'
import { scenarioOf } from '../experiment/run-unit.ts'
import type { UnitKey } from '../experiment/unit.ts'
import type { TcpNetwork } from '../wires/tcp/host-networks.ts'
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

export interface StageOptions {
  /** Of what is in virtual time, at a time. */
  readonly jobs: number
  /** What joins real peers. Default: relay. */
  readonly tcpNetwork?: TcpNetwork
}

/** Real runs that mostly wait: enough to save the time, few enough not to be seen in it. Eight of failed-requests keep two cores busy for a quarter. */
const WAITING_RUNS = 14
/** Of these so many where a process carries each packet of a run: of 2 Mbit/s a run takes a quarter of a processor, hub and hosts. Seven of them lost up to a tenth of their throughput, fourteen half. */
const WAITING_NAMESPACE_RUNS = 4
/** Processes of the hosts of runs that wait: of 100 MB, each a second of work to start. */
const WAITING_PROCESSES = 48
/** Both in one number: a run weighs a fourteenth of it (in namespaces a quarter), or a forty-eighth for each of its processes, whichever is more. */
const WAITING_CAPACITY = WAITING_RUNS * WAITING_PROCESSES

/**
 * Orders units so that real time is measured undisturbed: all that is in virtual time first, `jobs` at a time; then the
 * real runs that mostly wait, several at a time (fewer in namespaces), the longest first; then each of the others alone on the
 * machine.
 */
export function planStages (experiment: Experiment, parameters: RunParameters, units: readonly UnitKey[], { jobs, tcpNetwork = 'relay' }: StageOptions): Stage[] {
  const on = (wire: WireName): UnitKey[] => units.filter(unit => unit.wire === wire)
  const inThreads = (wire: WireName): Stage => ({ wire, units: on(wire), ...atATime(jobs) })
  return [inThreads('sim'), inThreads('stack'), realStage(experiment, parameters, on('tcp'), tcpNetwork)].filter(({ units }) => units.length > 0)
}

function realStage ({ cases }: Experiment, parameters: RunParameters, units: readonly UnitKey[], tcpNetwork: TcpNetwork): Stage {
  const loads = new Map(cases.flatMap(theCase => {
    const unit = units.find(unit => unit.case === theCase.name)
    return unit === undefined ? [] : [[theCase.name, realLoad(theCase, parameters, unit, tcpNetwork)]]
  }))
  const loadOf = (unit: UnitKey): RealLoad => loads.get(unit.case) ?? UNKNOWN
  const goesAlone = (unit: UnitKey): boolean => loadOf(unit).weight === WAITING_CAPACITY
  const waiting = units.filter(unit => !goesAlone(unit)).sort((a, b) => loadOf(b).limitMs - loadOf(a).limitMs)
  const capacity = least(waiting.map(loadOf))
  return {
    wire: 'tcp',
    units: [...waiting, ...units.filter(goesAlone)],
    capacity,
    weightOf: unit => Math.min(loadOf(unit).weight, capacity),
    scenarioLimitMsOf: unit => loadOf(unit).limitMs
  }
}

/** As little as takes no longer than all that there is: processes are started for each run that goes beside others. */
function least (loads: readonly RealLoad[]): number {
  const shortestMs = lengthMs(loads, WAITING_CAPACITY)
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

interface RealLoad {
  /** All of `WAITING_CAPACITY` where it has the machine alone. */
  readonly weight: number
  /** The most that a run takes, which is how runs of one experiment compare in length. */
  readonly limitMs: number
}

/** Of a case that throws, which is its runs' to tell. */
const UNKNOWN: RealLoad = { weight: WAITING_CAPACITY, limitMs: 0 }

/** That of all of the case's runs: hosts and limit are taken to be the same in all arms and seeds. */
function realLoad (theCase: Case, parameters: RunParameters, unit: UnitKey, tcpNetwork: TcpNetwork): RealLoad {
  try {
    const { hosts, limitMs } = scenarioOf(theCase, parameters, unit)
    const processes = new Set(hosts.map(host => host.process ?? host)).size
    const leastWeight = tcpNetwork === 'namespaces' ? Math.floor(WAITING_CAPACITY / WAITING_NAMESPACE_RUNS) : WAITING_PROCESSES
    const weight = theCase.waits && processes < WAITING_PROCESSES ? Math.max(leastWeight, WAITING_RUNS * processes) : WAITING_CAPACITY
    return { weight, limitMs }
  } catch {
    return UNKNOWN
  }
}
