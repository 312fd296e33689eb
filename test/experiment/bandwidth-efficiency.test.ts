import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { mean, quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'

const loaded = await loadExperiment('bandwidth-efficiency', new URL('../../experiments/', import.meta.url))

/** What one run recorded. */
async function play (name: string, arm: string, changed: Record<string, number> = {}): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse(changed) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: 'efficiency' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

function valuesOf (samples: readonly SampleEvent[], metric: string): number[] {
  return samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

const [TCP_IP, YAMUX, NOISE] = [52, 12, 18]
/** A header of yamux's alone. Noise's length is a packet, and the rest is one. */
const WINDOW_UPDATE = 2 * TCP_IP + YAMUX + NOISE

for (const [bytes, prefix] of [[32, 1], [100, 1], [1_024, 2]] as const) {
  test(`a message of ${bytes} B on a kept stream costs two packets, a window update of two, and an acknowledgement each way, of which the second may be spared`, async t => {
    // 32 B: 32 / 405 = 7.9% to 32 / 353 = 9.1%.
    const packets = 2 * TCP_IP + YAMUX + NOISE + prefix + bytes + TCP_IP + WINDOW_UPDATE
    const [efficiency] = valuesOf(await play(`size-${bytes}`, 'kept-stream'), 'efficiency')
    t.true(efficiency >= bytes / (packets + TCP_IP) && efficiency <= bytes / packets, `${efficiency}`)
  })
}

test('large messages leave nothing to gain: all arms lie below the payload\'s share of full packets, within 10% of it', async t => {
  for (const arm of ['kept-stream', 'stream-each', 'batching', 'all']) {
    const [efficiency] = valuesOf(await play('size-65536', arm), 'efficiency')
    t.true(efficiency < 1_448 / 1_500 && efficiency > 0.9 * 1_448 / 1_500, `${arm}: ${efficiency}`)
  }
})

test('all arms send the same messages, and each arrives', async t => {
  const counts = await Promise.all(['kept-stream', 'held-stream', 'stream-each', 'batching', 'all'].map(async arm => {
    const samples = await play('rate-1000', arm)
    t.deepEqual(valuesOf(samples, 'missing'), [0], arm)
    return valuesOf(samples, 'delay').length
  }))
  t.is(new Set(counts).size, 1)
})

test('a message takes half a round trip on a kept stream, another one on a stream of its own, and in a batch at most an eighth longer', async t => {
  const [kept, each, batched] = await Promise.all(['kept-stream', 'stream-each', 'batching'].map(async arm => quantile(valuesOf(await play('size-100', arm), 'delay'), 0.5)))
  const rttMs = 40
  // And what the path's rate takes: two packets of 235 bytes at 100 Mbit/s.
  t.true(kept >= rttMs / 2 && kept < rttMs / 2 + 0.1, `${kept} ms`)
  t.true(each >= rttMs * 1.5 && each < rttMs * 1.5 + 0.2, `${each} ms`)
  t.true(batched > kept && batched <= kept + rttMs / 8 + 0.2, `${batched} ms`)
})

test('batches by hand hold no message for longer than 10 ms, write what comes within that in two packets, and send nothing else', async t => {
  const held = await play('rate-5', 'held-stream')
  const delays = valuesOf(held, 'delay')
  // Alone each waits for all of it, beside half a round trip and what the path's rate takes.
  t.true(delays.every(delay => delay >= 20 && delay < 30.1), `${Math.max(...delays)} ms`)
  const [alone] = valuesOf(await play('rate-5', 'kept-stream'), 'efficiency')
  const [efficiency] = valuesOf(held, 'efficiency')
  t.true(efficiency >= alone && efficiency < alone * 1.1, `${efficiency} and ${alone}`)
  // Of 50 in 10 ms all share headers, but each has its length: 100 of 101, and as much again for what acknowledges a batch at most.
  const [dense] = valuesOf(await play('rate-5000', 'held-stream'), 'efficiency')
  const batch = 50 * 101
  t.true(dense < 100 / 101 && dense > 50 * 100 / (batch + 2 * TCP_IP + YAMUX + NOISE + Math.ceil(batch / 1_448) * 2 * TCP_IP + WINDOW_UPDATE + TCP_IP), `${dense}`)
})

test('JSON takes fewer bytes than as much of what nothing compresses, whether a bandwidth manager knows the rate or nobody does', async t => {
  const of = async (name: string, arm: string): Promise<number> => mean(valuesOf(await play(name, arm), 'efficiency'))
  for (const arm of ['all', 'batching']) {
    const [random, json] = await Promise.all([of('size-256', arm), of('json', arm)])
    t.true(json > random * 1.1, `${arm}: ${json} and ${random}`)
  }
})

test('over rate and size batching carries less than a kept stream at 10 a second and more at 1,000, whatever the size, and gains the more the smaller it is', async t => {
  const gain = async (bytes: number, perSecond: number): Promise<number> => {
    const [kept, batched] = await Promise.all(['kept-stream', 'batching'].map(async arm => await play(`size-${bytes}-rate-${perSecond}`, arm)))
    // Four standard deviations: no load is cut to the most that may arrive.
    const { length } = valuesOf(kept, 'delay')
    const expected = perSecond * (perSecond === 10 ? 5 : 2.5)
    t.true(Math.abs(length - expected) < 4 * Math.sqrt(expected), `${length} of ${expected}`)
    return valuesOf(batched, 'efficiency')[0] / valuesOf(kept, 'efficiency')[0]
  }
  const sizes = [50, 200, 800]
  const [slow, fast] = await Promise.all([10, 1_000].map(async perSecond => await Promise.all(sizes.map(async bytes => await gain(bytes, perSecond)))))
  t.true(slow.every(ratio => ratio < 1), slow.join(', '))
  t.true(fast.every((ratio, i) => ratio > 1 && ratio < (fast[i - 1] ?? Infinity)), fast.join(', '))
})
