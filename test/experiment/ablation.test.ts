import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'

const loaded = await loadExperiment('ablation', new URL('../../experiments/', import.meta.url))
const RTT_MS = 80

/** What one run recorded. */
async function play (name: string, arm: string): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({ durationMs: 2_000 }) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: 'ablation' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

function valuesOf (samples: readonly SampleEvent[], metric: string): number[] {
  return samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

function near (value: number, expected: number): boolean {
  // What rates and the nanoseconds of a path add.
  return value >= expected - 0.001 && value < expected * 1.01
}

test('there is an arm for each module alone, one for all, and each module has a case in which it can only cost', t => {
  const { arms, cases } = loaded.experiment
  t.deepEqual(arms.map(({ modules = [] }) => modules.length), [0, 0, 1, 1, 1, 1, 1, 5])
  t.deepEqual([...new Set(cases.flatMap(({ noGain = [] }) => noGain))].sort(), [...arms.at(-1)?.modules ?? []].sort())
})

test('all arms meet the same arrivals', async t => {
  const counts = await Promise.all(loaded.experiment.arms.map(async ({ name }) => valuesOf(await play('slow-answers', name), 'request').length))
  t.is(new Set(counts).size, 1, counts.join(' '))
})

test('alone a request takes two round trips on a stream of its own, one on a kept stream or in a batch', async t => {
  for (const [arm, trips] of [['plain', 2], ['by-hand', 1], ['pool', 1], ['batching', 1], ['bandwidth', 2], ['timeouts', 2], ['health', 2], ['all', 1]] as const) {
    const p50 = quantile(valuesOf(await play('one-at-a-time', arm), 'request'), 0.5)
    t.true(near(p50, trips * RTT_MS), `${arm}: ${p50} ms`)
  }
})

test('a first request takes five round trips, whatever is on', async t => {
  for (const { name } of loaded.experiment.arms) {
    const took = valuesOf(await play('cold', name), 'request')
    t.is(took.length, 5)
    t.true(near(quantile(took, 0.5), 5 * RTT_MS), `${name}: ${quantile(took, 0.5)} ms`)
  }
})

test('plain libp2p makes one attempt a request, and timeouts within their budget: a fifth, and ten a second', async t => {
  for (const name of ['slow-answers', 'loss', 'silent-death']) {
    t.deepEqual(valuesOf(await play(name, 'plain'), 'attempts'), [1], name)
    const samples = await play(name, 'all')
    const requests = valuesOf(samples, 'request').length
    const [attempts] = valuesOf(samples, 'attempts')
    const seconds = (samples.at(-1)?.timeMs ?? 0) / 1_000
    t.true(attempts <= 1.2 + 10 * seconds / requests, `${name}: ${attempts}`)
  }
})

test('where the first addresses are dead, plain libp2p waits its six seconds for each, and the pool does not', async t => {
  const [plain, pool] = await Promise.all(['plain', 'pool'].map(async arm => Math.max(...valuesOf(await play('first-address-dead', arm), 'request'))))
  // Six seconds, and then a dial (3), a stream (1) and an answer (1); and as six streams that waited for the dial are opened at
  // once, four segments each, each of the four flights that this takes may need a second window. Racing begins the second
  // address 250 ms after the first.
  t.true(plain > 6_000 && plain < (6_000 + 9 * RTT_MS) * 1.0001, `${plain} ms`)
  t.true(pool <= 250 + 6 * RTT_MS, `${pool} ms`)
})

test('who asks twice by hand where some answers are slow has nearly all of them within two round trips of the second attempt', async t => {
  const samples = await play('slow-answers', 'by-hand')
  // Slow twice are four in ten thousand, and a second attempt may need a stream of its own.
  t.true(quantile(valuesOf(samples, 'request'), 0.99) <= (1.5 + 2) * RTT_MS * 1.01)
  const [attempts] = valuesOf(samples, 'attempts')
  t.true(attempts > 1 && attempts < 1.2, String(attempts))
})

test('who passes over a silent server by hand waits for it only in the two seconds in which nobody knows', async t => {
  const samples = (await play('dead-peer', 'by-hand')).filter(({ metric }) => metric === 'request')
  const waited = samples.filter(({ value }) => value > 1_000)
  // It dies after a fifth of twelve seconds, and a sample is recorded when it ends.
  const [firstMs, lastMs] = [Math.min, Math.max].map(extreme => extreme(...waited.map(({ timeMs, value }) => timeMs - value)))
  t.true(waited.length > 0 && lastMs - firstMs < 2_000, `${firstMs} to ${lastMs} ms`)
})
