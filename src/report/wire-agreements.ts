import type { RandomStream } from '../core/random.ts'
import type { Arm, Metric, SampleEvent } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { isPair, LEADING_PAIRS, pairsOf, WIRES } from '../experiment/wire-pair.ts'
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
  /** Those that ran well on both wires. */
  readonly seeds: readonly string[]
  /** Probabilities of quantiles that a failed sample decides on both: their values are what it took to give up. */
  readonly failedAt: ReadonlySet<number>
}

/** Each kind of sample, in each arm, on each two wires that have it. What differs by design is left out. */
export function agreementsOf (results: ResultsData, random: RandomStream): WireAgreement[] {
  const { arms, cases } = results.run.experiment
  return cases.flatMap((caseDescription) => samplesOf(caseDescription).filter(({ wireSpecific }) => wireSpecific !== true).flatMap((metric) => arms.flatMap((arm) => {
    const samples = new Map(wiresOf(results, caseDescription.name).map((wire) => [wire, runSamples(results, wire, caseDescription.name, arm.name, metric)] as const).filter(([, bySeed]) => bySeed.size > 0))
    const stream = random.fork(caseDescription.name).fork(metric.sample).fork(arm.name)
    return pairsOf([...samples.keys()]).flatMap(({ model, reference }) => {
      const [ofModel, ofReference] = [model, reference].map((wire) => samples.get(wire) ?? new Map<string, readonly SampleEvent[]>())
      const seeds = [...ofModel.keys()].filter((seed) => ofReference.has(seed))
      if (seeds.length === 0) {
        return []
      }
      const [onModel, onReference] = [ofModel, ofReference].map((bySeed) => seeds.map((seed) => bySeed.get(seed) ?? []))
      const compared = agreement(onModel.map(valuesOf), onReference.map(valuesOf), stream.fork(`${model} ${reference}`))
      const failedAt = new Set(compared.quantiles.map(({ probability }) => probability).filter((probability) => [onModel, onReference].every((runs) => isFailureAt(runs.flat(), probability))))
      return [{ case: caseDescription, metric, arm, model, reference, seeds, failedAt, ...compared }]
    })
  })))
}

/** Whether a sample that decides a quantile (type 7: one or two do) is a failure. */
function isFailureAt (samples: readonly SampleEvent[], probability: number): boolean {
  const position = (samples.length - 1) * probability
  return [...samples].sort((a, b) => a.value - b.value).slice(Math.floor(position), Math.ceil(position) + 1).some(({ ok }) => !ok)
}

function valuesOf (samples: readonly SampleEvent[]): number[] {
  return samples.map(({ value }) => value)
}

/** All pairs of one arm's samples of one kind: a line of the tables. */
export interface AgreementRow extends Pick<WireAgreement, 'case' | 'metric' | 'arm'> {
  /** Not empty; neighbours first. */
  readonly pairs: readonly WireAgreement[]
}

/** Agreements by what they are about, in their order. */
export function agreementRows (agreements: readonly WireAgreement[]): AgreementRow[] {
  return [...Map.groupBy(agreements, ({ case: { name }, metric, arm }) => JSON.stringify([name, metric.name, arm.name])).values()].map((pairs) => {
    const [{ case: caseDescription, metric, arm }] = pairs
    return { case: caseDescription, metric, arm, pairs }
  })
}

/** One quantile of a row on each of its wires, from the most modelled to the most real; of a wire with several pairs, in the one that says most. */
export function valuesByWire ({ pairs }: AgreementRow, quantile: number): Map<WireName, number> {
  const rank = (pair: WirePair): number => LEADING_PAIRS.findIndex((leading) => isPair(leading, pair))
  const leastFirst = [...pairs].sort((a, b) => rank(b) - rank(a))
  return new Map(leastFirst.flatMap(({ model, reference, quantiles }) => [[model, quantiles[quantile].model], [reference, quantiles[quantile].reference]] as const)
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

function runSamples (results: ResultsData, wire: WireName, caseName: string, arm: string, metric: Metric): Map<string, readonly SampleEvent[]> {
  const cutMs = warmUpCutMs(results, caseName)
  return new Map(goodUnits(results, wire, caseName, arm).sort(compareUnits).map((unit) => [unit.seed, settledSamples(unit, metric.sample, cutMs)] as const).filter(([, { length }]) => length > 0))
}
