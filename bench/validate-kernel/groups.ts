import { quantile } from '../../src/stats/quantile.ts'
import type { Task } from './task.ts'
import type { Modelled } from './worker.ts'

/** One row of the reference and what the model gives for it. */
export interface Outcome {
  readonly task: Task
  readonly modelled: Modelled
}

/** One figure, measured and modelled. */
export interface Comparison {
  readonly label: string
  readonly column: string
  readonly measured: number
  /** NaN where the model gives none. */
  readonly modelled: number
  /** Relative, or absolute where the group says so; signed. */
  readonly error: number
  /** Whether the row's own limit holds. */
  readonly within: boolean
  /** What the limit was, or why there is no figure. */
  readonly note: string
}

export interface GroupResult {
  readonly name: string
  readonly unit: 'relative' | 'absolute' | 'interval'
  readonly rows: number
  /** Of absolute errors. */
  readonly median: number
  readonly worst: number
  readonly medianTarget: number
  readonly worstTarget: number
  readonly met: boolean
  readonly comparisons: readonly Comparison[]
}

interface Group {
  readonly name: string
  readonly kind: Task['kind']
  readonly column: string
  readonly unit: 'relative' | 'absolute'
  readonly median: number
  readonly worst: number
  /** Also within where the model is inside what the single seeds gave. */
  readonly range?: readonly [string, string]
  readonly only: (row: Task['reference']) => boolean
}

const clean = (row: Task['reference']): boolean => row.loss_model === 'none'
const noLoss = (row: Task['reference']): boolean => row.loss_each_dir === 0

/** Targets of each group: the median and the worst of its rows' errors. */
const GROUPS: readonly Group[] = [
  { name: 'bulk goodput 5-30 s, no loss', kind: 'bulk', column: 'goodput_5_30_mbps_mean', unit: 'relative', median: 0.01, worst: 0.04, only: clean },
  {
    name: 'bulk goodput 5-30 s, with loss',
    kind: 'bulk',
    column: 'goodput_5_30_mbps_mean',
    unit: 'relative',
    median: 0.05,
    worst: 0.2,
    range: ['goodput_5_30_min', 'goodput_5_30_max'],
    only: row => !clean(row)
  },
  { name: 'queueing delay, no loss', kind: 'bulk', column: 'q_delay_mean_ms_mean', unit: 'relative', median: 0.08, worst: 0.25, only: clean },
  { name: 'FCT p50, no loss', kind: 'fct', column: 'p50_ms', unit: 'relative', median: 0.015, worst: 0.05, only: noLoss },
  { name: 'FCT p50, with loss', kind: 'fct', column: 'p50_ms', unit: 'relative', median: 0.05, worst: 0.2, only: row => !noLoss(row) },
  { name: 'FCT p90, with loss', kind: 'fct', column: 'p90_ms', unit: 'relative', median: 0.1, worst: 0.3, only: row => !noLoss(row) },
  { name: 'pairs, share of the first flow', kind: 'pair', column: 'A_share_w5_40_mean', unit: 'absolute', median: 0.03, worst: 0.08, only: () => true }
]

/** Columns without a target, for the reader. */
const FURTHER: ReadonlyArray<readonly [Task['kind'], string]> = [
  ['bulk', 'goodput_0_30_mbps_mean'], ['bulk', 'srtt_mean_5_30_ms_mean'], ['bulk', 'cwnd_mean_5_30_pkts_mean'],
  ['bulk', 'retrans_segs_0_30_mean'], ['bulk', 'retrans_segs_5_30_mean'], ['bulk', 'q_drops_mean'], ['fct', 'p99_ms'],
  ['fct', 'mean_ms'], ['fct', 'connect_p50_ms'], ['pair', 'A_share_w20_40_mean'], ['pair', 'q_delay_mean_ms_mean'],
  ['libp2p', 'dial_p50_ms'], ['libp2p', 'newstream_p50_ms'], ['libp2p', 'first_echo_p50_ms'], ['libp2p', 'second_stream_echo_p50_ms'],
  ['libp2p', 'warm_echo_p50_ms'], ['libp2p', 'bulk10MB_mean_s']
]

export function judge (outcomes: readonly Outcome[]): GroupResult[] {
  return [...GROUPS.map(group => groupResult(group, outcomes)), connectResult(outcomes)].filter(({ rows }) => rows > 0)
}

/** Figures that have no target, by column. Zeros of the reference have no relative error and are left out. */
export function further (outcomes: readonly Outcome[]): GroupResult[] {
  return FURTHER.map(([kind, column]) => groupResult({
    name: `${kind}: ${column}`, kind, column, unit: 'relative', median: Infinity, worst: Infinity, only: row => Number(row[column]) > 0
  }, outcomes)).filter(({ rows }) => rows > 0)
}

