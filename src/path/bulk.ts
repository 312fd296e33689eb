import { NS_PER_S } from '../core/units.ts'
import { BulkFlow, serve, SETUP_LIMIT_S } from './bulk-flow.ts'
import { lossColumns, pathColumns } from './columns.ts'
import { checkDuration } from './options.ts'
import type { PathOptions } from './options.ts'
import { Path, repetitionStream } from './path.ts'
import type { PathOnlooker } from './path.ts'
import { Sampler } from './sampler.ts'
import type { Sample } from './sampler.ts'
import { runInSteps } from './steps.ts'
import { meanAndDeviation, rounded } from './summary.ts'
import type { Row } from './summary.ts'
import type { CongestionName } from './tcp.ts'

/** Slow start and its losses are over, and not counted, from here on. */
export const WARM_UP_S = 5

export interface BulkOptions {
  readonly congestion: CongestionName
  /** From the return of connect, more than `WARM_UP_S`. */
  readonly durationS: number
  /** Whether the run keeps its samples. Default false. */
  readonly trace?: boolean
}

/** One transfer. Windows of time are from the start to the end, and from the end of the warm-up to the end. */
export interface BulkRun {
  readonly goodputMbps: number
  readonly goodputWarmMbps: number
  readonly retransmitted: number
  readonly retransmittedWarm: number
  /** Those of the SYN included, as the kernel counts. */
  readonly timeouts: number
  readonly srttMeanMs: number
  readonly cwndMeanPackets: number
  readonly queueDrops: number
  readonly queueDelayMeanMs: number
  /** Every 10 ms where a trace was asked for; else none. */
  readonly samples: readonly Sample[]
}

/**
 * One bulk transfer, the sender's application always having more to send; undefined where no connection came about.
 *
 * @throws ERR_INVALID_OPTION where the transfer would end before it is measured
 */
export async function runBulk (options: PathOptions, { congestion, durationS, trace = false }: BulkOptions, repetition: number, signal?: AbortSignal, onlooker?: PathOnlooker): Promise<BulkRun | undefined> {
  checkDuration(durationS, WARM_UP_S)
  const path = new Path(options, [congestion], repetitionStream(options, repetition))
  onlooker?.(path)
  const flow = new BulkFlow(path, 0)
  const sampler = new Sampler(path, flow)
  serve(path, [flow])
  flow.start(() => sampler.start({ fromNs: path.kernel.nowNs + WARM_UP_S * NS_PER_S, trace }))
  await runInSteps(path.kernel, path.startNs + SETUP_LIMIT_S * NS_PER_S, () => flow.connectedNs >= 0, signal)
  if (flow.connectedNs < 0) {
    return undefined
  }
  await runInSteps(path.kernel, flow.connectedNs + WARM_UP_S * NS_PER_S, () => false, signal)
  const { source } = flow
  const warmUp = { bytes: flow.deliveredBytes, retransmitted: source.retransmittedSegments }
  await runInSteps(path.kernel, flow.connectedNs + durationS * NS_PER_S, () => false, signal)
  path.network.checkConservation()
  return {
    goodputMbps: megabits(flow.deliveredBytes) / durationS,
    goodputWarmMbps: megabits(flow.deliveredBytes - warmUp.bytes) / (durationS - WARM_UP_S),
    retransmitted: source.retransmittedSegments,
    retransmittedWarm: source.retransmittedSegments - warmUp.retransmitted,
    timeouts: source.timeouts + path.synRetries(source),
    srttMeanMs: sampler.meanSrttMs,
    cwndMeanPackets: sampler.meanCwndPackets,
    queueDrops: path.queueDrops,
    queueDelayMeanMs: path.meter.meanQueueDelayMs,
    samples: sampler.samples
  }
}

/** The reference's row for transfers over one path; `n` counts those that came about. */
export function summarizeBulk (options: PathOptions, { congestion, durationS }: BulkOptions, runs: ReadonlyArray<BulkRun | undefined>): Row {
  const good = runs.filter(run => run !== undefined)
  const column = (name: string, value: (run: BulkRun) => number): Row => meanAndDeviation(name, good.map(value))
  const warm = good.map(run => run.goodputWarmMbps)
  const whole = `0_${durationS}`
  const late = `${WARM_UP_S}_${durationS}`
  return {
    ...pathColumns(options),
    cc: congestion,
    ...lossColumns(options),
    buf_bdp: options.bufferBdp,
    gso_max_segs: options.gso,
    n: good.length,
    n_fail: runs.length - good.length,
    ...column(`goodput_${whole}_mbps`, run => run.goodputMbps),
    ...column(`goodput_${late}_mbps`, run => run.goodputWarmMbps),
    ...column(`retrans_segs_${whole}`, run => run.retransmitted),
    ...column(`retrans_segs_${late}`, run => run.retransmittedWarm),
    ...column('rto_count', run => run.timeouts),
    ...column(`srtt_mean_${late}_ms`, run => run.srttMeanMs),
    ...column(`cwnd_mean_${late}_pkts`, run => run.cwndMeanPackets),
    ...column('q_drops', run => run.queueDrops),
    ...column('q_delay_mean_ms', run => run.queueDelayMeanMs),
    [`goodput_${late}_min`]: rounded(Math.min(...warm)),
    [`goodput_${late}_max`]: rounded(Math.max(...warm))
  }
}

export function megabits (bytes: number): number {
  return bytes * 8 / 1e6
}
