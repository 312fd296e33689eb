import { NS_PER_MS, NS_PER_S } from '../core/units.ts'
import { BulkFlow, serve } from './bulk-flow.ts'
import { lossColumns, pathColumns } from './columns.ts'
import { checkDuration } from './options.ts'
import type { PathOptions } from './options.ts'
import { Path, repetitionStream } from './path.ts'
import type { PathOnlooker } from './path.ts'
import { Sampler } from './sampler.ts'
import { runInSteps } from './steps.ts'
import { meanAndDeviation, rounded } from './summary.ts'
import type { Row } from './summary.ts'
import type { CongestionName } from './tcp.ts'

/** Windows of time begin here and end with the run: after slow start, and after most of the convergence. */
export const EARLY_S = 5
export const LATE_S = 20

/**
 * Between the two starts, drawn anew for each repetition: some milliseconds, as when two threads of one process begin. The
 * reference says only that the second starts later. It cannot have been much later: after half a second the shares would
 * stand in two groups by who began, which those measured do not.
 */
const STAGGER_NS = [1 * NS_PER_MS, 10 * NS_PER_MS] as const

export interface PairOptions {
  /** The first is A. */
  readonly congestion: readonly [CongestionName, CongestionName]
  /** From the first flow's start, more than `LATE_S`. */
  readonly durationS: number
}

/** One flow of a pair. */
export interface PairFlow {
  readonly earlyMbps: number
  readonly lateMbps: number
  readonly retransmitted: number
}

export interface PairRun {
  readonly a: PairFlow
  readonly b: PairFlow
  /** Of A, over the early window. */
  readonly srttMeanMs: number
  readonly queueDelayMeanMs: number
}

/**
 * Two bulk transfers that share a path. A starts first in even repetitions, B in odd ones.
 *
 * @throws ERR_INVALID_OPTION where the transfers would end before they are measured
 */
export async function runPair (options: PathOptions, { congestion, durationS }: PairOptions, repetition: number, signal?: AbortSignal, onlooker?: PathOnlooker): Promise<PairRun> {
  checkDuration(durationS, LATE_S)
  const random = repetitionStream(options, repetition)
  const path = new Path(options, congestion, random)
  onlooker?.(path)
  const flows = [new BulkFlow(path, 0), new BulkFlow(path, 1)]
  const sampler = new Sampler(path, flows[0])
  serve(path, flows)
  const start = path.kernel.define(flow => flows[flow].start(() => {
    if (flow === 0) {
      sampler.start({ fromNs: path.startNs + EARLY_S * NS_PER_S, trace: false })
    }
  }), 'flow starts')
  const first = repetition % 2
  path.kernel.schedule(path.startNs, start, first)
  path.kernel.schedule(path.startNs + Math.round(random.fork('stagger').uniform(...STAGGER_NS)), start, 1 - first)

  const delivered: number[][] = []
  for (const untilS of [EARLY_S, LATE_S, durationS]) {
    await runInSteps(path.kernel, path.startNs + untilS * NS_PER_S, () => false, signal)
    delivered.push(flows.map(({ deliveredBytes }) => deliveredBytes))
  }
  path.network.checkConservation()
  const [early, late, end] = delivered
  const flowOf = (index: number): PairFlow => ({
    earlyMbps: (end[index] - early[index]) * 8e-6 / (durationS - EARLY_S),
    lateMbps: (end[index] - late[index]) * 8e-6 / (durationS - LATE_S),
    retransmitted: flows[index].source.retransmittedSegments
  })
  return {
    a: flowOf(0),
    b: flowOf(1),
    srttMeanMs: sampler.meanSrttMs,
    queueDelayMeanMs: path.meter.meanQueueDelayMs
  }
}

/** The reference's row for pairs over one path. */
export function summarizePair (options: PathOptions, { congestion, durationS }: PairOptions, runs: readonly PairRun[]): Row {
  const column = (name: string, value: (run: PairRun) => number): Row => meanAndDeviation(name, runs.map(value))
  const early = `w${EARLY_S}_${durationS}`
  const late = `w${LATE_S}_${durationS}`
  const shares = runs.map(({ a, b }) => shareOf(a.earlyMbps, b.earlyMbps))
  return {
    pair: congestion.join('+'),
    ...pathColumns(options),
    ...lossColumns(options),
    buf_bdp: options.bufferBdp,
    gso_max_segs: options.gso,
    n: runs.length,
    ...column(`A_mbps_${early}`, ({ a }) => a.earlyMbps),
    ...column(`B_mbps_${early}`, ({ b }) => b.earlyMbps),
    ...column(`A_share_${early}`, ({ a, b }) => shareOf(a.earlyMbps, b.earlyMbps)),
    ...column(`jain_${early}`, ({ a, b }) => jain(a.earlyMbps, b.earlyMbps)),
    ...column(`A_share_${late}`, ({ a, b }) => shareOf(a.lateMbps, b.lateMbps)),
    ...column(`jain_${late}`, ({ a, b }) => jain(a.lateMbps, b.lateMbps)),
    ...column('A_retrans', ({ a }) => a.retransmitted),
    ...column('B_retrans', ({ b }) => b.retransmitted),
    ...column(`A_srtt_mean_${EARLY_S}_${durationS}_ms`, ({ srttMeanMs }) => srttMeanMs),
    ...column('q_delay_mean_ms', ({ queueDelayMeanMs }) => queueDelayMeanMs),
    [`A_share_${early}_min`]: rounded(Math.min(...shares)),
    [`A_share_${early}_max`]: rounded(Math.max(...shares))
  }
}

function shareOf (a: number, b: number): number {
  return a / (a + b)
}

/** Jain's index: 1 for equal shares, 1/2 where one flow has all. */
function jain (a: number, b: number): number {
  return (a + b) ** 2 / (2 * (a ** 2 + b ** 2))
}
