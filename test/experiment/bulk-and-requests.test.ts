import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { LINE_PAYLOAD_SHARE } from '../../src/workload/line-share.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'

const loaded = await loadExperiment('bulk-and-requests', new URL('../../experiments/', import.meta.url))
const RTT_MS = 40
const LINE_BITS_PER_SECOND = 10e6
const DURATION_MS = 9_000
/** Of a full packet. */
const PAYLOAD_SHARE = 1_448 / 1_500

/** What one run recorded. */
async function play (name: string, arm: string): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: 'bulk' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

function valuesOf (samples: readonly SampleEvent[], metric: string): number[] {
  return samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

for (const buffer of [1, 8]) {
  test(`unshaped, behind a queue of ${buffer} round trips, the median request takes its own two and at most twice the queue`, async t => {
    const samples = await play(`buffer-${buffer}`, 'unshaped')
    // The queue limits bytes: one packet more, in service, is 1.2 ms at 10 Mbit/s; stream and request are one each.
    const mostMs = 2 * RTT_MS + 2 * (buffer * RTT_MS + 1.3)
    // Not the slowest: a full queue drops packets of requests, too, and TCP needs time to find out.
    const p50 = quantile(valuesOf(samples, 'request-normal'), 0.5)
    t.true(p50 > 2 * RTT_MS && p50 <= mostMs, `${p50} ms`)
  })
}

test('no arm gets more through than the payload\'s share of the line, and what was under way when counting began', async t => {
  const underWay = 12 * 64 * 1024 * 8e3 / DURATION_MS / LINE_BITS_PER_SECOND
  for (const { name } of loaded.experiment.arms) {
    const samples = await play('buffer-4', name)
    const [utilisation] = valuesOf(samples, 'utilisation')
    const [fairness] = valuesOf(samples, 'fairness')
    t.true(utilisation > 0.5 && utilisation <= PAYLOAD_SHARE + underWay, `${name}: ${utilisation}`)
    t.true(fairness > 1 / 3 && fairness <= 1 + 1e-12, `${name}: ${fairness}`)
  }
})

test('of a greedy peer and two others FIFO gives the most to who has most under way, and the manager each the same', async t => {
  const fairnessOf = async (arm: string): Promise<number> => valuesOf(await play('greedy', arm), 'fairness')[0]
  // Shares of 4, 1 and 1 have an index of 36 / (3 * 18).
  const fifo = await fairnessOf('fifo')
  t.true(Math.abs(fifo - 2 / 3) < 0.05, `${fifo}`)
  t.true(await fairnessOf('fair') > 0.99)
})

test('told less than the line carries, a request waits for no queue but the two bursts of 10 ms that the bucket lets go at once', async t => {
  for (const name of ['told-70', 'told-80', 'buffer-8']) {
    const p50 = quantile(valuesOf(await play(name, 'fair'), 'request-normal'), 0.5)
    t.true(p50 >= 2 * RTT_MS && p50 < 2 * (RTT_MS + 10), `${name}: ${p50} ms`)
  }
})

test('told more than the line carries, the manager has the queue in the router', async t => {
  for (const name of ['told-90', 'told-100']) {
    const p50 = quantile(valuesOf(await play(name, 'fair'), 'request-normal'), 0.5)
    t.true(p50 > 2 * (RTT_MS + 10), `${name}: ${p50} ms`)
  }
})

test('a p99 is of four hundred requests at least', async t => {
  for (const name of ['buffer-1', 'lan']) {
    const { length } = valuesOf(await play(name, 'fair'), 'request-normal')
    // Of 450, two deviations less are 408.
    t.true(length >= 400, `${name}: ${length}`)
  }
})

test('under urgent uploads without end the manager keeps bulk its sixteenth, and strict priority less than that', async t => {
  const [strict, fair] = await Promise.all(['strict-priority', 'fair'].map(async arm => valuesOf(await play('starvation', arm), 'bulk')[0]))
  // An upload that ends just behind the time that counts is not in it.
  const granularity = 3 * 64 * 1024 * 8e3 / DURATION_MS / LINE_BITS_PER_SECOND
  t.true(fair >= LINE_PAYLOAD_SHARE / 16 - granularity, `${fair}`)
  t.true(strict < LINE_PAYLOAD_SHARE / 16, `${strict}`)
})

test('all arms meet the same arrivals', async t => {
  const counts = await Promise.all(loaded.experiment.arms.map(async ({ name }) => {
    const samples = await play('urgent', name)
    return `${valuesOf(samples, 'request-urgent').length} and ${valuesOf(samples, 'request-normal').length}`
  }))
  t.is(new Set(counts).size, 1, counts.join('; '))
})