function groupResult ({ name, kind, column, unit, median, worst, range, only }: Group, outcomes: readonly Outcome[]): GroupResult {
  const comparisons = outcomes.filter(({ task }) => task.kind === kind && only(task.reference)).map(({ task: { label, reference }, modelled: { row, error: failure } }): Comparison => {
    const measured = Number(reference[column])
    const modelled = Number(row[column] ?? NaN)
    const error = unit === 'relative' ? modelled / measured - 1 : modelled - measured
    const [low, high] = range === undefined ? [NaN, NaN] : [Number(reference[range[0]]), Number(reference[range[1]])]
    const inRange = modelled >= low && modelled <= high
    const within = Math.abs(error) <= worst || inRange
    return { label, column, measured, modelled, error, within, note: failure ?? (range === undefined ? sampled(row, column) : `seeds ${low} to ${high}`) }
  })
  const errors = comparisons.map(({ error }) => Math.abs(error))
  return summary(name, unit, comparisons, errors, median, worst)
}

/** What chance alone makes of a percentile, where that is known. */
function sampled (row: Modelled['row'], column: string): string {
  const [low, high] = [row[`${column}_low`], row[`${column}_high`]]
  return typeof low === 'number' && typeof high === 'number' ? `a sample of the model: ${low.toFixed(1)} to ${high.toFixed(1)}` : ''
}

function summary (name: string, unit: GroupResult['unit'], comparisons: readonly Comparison[], errors: readonly number[], medianTarget: number, worstTarget: number): GroupResult {
  const known = errors.filter(error => Number.isFinite(error))
  const median = known.length === 0 ? NaN : quantile(known, 0.5)
  return {
    name,
    unit,
    rows: comparisons.length,
    median,
    worst: known.length === 0 ? NaN : Math.max(...known),
    medianTarget,
    worstTarget,
    met: median <= medianTarget && comparisons.every(({ within }) => within),
    comparisons
  }
}

const NORMAL_995 = 2.5758

/** Of the emulator and the processor that the measurements shared: what a time may be late without TCP's doing. */
const LATENESS_MS = 0.1

/** Shares and mean times by attempt: the model's inside the measurement's 99% interval. */
function connectResult (outcomes: readonly Outcome[]): GroupResult {
  const comparisons: Comparison[] = []
  for (const { task: { kind, label, reference }, modelled: { row, error: failure } } of outcomes) {
    if (kind !== 'connect') {
      continue
    }
    const count = Number(reference.n)
    for (let attempt = 1; attempt <= 4; attempt++) {
      const attempts = Number(reference[`n_attempt${attempt}`])
      const measuredShare = attempts / count
      const share = Number(row[`n_attempt${attempt}`] ?? NaN) / Number(row.n ?? NaN)
      const [low, high] = wilson(measuredShare, count)
      comparisons.push({
        label, column: `share of attempt ${attempt}`, measured: measuredShare, modelled: share, error: share - measuredShare, within: share >= low && share <= high,
        note: failure ?? `99% interval ${low.toFixed(4)} to ${high.toFixed(4)}`
      })
      const measured = reference[`mean_ms_attempt${attempt}`]
      if (measured === null) {
        continue
      }
      // The reference states no deviation within an attempt: the model's stands in for it.
      const modelled = Number(row[`mean_ms_attempt${attempt}`] ?? NaN)
      const half = NORMAL_995 * Number(row[`sd_ms_attempt${attempt}`] ?? NaN) / Math.sqrt(attempts) + LATENESS_MS
      comparisons.push({
        label, column: `mean_ms_attempt${attempt}`, measured: Number(measured), modelled, error: modelled - Number(measured), within: Math.abs(modelled - Number(measured)) <= half,
        note: failure ?? `99% interval ± ${half.toFixed(3)} ms`
      })
    }
  }
  const outside = comparisons.map(({ within }) => within ? 0 : 1)
  return { ...summary('connect(): share and time by attempt', 'interval', comparisons, outside, 0, 0), met: comparisons.every(({ within }) => within) }
}

/** Wilson's interval of a share. */
function wilson (share: number, count: number): readonly [number, number] {
  const z2 = NORMAL_995 ** 2
  const centre = (share + z2 / (2 * count)) / (1 + z2 / count)
  const half = NORMAL_995 * Math.sqrt(share * (1 - share) / count + z2 / (4 * count ** 2)) / (1 + z2 / count)
  // At a share of 0 or 1 the interval ends there, which rounding must not hide.
  return [share === 0 ? 0 : centre - half, share === 1 ? 1 : centre + half]
}
