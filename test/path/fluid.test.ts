import test from 'ava'
import { fluidRow, runFluidBulk, runFluidFct, runFluidPair } from '../../src/path/fluid.ts'
import { summarizeFct } from '../../src/path/fct.ts'
import { pathOptions } from '../../src/path/options.ts'
import type { PathInput } from '../../src/path/options.ts'

const MBIT = 1e6
const SYN_BYTES = 60
const ACK_BYTES = 52
const ANSWER_BYTES = 53

function path (input: Partial<PathInput> = {}): ReturnType<typeof pathOptions> {
  return pathOptions({ rateBitsPerSecond: 10 * MBIT, rttMs: 20, lossDirection: 'forward', seed: 'test', ...input })
}

function serialisationMs (bytes: number): number {
  return bytes * 8e3 / (10 * MBIT)
}

test('goodput is the rate without headers', async t => {
  const run = await runFluidBulk(path(), { congestion: 'cubic', durationS: 10 }, 0)
  t.true(Math.abs((run?.goodputWarmMbps ?? 0) - 10 * 1448 / 1500) < 1e-6)
})

test('an exchange of twenty segments takes connect, two rounds, and the answer', async t => {
  const run = await runFluidFct(path(), { congestion: 'cubic', sizeBytes: 20 * 1448 }, 0)
  const connectMs = 20 + 2 * serialisationMs(SYN_BYTES)
  const roundMs = 20 + serialisationMs(1500 + ACK_BYTES)
  const expectedMs = connectMs + roundMs + 10 * serialisationMs(1500) + 10 + 10 + serialisationMs(ANSWER_BYTES)
  t.true(Math.abs((run?.connectMs ?? 0) - connectMs) < 1e-5)
  t.true(Math.abs((run?.completionMs ?? 0) - expectedMs) < 1e-5)
})

test('two equal flows share equally, and CUBIC beyond its Reno-friendly region has more than Reno', async t => {
  const equal = await runFluidPair(path(), { congestion: ['reno', 'reno'], durationS: 30 }, 0)
  t.is(equal.a.lateMbps, equal.b.lateMbps)
  const unequal = await runFluidPair(path({ rateBitsPerSecond: 100 * MBIT, rttMs: 200 }), { congestion: ['reno', 'cubic'], durationS: 30 }, 0)
  t.true(unequal.b.lateMbps > unequal.a.lateMbps)
})

test('a row says its level, and nothing about timeouts', async t => {
  const options = path({ loss: { model: 'bernoulli', probability: 0.1 } })
  const fct = { congestion: 'cubic', sizeBytes: 1e5 } as const
  const runs = [await runFluidFct(options, fct, 0), await runFluidFct(options, fct, 1)]
  t.like(fluidRow(summarizeFct(options, fct, runs)), { level: 'fluid', n: 2, gso_max_segs: null, frac_with_rto: null })
  t.not(runs[0]?.completionMs, runs[1]?.completionMs)
  t.deepEqual(await runFluidFct(options, fct, 1), runs[1])
})

test('a transfer that ends before it is measured is refused', async t => {
  await t.throwsAsync(async () => await runFluidBulk(path(), { congestion: 'reno', durationS: 5 }, 0), { code: 'ERR_INVALID_OPTION' })
  await t.throwsAsync(async () => await runFluidPair(path(), { congestion: ['reno', 'reno'], durationS: 20 }, 0), { code: 'ERR_INVALID_OPTION' })
})

test('a server that no attempt reaches is a failure, not a figure', async t => {
  const options = path({ loss: { model: 'bernoulli', probability: 0.999999 } })
  t.is(await runFluidFct(options, { congestion: 'reno', sizeBytes: 1 }, 0), undefined)
  t.is(await runFluidBulk(options, { congestion: 'reno', durationS: 10 }, 0), undefined)
})

test('a narrow way back lets two segments out for each acknowledgement that it carries', async t => {
  const run = await runFluidBulk(path({ rateBackwardBitsPerSecond: 100e3 }), { congestion: 'reno', durationS: 10 }, 0)
  const expectedMbps = 100e3 / (ACK_BYTES * 8) * 2 * 1448 * 8 / MBIT
  t.true(Math.abs((run?.goodputWarmMbps ?? 0) / expectedMbps - 1) < 1e-3, String(run?.goodputWarmMbps))
})

test('a queue without room for two packets, and losses that outlast a window, are refused', async t => {
  const bulk = { congestion: 'cubic', durationS: 10 } as const
  await t.throwsAsync(runFluidBulk(path({ bufferBdp: 0 }), bulk, 0), { code: 'ERR_UNSUPPORTED', message: /queue; expected room for 2 packets; found 0 packets/ })
  const loss = { model: 'gilbert-elliott', p: 0.001, r: 0.001, lossGood: 0, lossBad: 0.3 } as const
  await t.throwsAsync(runFluidBulk(path({ loss }), bulk, 0), { code: 'ERR_UNSUPPORTED', message: /loss\.r; expected at least 0\.1/ })
})
