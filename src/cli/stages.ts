import type { Experiment } from '../experiment/definition.ts'
import type { UnitKey } from '../experiment/unit.ts'
import type { WireName } from '../wires/wire.ts'

/** Units that may run beside each other. Stages run one after the other. */
export interface Stage {
  readonly wire: WireName
  readonly units: readonly UnitKey[]
  /** How many run at a time. */
  readonly lanes: number
}

/** Real runs that mostly wait: enough to save the time, few enough not to be seen in it. */
const WAITING_LANES = 8

/**
 * Orders units so that real time is measured undisturbed: all that is in virtual time first, `jobs` at a time; then the
 * real runs that mostly wait, several at a time; then each of the others alone on the machine.
 */
export function planStages (experiment: Experiment, units: readonly UnitKey[], jobs: number): Stage[] {
  const waiting = new Set(experiment.cases.filter(({ waits }) => waits).map(({ name }) => name))
  const on = (wire: WireName): UnitKey[] => units.filter(unit => unit.wire === wire)
  const stages: Stage[] = [
    { wire: 'sim', units: on('sim'), lanes: jobs },
    { wire: 'stack', units: on('stack'), lanes: jobs },
    { wire: 'tcp', units: on('tcp').filter(unit => waiting.has(unit.case)), lanes: WAITING_LANES },
    { wire: 'tcp', units: on('tcp').filter(unit => !waiting.has(unit.case)), lanes: 1 }
  ]
  return stages.filter(({ units }) => units.length > 0)
}
