import { NS_PER_S, nsToMs } from '../core/units.ts'
import type { FluidFlow } from '../sim/fluid/fluid-flow.ts'
import { ENDLESS_BYTES, SETUP_LIMIT_S } from './bulk-flow.ts'
import { megabits, WARM_UP_S } from './bulk.ts'
import type { BulkOptions, BulkRun } from './bulk.ts'
import { ANSWER_BYTES, LIMIT_S } from './fct.ts'
import type { FctOptions, FctRun } from './fct.ts'
import { FluidPath } from './fluid-path.ts'
import { checkDuration } from './options.ts'
import type { PathOptions } from './options.ts'
import { EARLY_S, LATE_S } from './pair.ts'
import type { PairFlow, PairOptions, PairRun } from './pair.ts'
import { repetitionStream } from './path.ts'
import { runInSteps } from './steps.ts'
import type { Row } from './summary.ts'

/** What no flow has, being no packets. */
const NOT_MODELLED = NaN

/**
 * `runBulk` at the fluid level. Windows, round trips and waiting are those of the long run; retransmissions, timeouts and
 * drops are not modelled.
 *
 * @throws ERR_INVALID_OPTION as `runBulk`; ERR_UNSUPPORTED where there is no formula
 */
export async function runFluidBulk (options: PathOptions, { congestion, durationS }: BulkOptions, repetition: number, signal?: AbortSignal): Promise<BulkRun | undefined> {
  checkDuration(durationS, WARM_UP_S)
  const path = new FluidPath(options, repetitionStream(options, repetition))
  const flow = path.startFlow(congestion, ENDLESS_BYTES)
  await runInSteps(path.kernel, SETUP_LIMIT_S * NS_PER_S, () => flow.state !== 'connecting', signal)
  if (flow.connectedNs < 0) {
    return undefined
  }
  const [warmUp, end] = await deliveredAt(path, [flow], [WARM_UP_S, durationS], flow.connectedNs, signal)
  path.network.checkConservation()
  return {
    goodputMbps: megabits(end[0]) / durationS,
    goodputWarmMbps: megabits(end[0] - warmUp[0]) / (durationS - WARM_UP_S),
    retransmitted: NOT_MODELLED,
    retransmittedWarm: NOT_MODELLED,
    timeouts: NOT_MODELLED,
    srttMeanMs: roundTripMs(path, flow),
    cwndMeanPackets: flow.rateBitsPerSecond / flow.path.packetBits * roundTripMs(path, flow) / 1e3,
    queueDrops: NOT_MODELLED,
    queueDelayMeanMs: waitMs(path, flow),
    samples: []
  }
}

/**
 * `runFct` at the fluid level; timeouts are not counted.
 *
 * @throws ERR_UNSUPPORTED where there is no formula
 */
export async function runFluidFct (options: PathOptions, { congestion, sizeBytes }: FctOptions, repetition: number, signal?: AbortSignal): Promise<FctRun | undefined> {
  const path = new FluidPath(options, repetitionStream(options, repetition))
  let completionNs = NaN
  const flow = path.startFlow(congestion, sizeBytes, {
    onEnd: () => { completionNs = path.kernel.nowNs + path.answerNs(ANSWER_BYTES) }
  })
  await runInSteps(path.kernel, LIMIT_S * NS_PER_S, () => false, signal)
  path.network.checkConservation()
  return flow.state === 'ended' ? { completionMs: nsToMs(completionNs), connectMs: nsToMs(flow.connectedNs), timeouts: NOT_MODELLED } : undefined
}

/**
 * `runPair` at the fluid level: both flows begin at once.
 *
 * @throws ERR_INVALID_OPTION as `runPair`; ERR_UNSUPPORTED for BBR next to a controller that answers to loss
 */
export async function runFluidPair (options: PathOptions, { congestion, durationS }: PairOptions, repetition: number, signal?: AbortSignal): Promise<PairRun> {
  checkDuration(durationS, LATE_S)
  const path = new FluidPath(options, repetitionStream(options, repetition))
  const flows = congestion.map(name => path.startFlow(name, ENDLESS_BYTES))
  const [early, late, end] = await deliveredAt(path, flows, [EARLY_S, LATE_S, durationS], 0, signal)
  path.network.checkConservation()
  const flowOf = (index: number): PairFlow => ({
    earlyMbps: megabits(end[index] - early[index]) / (durationS - EARLY_S),
    lateMbps: megabits(end[index] - late[index]) / (durationS - LATE_S),
    retransmitted: NOT_MODELLED
  })
  return { a: flowOf(0), b: flowOf(1), srttMeanMs: roundTripMs(path, flows[0]), queueDelayMeanMs: waitMs(path, flows[0]) }
}

/** The row of such runs: says that it is of the fluid level, and leaves empty what that does not know. */
export function fluidRow (row: Row): Row {
  return { level: 'fluid', ...row, gso_max_segs: null, ...('frac_with_rto' in row ? { frac_with_rto: null } : {}) }
}

/** In the long run. What BBR waits in a queue that it keeps nearly empty is not modelled. */
function waitMs ({ network }: FluidPath, flow: FluidFlow): number {
  return flow.congestion === 'bbr' ? NOT_MODELLED : nsToMs(network.queueDelayNs(flow))
}

function roundTripMs (path: FluidPath, flow: FluidFlow): number {
  return nsToMs(flow.path.rttNs) + waitMs(path, flow)
}

/** Bytes of each flow that the server has got at each of these times. */
async function deliveredAt (path: FluidPath, flows: readonly FluidFlow[], timesS: readonly number[], fromNs: number, signal: AbortSignal | undefined): Promise<number[][]> {
  const delivered: number[][] = []
  for (const timeS of timesS) {
    // Bytes count where they have arrived, which is half a round trip after they were served.
    const untilNs = Math.max(path.kernel.nowNs, fromNs + Math.round(timeS * NS_PER_S) - path.delayNs)
    await runInSteps(path.kernel, untilNs, () => false, signal)
    path.kernel.run(untilNs)
    delivered.push(flows.map(flow => path.network.servedBytes(flow)))
  }
  return delivered
}
