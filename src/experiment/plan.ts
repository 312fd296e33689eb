import { randomStream } from '../core/random.ts'
import type { Case, Experiment } from './definition.ts'
import type { UnitKey, WireName } from './unit.ts'
import { carries } from './wire-pair.ts'

/** Seeds that run on a wire, each with the cases that the wire carries and the arms that take part in them. */
export interface WirePlan {
  readonly wire: WireName
  readonly seeds: readonly string[]
  /** Names of the cases; absent: all. Seeds that were added for the sake of some effects have the cases of those only. */
  readonly cases?: readonly string[]
}

/** Repetition i of a run with the root seed `s` has the seed `s/i`, on whichever wire. */
export function planSeeds (seed: string, repetitions: number): string[] {
  return Array.from({ length: repetitions }, (_, i) => `${seed}/${i}`)
}

/**
 * Every run of an experiment that a plan asks for. Repetitions come before cases and arms, so that a run cut short
 * leaves whole repetitions behind, which is what a paired comparison needs. On real peers the arms of a seed and a case are in
 * an order of their own, drawn from the seed, so that over several seeds none is always the first on a machine that changes.
 */
export function planUnits (experiment: Experiment, plan: readonly WirePlan[]): UnitKey[] {
  const units: UnitKey[] = []
  for (const { seeds, ...part } of plan) {
    for (const seed of seeds) {
      for (const theCase of experiment.cases.filter(theCase => isPlanned(part, theCase))) {
        const arms = armsOnWire(theCase, experiment, part.wire)
        for (const arm of part.wire === 'tcp' ? randomStream(seed).fork(`order:${theCase.name}`).shuffle([...arms]) : arms) {
          units.push({ wire: part.wire, case: theCase.name, arm, seed })
        }
      }
    }
  }
  return units
}

/** Whether a part of a plan has a case. */
export function isPlanned ({ wire, cases }: Pick<WirePlan, 'wire' | 'cases'>, theCase: Pick<Case, 'name' | 'wires'>): boolean {
  return carries(wire, theCase) && (cases?.includes(theCase.name) ?? true)
}

/** Names of the arms that take part in a case. */
export function armsOf ({ arms }: Pick<Case, 'arms'>, experiment: Pick<Experiment, 'arms'>): readonly string[] {
  return arms ?? experiment.arms.map(({ name }) => name)
}

/** Those of them that run on a wire. */
export function armsOnWire ({ realArms, ...theCase }: Pick<Case, 'arms' | 'realArms'>, experiment: Pick<Experiment, 'arms'>, wire: WireName): readonly string[] {
  return wire === 'tcp' && realArms !== undefined ? realArms : armsOf(theCase, experiment)
}
