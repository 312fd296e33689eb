import test from 'ava'
import { runBulk, summarizeBulk } from '../../src/path/bulk.ts'
import { runConnect, summarizeConnect } from '../../src/path/connect.ts'
import { runFct, summarizeFct } from '../../src/path/fct.ts'
import { meanLoss, pathOptions } from '../../src/path/options.ts'
import type { PathInput } from '../../src/path/options.ts'
import { runPair, summarizePair } from '../../src/path/pair.ts'

const MBIT = 1e6
const SYN_BYTES = 60
const ACK_BYTES = 52

function path (input: Partial<PathInput> = {}): ReturnType<typeof pathOptions> {
  return pathOptions({ rateBitsPerSecond: 10 * MBIT, rttMs: 20, lossDirection: 'forward', gso: 1, seed: 'test', ...input })
}

function serialisationMs (bytes: number, rateBitsPerSecond = 10 * MBIT): number {
  return bytes * 8e3 / rateBitsPerSecond
}

test('connect takes a round trip and the serialisation of SYN and SYN-ACK', async t => {
  const options = path({ rttMs: 80, lossDirection: 'both' })
  const run = await runConnect(options, 'reno', 0)
  const expectedMs = 80 + 2 * serialisationMs(SYN_BYTES)
  t.true(Math.abs((run?.connectMs ?? 0) - expectedMs) < 1e-5)
  const row = summarizeConnect(options, [run])
  t.like(row, { rtt_ms: 80, loss_each_dir: 0, n: 1, n_fail: 0, frac_gt_500ms: 0, expected_1_minus_p2: 0, n_attempt1: 1, n_attempt2: 0, mean_ms_attempt2: null })
})

test('connect is repeated as often as SYN or SYN-ACK is lost, and each attempt costs a timeout', async t => {
  const options = path({ rttMs: 80, lossDirection: 'both', loss: { model: 'bernoulli', probability: 0.1 } })
  const count = 1000
  const runs = await Promise.all(Array.from({ length: count }, async (_, repetition) => await runConnect(options, 'reno', repetition)))
  const row = summarizeConnect(options, runs)
  t.is(row.expected_1_minus_p2, 0.19)
  // 3.3 standard deviations of a binomial share: 99.9% of honest runs pass.
  t.true(Math.abs(Number(row.frac_gt_500ms) - 0.19) < 3.3 * Math.sqrt(0.19 * 0.81 / count))
  for (const run of runs) {
    t.true(run !== undefined && run.connectMs >= (run.attempts - 1) * 1000 + 80)
  }
})

test('an exchange of one segment takes two round trips', async t => {
  const options = path({ lossDirection: 'both' })
  const fct = { congestion: 'reno', sizeBytes: 1024 } as const
  const run = await runFct(options, fct, 0)
  // The acknowledgement that ends the handshake leaves before the data, the one of the data before or with the answer.
  const leastMs = 40 + serialisationMs(SYN_BYTES + SYN_BYTES + ACK_BYTES + 1024 + ACK_BYTES + 1)
  t.true(run !== undefined && run.completionMs > leastMs - 1e-5 && run.completionMs < leastMs + serialisationMs(ACK_BYTES) + 1e-5, String(run?.completionMs))
  t.like(summarizeFct(options, fct, [run]), { size_bytes: 1024, n: 1, n_fail: 0, frac_with_rto: 0 })
})

test('the best goodput is the rate without headers, reached where the buffer never runs empty', async t => {
  const options = path({ rateBitsPerSecond: 50 * MBIT, bufferBdp: 4 })
  const bulk = { congestion: 'reno', durationS: 15 } as const
  const run = await runBulk(options, bulk, 0)
  const best = 50 * 1448 / 1500
  t.true(run !== undefined && run.goodputWarmMbps <= best + 0.01 && run.goodputWarmMbps > 0.999 * best, String(run?.goodputWarmMbps))
  const row = summarizeBulk(options, bulk, [run, run])
  t.like(row, { rate_mbps: 50, rtt_ms: 20, cc: 'reno', loss_model: 'none', loss_fwd: 0, buf_bdp: 4, gso_max_segs: 1, n: 2, goodput_5_15_mbps_sd: 0 })
  t.is(row.goodput_5_15_min, row.goodput_5_15_max)
})

