import type { Case, Experiment } from './definition.ts'
import type { UnitKey, WireName } from './unit.ts'
import { carries } from './wire-pair.ts'

/** The seeds that run on a wire, each with every case that the wire carries and the arms that take part in it. */
export interface WirePlan {
  readonly wire: WireName
  readonly seeds: readonly string[]
}

/** Repetition i of a run with the root seed `s` has the seed `s/i`, on whichever wire. */
export function planSeeds (seed: string, repetitions: number): string[] {
  return Array.from({ length: repetitions }, (_, i) => `${seed}/${i}`)
}

/**
 * Every run of an experiment that a plan asks for. Repetitions come before cases and arms, so that a run cut short
 * leaves whole repetitions behind, which is what a paired comparison needs.
 */
export function planUnits (experiment: Experiment, plan: readonly WirePlan[]): UnitKey[] {
  const units: UnitKey[] = []
  for (const { wire, seeds } of plan) {
    for (const seed of seeds) {
      for (const theCase of experiment.cases.filter(theCase => carries(wire, theCase))) {
        for (const arm of armsOf(theCase, experiment)) {
          units.push({ wire, case: theCase.name, arm, seed })
        }
      }
    }
  }
  return units
}

/** Names of the arms that take part in a case. */
export function armsOf ({ arms }: Case, experiment: Experiment): readonly string[] {
  return arms ?? experiment.arms.map(({ name }) => name)
}
