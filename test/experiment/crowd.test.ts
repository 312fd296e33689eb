import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'

const RTT_MS = 80
const CLIENTS = 100

const loaded = await loadExperiment('concurrent-connections', new URL('../../experiments/', import.meta.url))

/** With peers that compute in no time, where nothing else is said. */
async function samplesOf (arm: string, changed: Readonly<Record<string, number>> = {}): Promise<readonly SampleEvent[]> {
  const { samples, error } = await runUnit({
    loaded, parameters: loaded.experiment.parameters.parse({ perEventMs: 0, ...changed }) as Record<string, number>, unit: { wire: 'sim', case: `clients-${CLIENTS}`, arm, seed: 'crowd' }, wire: new SimWire()
  })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

const of = (samples: readonly SampleEvent[], metric: string): readonly SampleEvent[] => samples.filter(sample => sample.metric === metric)

test('with raised limits every client has its first answer in five round trips, in all arms', async t => {
  for (const arm of ['plain', 'full']) {
    const first = of(await samplesOf(arm), 'first-answer')
    t.is(first.length, CLIENTS)
    // Of TCP, multistream-select, Noise, the stream and the request.
    t.true(first.every(({ ok, value }) => ok && Math.abs(value - 5 * RTT_MS) < 1), arm)
  }
})

test('all arms meet the same requests', async t => {
  const countOf = async (arm: string): Promise<number> => of(await samplesOf(arm), 'request').length
  const plain = await countOf('plain')
  t.true(plain > CLIENTS)
  for (const arm of ['plain-defaults', 'kept-streams', 'full']) {
    t.is(await countOf(arm), plain, arm)
  }
})

test('later requests take two round trips on streams of their own, and one on kept ones, by hand or by the modules', async t => {
  for (const [arm, trips] of [['plain', 2], ['kept-streams', 1], ['full', 1]] as const) {
    const took = of(await samplesOf(arm), 'request').map(({ value }) => value).filter(value => value < 4.5 * RTT_MS)
    t.true(Math.abs(quantile(took, 0.5) - trips * RTT_MS) < 1, `${arm}: ${quantile(took, 0.5)} ms`)
  }
})

test('default limits let ten connections be made at a time, and refuse the others at once', async t => {
  // All within 50 ms, and a handshake takes the server two round trips: of a hundred, ten are let in.
  const first = of(await samplesOf('plain-defaults', { clientsPerSecond: 2_000, requestsPerSecond: 0.001 }), 'first-answer')
  t.is(first.length, CLIENTS)
  t.is(first.filter(({ ok }) => ok).length, 10)
})

test('computing as it was measured makes a first answer later by the nine events that lie on its way, and by what its peers\' take', async t => {
  // Of a dial four at each end, of stream and request three; the last of the server's four and of its three are not waited for.
  const perEventMs = (4.4 + 0.72) / 2 / 7
  const first = of(await samplesOf('plain', { perEventMs }), 'first-answer').map(({ value }) => value)
  t.true(Math.min(...first) >= 5 * RTT_MS + 9 * perEventMs - 1e-3, `${Math.min(...first)} ms`)
  // A server that is busy for 13% of the time: a client seldom meets one other, whose seven events take 2.6 ms.
  t.true(Math.max(...first) <= 5 * RTT_MS + (14 + 2 * 7) * perEventMs, `${Math.max(...first)} ms`)
})
