import type { Arm } from '../experiment/definition.ts'
import type { UnitResult, WireName } from '../experiment/unit.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import { settledSamples, warmUpCutMs } from '../results/warm-up.ts'

/** All samples of one kind that one arm gave on one wire once its case had warmed up: what a distribution is drawn from. */
export interface Series {
  readonly arm: Arm
  readonly wire: WireName
  /** Ascending. */
  readonly successes: Float64Array
  /** Failures included: they never reach their value, so the distribution ends below 1. */
  readonly total: number
}

export interface SeriesSelection {
  readonly wire: WireName
  readonly case: CaseDescription
  readonly sample: string
  /** Absent: all. */
  readonly seeds?: ReadonlySet<string>
}

/** A series for each arm that has samples, in the experiment's order. Runs that failed give none. */
export function seriesOf (results: ResultsData, selection: SeriesSelection): Series[] {
  const cutMs = warmUpCutMs(results, selection.case.name)
  return results.run.experiment.arms.flatMap((arm) => {
    const samples = goodUnits(results, selection.wire, selection.case.name, arm.name)
      .filter(({ seed }) => selection.seeds?.has(seed) ?? true)
      .flatMap((unit) => settledSamples(unit, selection.sample, cutMs))
    const successes = Float64Array.from(samples.filter(({ ok }) => ok), ({ value }) => value).sort()
    return samples.length === 0 ? [] : [{ arm, wire: selection.wire, successes, total: samples.length }]
  })
}

/** The seeds of a wire and case on which every arm that has runs there ran well: what arms are pooled over, to be alike but for what they do. */
export function commonSeeds (results: ResultsData, { wire, case: { name } }: Pick<SeriesSelection, 'wire' | 'case'>): ReadonlySet<string> {
  return new Set(inAll(results.run.experiment.arms.map((arm) => goodUnits(results, wire, name, arm.name).map(({ seed }) => seed)).filter(({ length }) => length > 0)))
}

/** What stands in each of several lists, in the order of the first. */
export function inAll (lists: ReadonlyArray<readonly string[]>): string[] {
  const [first = [], ...others] = lists
  const sets = others.map((list) => new Set(list))
  return first.filter((one) => sets.every((set) => set.has(one)))
}

/** Runs that ended well. */
export function goodUnits ({ units }: ResultsData, wire: WireName, caseName: string, arm: string): UnitResult[] {
  return units.filter((unit) => unit.wire === wire && unit.case === caseName && unit.arm === arm && unit.error === undefined)
}

/** The value that this share of all samples stayed within; undefined where that many never succeeded. */
export function reached ({ successes, total }: Series, probability: number): number | undefined {
  const rank = Math.max(1, Math.ceil(total * probability))
  return rank <= successes.length ? successes[rank - 1] : undefined
}

export interface CdfPoint {
  readonly value: number
  /** Share of samples at or below `value`. */
  readonly share: number
}

const BODY_POINTS = 50

/** A distribution function in few points: evenly through the body, each sample of the tail that a log-nines axis shows. */
export function cdfPoints ({ successes, total }: Series): CdfPoint[] {
  const ranks = new Set<number>()
  for (let i = 0; i <= BODY_POINTS; i++) {
    ranks.add(Math.max(1, Math.round(successes.length * i / BODY_POINTS)))
  }
  for (let left = 0; left < successes.length; left = Math.max(left + 1, Math.floor(left * 1.15))) {
    ranks.add(successes.length - left)
  }
  return [...ranks].filter((rank) => rank <= successes.length).sort((a, b) => a - b).map((rank) => ({ value: successes[rank - 1], share: rank / total }))
}
