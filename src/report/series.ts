import type { Arm } from '../experiment/definition.ts'
import type { UnitResult, WireName } from '../experiment/unit.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'

/** All samples of one kind that one arm gave on one wire: what a distribution is drawn from. */
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
  return results.run.experiment.arms.flatMap((arm) => {
    const samples = goodUnits(results, selection.wire, selection.case.name, arm.name)
      .filter(({ seed }) => selection.seeds?.has(seed) ?? true)
      .flatMap((unit) => unit.samples.filter(({ metric }) => metric === selection.sample))
    const successes = Float64Array.from(samples.filter(({ ok }) => ok), ({ value }) => value).sort()
    return samples.length === 0 ? [] : [{ arm, wire: selection.wire, successes, total: samples.length }]
  })
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
