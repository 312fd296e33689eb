import type { RandomStream } from '../core/random.ts'
import type { Arm, Metric } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { pairsOf, WIRES } from '../experiment/wire-pair.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import { compareUnits, wiresOf } from '../results/data.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import { settledSamples, warmUpCutMs } from '../results/warm-up.ts'
import { agreement } from '../stats/agreement.ts'
import type { Agreement } from '../stats/agreement.ts'
import { goodUnits } from './series.ts'

/** How far two wires agree on one metric's samples in one arm. */
export interface WireAgreement extends Agreement, WirePair {
  readonly case: CaseDescription
  readonly metric: Metric
  readonly arm: Arm
  /** Seeds that ran well on every wire that has any of this arm, so that all wires of a row saw the same scenarios. */
  readonly seeds: readonly string[]
}

/** Each kind of sample, in each arm, on each two wires that have it. What differs by design is left out. */
export function agreementsOf (results: ResultsData, random: RandomStream): WireAgreement[] {
  const { arms, cases } = results.run.experiment
  return cases.flatMap((caseDescription) => samplesOf(caseDescription).filter(({ wireSpecific }) => wireSpecific !== true).flatMap((metric) => arms.flatMap((arm) => {
    const samples = new Map(wiresOf(results, caseDescription.name).map((wire) => [wire, runSamples(results, wire, caseDescription.name, arm.name, metric)] as const).filter(([, bySeed]) => bySeed.size > 0))
    const [first, ...others] = samples.values()
    const seeds = first === undefined ? [] : [...first.keys()].filter((seed) => others.every((bySeed) => bySeed.has(seed)))
    if (seeds.length === 0) {
      return []
    }
    const stream = random.fork(caseDescription.name).fork(metric.sample).fork(arm.name)
    const runs = (wire: WireName): number[][] => seeds.map((seed) => samples.get(wire)?.get(seed) ?? [])
    return pairsOf([...samples.keys()]).map(({ model, reference }) => ({
      case: caseDescription, metric, arm, model, reference, seeds, ...agreement(runs(model), runs(reference), stream.fork(`${model} ${reference}`))
    }))
  })))
}

/** All pairs of one arm's samples of one kind: a line of the tables. */
export interface AgreementRow extends Pick<WireAgreement, 'case' | 'metric' | 'arm' | 'seeds'> {
  /** Not empty; neighbours first. */
  readonly pairs: readonly WireAgreement[]
}

/** Agreements by what they are about, in their order. */
export function agreementRows (agreements: readonly WireAgreement[]): AgreementRow[] {
  return [...Map.groupBy(agreements, ({ case: { name }, metric, arm }) => JSON.stringify([name, metric.name, arm.name])).values()].map((pairs) => {
    const [{ case: caseDescription, metric, arm, seeds }] = pairs
    return { case: caseDescription, metric, arm, seeds, pairs }
  })
}

/** One quantile of a row on each of its wires, from the most modelled to the most real. */
export function valuesByWire ({ pairs }: AgreementRow, quantile: number): Map<WireName, number> {
  return new Map(pairs.flatMap(({ model, reference, quantiles }) => [[model, quantiles[quantile].model], [reference, quantiles[quantile].reference]] as const)
    .sort(([a], [b]) => WIRES.indexOf(a) - WIRES.indexOf(b)))
}

/** One metric for each kind of sample, as several metrics may be made of one; shares of failures are no distribution. */
export function samplesOf ({ metrics }: CaseDescription): Metric[] {
  const measured = metrics.filter(({ statistic }) => statistic !== 'failed-share')
  return measured.filter(({ sample }, index) => measured.findIndex((other) => other.sample === sample) === index)
}

/** What a metric's samples are, whatever is made of them: `First request` of `First request, p99`. */
export function sampleTitle ({ title }: Metric): string {
  return title.replace(/, (?:median|mean|slowest|p\d+(?:\.\d+)?)$/, '')
}

function runSamples (results: ResultsData, wire: WireName, caseName: string, arm: string, metric: Metric): Map<string, number[]> {
  const cutMs = warmUpCutMs(results, caseName)
  const bySeed = new Map<string, number[]>()
  for (const unit of goodUnits(results, wire, caseName, arm).sort(compareUnits)) {
    const values = settledSamples(unit, metric.sample, cutMs).map(({ value }) => value)
    if (values.length > 0) {
      bySeed.set(unit.seed, values)
    }
  }
  return bySeed
}
