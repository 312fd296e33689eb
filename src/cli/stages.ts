import type { Case, Experiment } from '../experiment/definition.ts'
import { scenarioOf } from '../experiment/run-unit.ts'
import type { UnitKey } from '../experiment/unit.ts'
import type { RunParameters, WireName } from '../wires/wire.ts'

/** Units of one wire, of which several may run at a time. Stages run one after the other. */
export interface Stage {
  readonly wire: WireName
  /** In order: of those for which there is room the first is next. */
  readonly units: readonly UnitKey[]
  /** What all that run at a time may weigh together. */
  readonly capacity: number
  /** At most the capacity: that one runs alone. */
  readonly weightOf: (unit: UnitKey) => number
}

/** Real runs that mostly wait: enough to save the time, few enough not to be seen in it. Eight of failed-requests keep two cores busy for a quarter. */
const WAITING_RUNS = 14
/** ... and processes of their hosts: of 100 MB, each a second of work to start. */
const WAITING_PROCESSES = 48
/** Of which a run of few hosts weighs as many as there are processes, and any other as many for each of its own as there are runs. */
const WAITING_CAPACITY = WAITING_RUNS * WAITING_PROCESSES

/**
 * Orders units so that real time is measured undisturbed: all that is in virtual time first, `jobs` at a time; then the
 * real runs that mostly wait, several at a time, those of many processes first; then each of the others alone on the machine.
 */
export function planStages (experiment: Experiment, parameters: RunParameters, units: readonly UnitKey[], jobs: number): Stage[] {
  const on = (wire: WireName): UnitKey[] => units.filter(unit => unit.wire === wire)
  const inThreads = (wire: WireName): Stage => ({ wire, units: on(wire), capacity: jobs, weightOf: () => 1 })
  return [inThreads('sim'), inThreads('stack'), realStage(experiment, parameters, on('tcp'))].filter(({ units }) => units.length > 0)
}

function realStage ({ cases }: Experiment, parameters: RunParameters, units: readonly UnitKey[]): Stage {
  const weights = new Map(cases.map(theCase => {
    const unit = units.find(unit => unit.case === theCase.name)
    return [theCase.name, unit === undefined ? 0 : realWeight(theCase, parameters, unit)]
  }))
  const weightOf = (unit: UnitKey): number => weights.get(unit.case) ?? WAITING_CAPACITY
  const waiting = units.filter(unit => weightOf(unit) < WAITING_CAPACITY).sort((a, b) => weightOf(b) - weightOf(a))
  const capacity = evenly(waiting.map(weightOf))
  return {
    wire: 'tcp',
    units: [...waiting, ...units.filter(unit => weightOf(unit) === WAITING_CAPACITY)],
    capacity,
    weightOf: unit => Math.min(weightOf(unit), capacity)
  }
}

/** As little as needs no more rounds than all that there is: processes are started for each run of a round. */
function evenly (weights: readonly number[]): number {
  const rounds = roundsOf(weights, WAITING_CAPACITY)
  let capacity = Math.max(1, ...weights)
  while (roundsOf(weights, capacity) > rounds) {
    capacity++
  }
  return capacity
}

/** Each in the first round with room for it. */
function roundsOf (weights: readonly number[], capacity: number): number {
  const room: number[] = []
  for (const weight of weights) {
    const round = room.findIndex(left => left >= weight)
    if (round === -1) {
      room.push(capacity - weight)
    } else {
      room[round] -= weight
    }
  }
  return room.length
}

function realWeight (theCase: Case, parameters: RunParameters, unit: UnitKey): number {
  if (!theCase.waits) {
    return WAITING_CAPACITY
  }
  try {
    const { hosts } = scenarioOf(theCase, parameters, unit)
    const processes = new Set(hosts.map(host => host.process ?? host)).size
    return Math.min(WAITING_CAPACITY, Math.max(WAITING_PROCESSES, WAITING_RUNS * processes))
  } catch {
    // What the case throws is its runs' to tell.
    return WAITING_CAPACITY
  }
}
