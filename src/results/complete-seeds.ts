import { armsOnWire, isPlanned } from '../experiment/plan.ts'
import type { WirePlan } from '../experiment/plan.ts'
import { unitId } from './data.ts'
import type { ResultsData } from './data.ts'

/**
 * Results of a run that is under way as if it had been planned no longer: with the seeds of which every run has ended, well
 * or not. What is left to come is no hole, and no arm is ahead of another.
 */
export function completeSeeds ({ run, units }: ResultsData): ResultsData {
  const { arms, cases } = run.experiment
  const ended = new Set(units.map(unitId))
  const kept = new Set<string>()
  const plan = run.plan.map((part): WirePlan => {
    const idsOf = (seed: string): string[] => cases.filter((theCase) => isPlanned(part, theCase))
      .flatMap((theCase) => armsOnWire(theCase, { arms }, part.wire).map((arm) => unitId({ wire: part.wire, case: theCase.name, arm, seed })))
    const seeds = part.seeds.filter((seed) => idsOf(seed).every((id) => ended.has(id)))
    seeds.flatMap(idsOf).forEach((id) => kept.add(id))
    return { ...part, seeds }
  })
  return { run: { ...run, plan }, units: units.filter((unit) => kept.has(unitId(unit))) }
}
