import type { Arm, Metric } from '../experiment/definition.ts'
import type { ResultsData } from '../results/data.ts'
import { settledSamples, warmUpCutMs } from '../results/warm-up.ts'
import { dataTable, figure, renderChart } from './chart.ts'
import type { Distribution } from './distribution-choice.ts'
import { formatValue } from './format.ts'
import type { Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { linearTicks, valueScale } from './scales.ts'
import { leadingWire } from './sentences.ts'
import { commonSeeds, goodUnits } from './series.ts'

const SLICES = 30
/** A run with fewer samples an arm has no course to show. */
const MINIMUM_SAMPLES = 10

interface Slice {
  readonly arm: Arm
  readonly timeMs: number
  readonly slowest: number
  readonly failures: number
  readonly samples: number
}

/** One kind of samples over time. */
interface Timeline {
  readonly id: string
  readonly title: string
  readonly metric: Metric
  /** Of the run that it shows of each arm: the first that all arms ran well. */
  readonly seed: string
  readonly slices: readonly Slice[]
}

/** What happened when, in one run of each arm: the slowest sample in each slice of time, and which run it is. Empty where runs are too short. */
export async function timelineFigures (results: ResultsData, chosen: readonly Distribution[], styles: ReadonlyMap<string, ArmStyle>): Promise<{ readonly sentence: string, readonly figures: readonly Markup[] }> {
  const timelines = timelinesOf(results, chosen)
  const [seed = '', ...others] = new Set(timelines.map(timeline => timeline.seed))
  const figures: Markup[] = []
  for (const timeline of timelines) {
    figures.push(await timelineFigure(timeline, styles, others.length > 0))
  }
  return { figures, sentence: `One run of each arm, ${others.length > 0 ? 'with the seed that is below each figure' : `seed ${seed}`}.` }
}

function timelinesOf (results: ResultsData, chosen: readonly Distribution[]): Timeline[] {
  const timelines: Timeline[] = []
  for (const { case: caseDescription, metric, id, title } of chosen) {
    const wire = leadingWire(results, caseDescription.name)
    const seeds = commonSeeds(results, { wire, case: caseDescription })
    const seed = results.run.plan.find((plan) => plan.wire === wire)?.seeds.find((candidate) => seeds.has(candidate))
    const cutMs = warmUpCutMs(results, caseDescription.name)
    const runs = results.run.experiment.arms.flatMap((arm) => {
      const unit = goodUnits(results, wire, caseDescription.name, arm.name).find((one) => one.seed === seed)
      const samples = unit === undefined ? [] : settledSamples(unit, metric.sample, cutMs)
      return samples.length < MINIMUM_SAMPLES ? [] : [{ arm, samples }]
    })
    const endMs = Math.max(0, ...runs.flatMap(({ samples }) => samples.map(({ timeMs }) => timeMs)))
    if (seed === undefined || runs.length === 0 || endMs === 0) {
      continue
    }
    const widthMs = endMs / (SLICES - 1)
    const slices = runs.flatMap(({ arm, samples }) => {
      const byIndex = new Map<number, Slice>()
      for (const { timeMs, value, ok } of samples) {
        const index = Math.floor(timeMs / widthMs)
        const slice = byIndex.get(index) ?? { arm, timeMs: index * widthMs, slowest: 0, failures: 0, samples: 0 }
        byIndex.set(index, { ...slice, slowest: Math.max(slice.slowest, value), failures: slice.failures + Number(!ok), samples: slice.samples + 1 })
      }
      return [...byIndex.values()].sort((a, b) => a.timeMs - b.timeMs)
    })
    timelines.push({ id: `time-${id}`, title, metric, seed, slices })
  }
  return timelines
}

async function timelineFigure ({ id, title, metric, seed, slices }: Timeline, styles: ReadonlyMap<string, ArmStyle>, namesSeed: boolean): Promise<Markup> {
  const arms = [...new Set(slices.map(({ arm }) => arm))]
  const failures = slices.reduce((sum, slice) => sum + slice.failures, 0)
  const worst = arms.map((arm) => `${arm.title}: slowest ${formatValue(Math.max(...slices.filter((slice) => slice.arm === arm).map(({ slowest }) => slowest)), metric.unit)}`)
  return figure({
    id,
    title,
    description: `Slowest in each slice of time, ${title}, seed ${seed}. ${worst.join('. ')}. ${failures} failed.`,
    chart: await timelineChart(id, metric, slices, styles),
    caption: [...namesSeed ? [`Seed ${seed}.`] : [], ...failures === 0 ? [] : ['✕ marks slices with failures, at the time they took to fail.']].join(' ') || undefined,
    table: dataTable(
      ['from', ...arms.map(({ title }) => title)],
      [...new Set(slices.map(({ timeMs }) => timeMs))].sort((a, b) => a - b).map((timeMs) => [
        formatValue(timeMs, 'ms'),
        ...arms.map((arm) => {
          const slice = slices.find((one) => one.arm === arm && one.timeMs === timeMs)
          return slice === undefined ? '' : `${formatValue(slice.slowest, metric.unit)}${slice.failures === 0 ? '' : ` (${slice.failures} of ${slice.samples} failed)`}`
        })
      ])
    )
  })
}

async function timelineChart (id: string, metric: Metric, slices: readonly Slice[], styles: ReadonlyMap<string, ArmStyle>): Promise<Markup> {
  const rows = slices.map(({ arm, timeMs, slowest, failures, samples }) => ({
    arm: arm.name,
    seconds: timeMs / 1000,
    slowest,
    failures,
    tip: `${arm.title} at ${formatValue(timeMs, 'ms')}: ${formatValue(slowest, metric.unit)}${failures === 0 ? '' : `, ${failures} of ${samples} failed`}`
  }))
  const arms = [...new Set(rows.map(({ arm }) => arm))]
  const end = Math.max(...rows.map(({ seconds }) => seconds))
  const x = {
    field: 'seconds',
    type: 'quantitative' as const,
    title: null,
    scale: { domain: [0, end], nice: false as const },
    axis: { values: linearTicks([0, end]), labelExpr: "format(datum.value, '~r') + ' s'" }
  }
  const y = { field: 'slowest', type: 'quantitative' as const, title: 'slowest in each slice of time', ...valueScale(rows.map(({ slowest }) => slowest), metric.unit) }
  const color = { field: 'arm', type: 'nominal' as const, scale: { domain: arms, range: arms.map((arm) => styles.get(arm)?.colour ?? 'var(--fg)') } }
  const shape = { field: 'arm', type: 'nominal' as const, scale: { domain: arms, range: arms.map((arm) => styles.get(arm)?.symbol ?? 'circle') } }
  return await renderChart({
    data: { values: rows },
    layer: [
      { mark: { type: 'line', strokeWidth: 1.25, opacity: 0.7, strokeJoin: 'round', aria: false }, encoding: { x, y, color } },
      { transform: [{ filter: 'datum.failures === 0' }], mark: { type: 'point', filled: true, size: 22, opacity: 1 }, encoding: { x, y, color, shape, description: { field: 'tip' } } },
      {
        transform: [{ filter: 'datum.failures > 0' }],
        mark: { type: 'point', filled: false, shape: 'M-1,-1L1,1M-1,1L1,-1', size: 40, strokeWidth: 2, opacity: 1 },
        encoding: { x, y, color, description: { field: 'tip' } }
      }
    ]
  }, id)
}