test('a packet waits at most for the buffer, and every packet dropped is sent again', async t => {
  const options = path({ bufferBdp: 1 })
  const run = await runBulk(options, { congestion: 'reno', durationS: 10, trace: true }, 0)
  const bdpBytes = 10 * MBIT / 8 * 0.020
  // What waits is the buffer at most; before it is the packet in service.
  t.true(run !== undefined && run.samples.length >= 990 && run.samples.every(({ queueBytes }) => queueBytes <= bdpBytes))
  t.true(run !== undefined && run.queueDelayMeanMs > 0 && run.queueDelayMeanMs <= 20 + serialisationMs(1500))
  // The last of them may not have been found yet.
  t.true(run !== undefined && run.queueDrops > 0 && run.retransmitted <= run.queueDrops && run.retransmitted > 0.9 * run.queueDrops)
})

test('two equal flows share equally', async t => {
  const options = path({ rateBitsPerSecond: 20 * MBIT, rttMs: 40 })
  const pair = { congestion: ['reno', 'reno'], durationS: 25 } as const
  const runs = await Promise.all([0, 1, 2, 3].map(async repetition => await runPair(options, pair, repetition)))
  const row = summarizePair(options, pair, runs)
  t.is(row.pair, 'reno+reno')
  t.true(Math.abs(Number(row.A_share_w5_25_mean) - 0.5) < 0.05, String(row.A_share_w5_25_mean))
  t.true(Number(row.jain_w5_25_mean) > 0.98)
})

test('the same seed gives the same figures, another one others', async t => {
  const lossy = { loss: { model: 'bernoulli', probability: 0.01 } } as const
  const bulk = { congestion: 'reno', durationS: 6 } as const
  const runs = [await runBulk(path(lossy), bulk, 3), await runBulk(path(lossy), bulk, 3), await runBulk(path({ ...lossy, seed: 'other' }), bulk, 3), await runBulk(path(lossy), bulk, 4)]
  t.deepEqual(runs[0], runs[1])
  t.notDeepEqual(runs[0], runs[2])
  t.notDeepEqual(runs[0], runs[3])
})

test('a server that cannot be reached is a failure, not a figure', async t => {
  const options = path({ loss: { model: 'bernoulli', probability: 0.999 }, lossDirection: 'both' })
  t.is(await runConnect(options, 'reno', 0), undefined)
  const bulk = { congestion: 'reno', durationS: 6 } as const
  const run = await runBulk(options, bulk, 0)
  t.is(run, undefined)
  t.like(summarizeBulk(options, bulk, [run]), { n: 0, n_fail: 1, goodput_5_6_mbps_mean: null })
})

test('a measurement can be cut short', async t => {
  const signal = AbortSignal.abort(new Error('enough'))
  await t.throwsAsync(runBulk(path(), { congestion: 'reno', durationS: 3600 }, 0, signal), { message: 'enough' })
})

test('the mean loss of a Gilbert-Elliott chain is that of its two states by their shares', t => {
  t.true(Math.abs(meanLoss({ model: 'gilbert-elliott', p: 0.005, r: 0.25, lossGood: 0, lossBad: 0.5 }) - 0.0098) < 1e-5)
  t.is(meanLoss({ model: 'gilbert-elliott', p: 0, r: 0, lossGood: 0.25, lossBad: 1 }), 0.25)
})

test('what the network duplicates undoes no reduction: the queue overflows as often as without', async t => {
  const bulk = { congestion: 'cubic', durationS: 10 } as const
  const [clean, duplicating] = await Promise.all([0, 0.05].map(async duplication => await runBulk(path({ rttMs: 80, duplication }), bulk, 0)))
  t.true((clean?.queueDrops ?? 0) > 0)
  // Each loss that is forgiven keeps the window where the queue overflows, so that as many are dropped again at once.
  t.true((duplicating?.queueDrops ?? Infinity) < 2 * (clean?.queueDrops ?? 0), `${duplicating?.queueDrops} and ${clean?.queueDrops}`)
  t.true((duplicating?.retransmitted ?? Infinity) < 2 * (clean?.retransmitted ?? 0))
})

test('what waits in the queue is told without copies of the network, and is not stated where the delay varies', async t => {
  const bulk = { congestion: 'cubic', durationS: 10 } as const
  const delayOf = async (input: Partial<PathInput>): Promise<number> => (await runBulk(path({ rttMs: 80, ...input }), bulk, 0))?.queueDelayMeanMs ?? NaN
  const [clean, duplicated, jittered] = await Promise.all([{}, { duplication: 0.2 }, { jitter: { distribution: 'uniform', boundNs: 20e6 } as const }].map(delayOf))
  // Copies are a sixth of what arrives, and when they were sent nobody knows: counted, they would move the mean by as much.
  t.true(Math.abs(duplicated / clean - 1) < 0.2 / 1.2 / 2, `${duplicated} and ${clean} ms`)
  t.is(jittered, NaN)
})
