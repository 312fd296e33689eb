import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'

const loaded = await loadExperiment('connection-setup', new URL('../../experiments/', import.meta.url))
const ARMS = loaded.experiment.arms.map(({ name }) => name)
const RTT_MS = 80
const SEED = 'setup'

function armsOf (name: string): readonly string[] {
  return loaded.experiment.cases.find(one => one.name === name)?.arms ?? ARMS
}

/** What one run recorded. */
async function play (name: string, arm: string): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: SEED }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

function valuesOf (samples: readonly SampleEvent[], metric: string): number[] {
  return samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

/** The peers of a case of first requests: their round trips, and how many dead addresses they have before a good one. */
function peersOf (name: string): ReadonlyArray<{ readonly rttMs: number, readonly deadFirst: number }> {
  const theCase = loaded.experiment.cases.find(one => one.name === name)
  const random = randomStream(SEED).fork('scenario').fork(name)
  const { hosts = [], paths = [] } = theCase?.scenario({ ...loaded.experiment.parameters.parse({}), case: name, arm: 'plain' }, random) ?? {}
  return paths.map(({ to, forward }) => {
    const addresses = hosts.find(host => host.name === to)?.addresses ?? []
    return { rttMs: 2 * (forward?.delayMs ?? 0), deadFirst: addresses.findIndex(({ state }) => state !== 'black-hole') }
  })
}

/** Both sorted: nobody says whose a sample is, and what holds for each holds in order. */
function pairUp (tookMs: readonly number[], wouldTakeMs: readonly number[]): ReadonlyArray<readonly [tookMs: number, wouldTakeMs: number]> {
  const ordered = wouldTakeMs.toSorted((a, b) => a - b)
  return tookMs.toSorted((a, b) => a - b).map((value, index) => [value, ordered[index]])
}

test('a first request takes five round trips in all arms, one attempt and one connection', async t => {
  const fiveMs = peersOf('cold-dial').map(({ rttMs }) => 5 * rttMs)
  for (const arm of armsOf('cold-dial')) {
    const samples = await play('cold-dial', arm)
    const took = valuesOf(samples, 'first-request')
    t.is(took.length, fiveMs.length)
    // At 50 Mbit/s the handshake's kilobytes take less than a millisecond.
    t.true(pairUp(took, fiveMs).every(([tookMs, lowestMs]) => tookMs >= lowestMs && tookMs < lowestMs + 1), arm)
    for (const cost of ['attempts', 'connections', 'addresses']) {
      t.deepEqual(valuesOf(samples, cost), [1], `${arm}: ${cost}`)
    }
  }
})

test('on a warm connection a request takes two round trips, one on a stream that is kept by hand or by the pool, and at most five where each dials', async t => {
  const [plain, dialling, kept, pool] = await Promise.all(['plain', 'dial-every-request', 'kept-streams', 'pool'].map(async arm => quantile(valuesOf(await play('warm-request', arm), 'request'), 0.5)))
  t.true(plain >= 2 * RTT_MS && plain < 2 * RTT_MS + 1, `${plain} ms`)
  // Those that come while another dials share its connection.
  t.true(dialling > 2 * RTT_MS && dialling < 5 * RTT_MS + 1, `${dialling} ms`)
  t.true(pool >= RTT_MS && pool < RTT_MS + 1, `${pool} ms`)
  t.is(kept, pool)
})

test('each dead address costs a first request six seconds, two where libp2p is told so, 250 ms where they are raced by hand and at most in the pool, beside five round trips', async t => {
  const peers = peersOf('first-address-dead')
  t.true(peers.every(({ deadFirst }) => deadFirst >= 1) && peers.some(({ deadFirst }) => deadFirst > 1))
  const expected = (deadMs: number): number[] => peers.map(({ rttMs, deadFirst }) => deadFirst * deadMs + 5 * rttMs)
  const took = async (arm: string): Promise<number[]> => valuesOf(await play('first-address-dead', arm), 'first-request')

  // Two dead addresses are 12 s, and the deadline is 10: those fail when it is over.
  t.true(pairUp(await took('plain'), expected(6_000).map(ms => Math.min(ms, 10_000))).every(([tookMs, ms]) => tookMs >= ms - 1e-6 && tookMs < ms + 1))
  t.true(pairUp(await took('plain-tuned'), expected(2_000)).every(([tookMs, ms]) => tookMs >= ms && tookMs < ms + 1))
  t.true(pairUp(await took('raced-dials'), expected(250)).every(([tookMs, ms]) => tookMs >= ms && tookMs < ms + 1))
  t.true(pairUp(await took('pool'), expected(250)).every(([tookMs, ms]) => tookMs < ms + 1))
})

test('libp2p dials the addresses up to the first good one, and races no fewer, by hand or in the pool: what they cost is counted', async t => {
  const peers = peersOf('first-address-dead')
  const [tuned, raced, pool] = await Promise.all(['plain-tuned', 'raced-dials', 'pool'].map(async arm => valuesOf(await play('first-address-dead', arm), 'addresses')[0]))
  const one = peers.reduce((sum, { deadFirst }) => sum + deadFirst + 1, 0) / peers.length
  t.true(Math.abs(tuned - one) < 1e-9, `${tuned}, not ${one}`)
  // Four addresses at most.
  t.true(raced >= one && raced <= pool && pool <= 4, `${raced} and ${pool}`)
})

test('what a request costs that a deadline ended is paid by those that were answered: plain libp2p had dialled two dead addresses by then, and opened no connection', async t => {
  const peers = peersOf('first-address-dead')
  const samples = await play('first-address-dead', 'plain')
  // Each dead address takes six of its ten seconds, and then there are five round trips of 160 ms at most.
  const answered = peers.filter(({ deadFirst }) => deadFirst === 1)
  t.true(answered.length > 0 && answered.length < peers.length)
  t.deepEqual(valuesOf(samples, 'connections'), [1])
  const [addresses] = valuesOf(samples, 'addresses')
  t.true(Math.abs(addresses - 2 * peers.length / answered.length) < 1e-9, `${addresses}`)
})

test('all arms meet the same arrivals, and what a silent death costs in attempts is within the budget: a fifth, and ten a second', async t => {
  const runs = await Promise.all(armsOf('silent-death').map(async arm => await play('silent-death', arm)))
  const counts = runs.map(samples => valuesOf(samples, 'request').length)
  t.is(new Set(counts).size, 1, counts.join(' '))
  for (const samples of runs) {
    const [attempts] = valuesOf(samples, 'attempts')
    const seconds = (samples.at(-1)?.timeMs ?? 0) / 1_000
    t.true(attempts >= 1 && attempts <= 1.2 + 10 * seconds / counts[0], `${attempts}`)
  }
})

test('retries that redial lose no request to a silent death, and are answered a second after they asked', async t => {
  const samples = (await play('silent-death', 'redial-retries')).filter(({ metric }) => metric === 'request')
  t.true(samples.every(({ ok }) => ok))
  // The first try takes 1 s; then 0.1 s, a dial of three round trips, and two for the request. Requests that share a dial
  // wait for one more: the end of Noise's handshake is three segments, yamux's ping two, a stream's window update and its
  // proposal two each. That is nine of the first window's ten, and what is held back leaves, joined, when they are acknowledged.
  const longestMs = Math.max(...samples.map(({ value }) => value))
  t.true(longestMs >= 1_000 && longestMs <= 1_100 + (5 + 1) * RTT_MS + 1, `${longestMs} ms`)
})

test('each claim is about an arm that takes part, and a metric that there is', t => {
  for (const { case: name, metric, arm } of loaded.experiment.promises ?? []) {
    const theCase = loaded.experiment.cases.find(other => other.name === name)
    t.true(theCase?.metrics.some(other => other.name === metric) === true && (theCase.arms ?? ARMS).includes(arm), `${name} ${metric} ${arm}`)
  }
})
