import type { Case, Experiment } from '../experiment/definition.ts'
import { scenarioOf } from '../experiment/run-unit.ts'
import type { UnitKey } from '../experiment/unit.ts'
import type { RunParameters, WireName } from '../wires/wire.ts'

/** Units that may run beside each other. Stages run one after the other. */
export interface Stage {
  readonly wire: WireName
  readonly units: readonly UnitKey[]
  /** How many run at a time. */
  readonly lanes: number
}

/** Real runs that mostly wait: enough to save the time, few enough not to be seen in it. Eight of failed-requests keep two cores busy for a quarter. */
const WAITING_LANES = 14
/** ... and processes of their hosts: of 100 MB, each a second of work to start. */
const WAITING_PROCESSES = 48

/**
 * Orders units so that real time is measured undisturbed: all that is in virtual time first, `jobs` at a time; then the
 * real runs that mostly wait, several at a time; then each of the others alone on the machine.
 */
export function planStages (experiment: Experiment, parameters: RunParameters, units: readonly UnitKey[], jobs: number): Stage[] {
  const on = (wire: WireName): UnitKey[] => units.filter(unit => unit.wire === wire)
  const lanes = new Map(experiment.cases.map(theCase => {
    const unit = units.find(unit => unit.wire === 'tcp' && unit.case === theCase.name)
    return [theCase.name, unit === undefined ? 1 : realLanes(theCase, parameters, unit)]
  }))
  const real = Map.groupBy(on('tcp'), unit => lanes.get(unit.case) ?? 1)
  const stages: Stage[] = [
    { wire: 'sim', units: on('sim'), lanes: jobs },
    { wire: 'stack', units: on('stack'), lanes: jobs },
    ...[...real].sort(([a], [b]) => b - a).map(([lanes, units]) => ({ wire: 'tcp' as const, units, lanes: evenly(units.length, lanes) }))
  ]
  return stages.filter(({ units }) => units.length > 0)
}

/** As few as need no more rounds than `most` do: processes are started for each. */
function evenly (units: number, most: number): number {
  return Math.ceil(units / Math.ceil(units / most))
}

function realLanes (theCase: Case, parameters: RunParameters, unit: UnitKey): number {
  if (!theCase.waits) {
    return 1
  }
  try {
    const { hosts } = scenarioOf(theCase, parameters, unit)
    const processes = new Set(hosts.map(host => host.process ?? host)).size
    return Math.min(Math.max(Math.floor(WAITING_PROCESSES / processes), 1), WAITING_LANES)
  } catch {
    // What the case throws is its runs' to tell.
    return 1
  }
}
