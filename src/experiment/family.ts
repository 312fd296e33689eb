import type { Experiment } from './definition.ts'
import { armsOnWire, isPlanned } from './plan.ts'
import type { WirePlan } from './plan.ts'
import type { WireName } from './unit.ts'

/** What is corrected together: all comparisons of a wire. */
export interface Family {
  readonly wire: WireName
  /** The most that any comparison can have. */
  readonly seeds: number
  readonly comparisons: number
}

/** The families whose verdicts a plan leads to: of the wire that leads each case, and of those that a promise is read on. */
export function leadingFamilies (experiment: Pick<Experiment, 'arms' | 'cases' | 'promises'>, plan: readonly WirePlan[]): Family[] {
  const leading = experiment.cases.map((theCase) => plan.find((part) => isPlanned(part, theCase))?.wire)
  const promised = (experiment.promises ?? []).map(({ wire }) => wire)
  return plan.filter(({ wire }) => leading.includes(wire) || promised.includes(wire)).map((part) => ({
    wire: part.wire,
    seeds: part.seeds.length,
    comparisons: comparisonsOf(experiment, part)
  }))
}

/** Every metric of every case, for every arm that takes part beside the metric's baseline. */
function comparisonsOf (experiment: Pick<Experiment, 'arms' | 'cases'>, part: WirePlan): number {
  return experiment.cases.filter((theCase) => isPlanned(part, theCase)).reduce((sum, theCase) => {
    const arms = armsOnWire(theCase, experiment, part.wire)
    return sum + theCase.metrics.filter(({ baseline = experiment.arms[0].name }) => arms.includes(baseline)).length * (arms.length - 1)
  }, 0)
}
