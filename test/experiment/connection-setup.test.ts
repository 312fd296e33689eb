import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'

const loaded = await loadExperiment('connection-setup', new URL('../../experiments/', import.meta.url))
const ARMS = loaded.experiment.arms.map(({ name }) => name)
const RTT_MS = 80

/** What one run recorded. */
async function play (name: string, arm: string): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: 'setup' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

function valuesOf (samples: readonly SampleEvent[], metric: string): number[] {
  return samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

test('a first request takes five round trips in all arms, and one attempt', async t => {
  for (const arm of ARMS) {
    const samples = await play('cold-dial', arm)
    // At 50 Mbit/s the handshake's kilobytes take less than a millisecond.
    t.true(valuesOf(samples, 'first-request').every(tookMs => tookMs >= 5 * RTT_MS && tookMs < 5 * RTT_MS + 1), arm)
    t.true(valuesOf(samples, 'attempts').every(attempts => attempts === 1), arm)
  }
})

test('on a warm connection a request takes two round trips, one on a kept stream, and at most five where each dials', async t => {
  const [plain, dialling, pool] = await Promise.all(['plain', 'dial-every-request', 'pool'].map(async arm => quantile(valuesOf(await play('warm-request', arm), 'request'), 0.5)))
  t.true(plain >= 2 * RTT_MS && plain < 2 * RTT_MS + 1, `${plain} ms`)
  // Those that come while another dials share its connection.
  t.true(dialling > 2 * RTT_MS && dialling < 5 * RTT_MS + 1, `${dialling} ms`)
  t.true(pool >= RTT_MS && pool < RTT_MS + 1, `${pool} ms`)
})

test('behind a dead address a request waits six seconds, in the pool 250 ms at most, and five round trips', async t => {
  const [plain, pool] = await Promise.all(['plain', 'pool'].map(async arm => valuesOf(await play('first-address-dead', arm), 'first-request')[0]))
  t.true(plain >= 6_000 + 5 * RTT_MS && plain < 6_000 + 5 * RTT_MS + 1, `${plain} ms`)
  t.true(pool <= 250 + 5 * RTT_MS + 1, `${pool} ms`)
})

test('all arms meet the same arrivals, and what a silent death costs in attempts is within the budget: a fifth, and ten a second', async t => {
  const runs = await Promise.all(ARMS.map(async arm => await play('silent-death', arm)))
  const counts = runs.map(samples => valuesOf(samples, 'request').length)
  t.is(new Set(counts).size, 1, counts.join(' '))
  for (const samples of runs) {
    const [attempts] = valuesOf(samples, 'attempts')
    const seconds = (samples.at(-1)?.timeMs ?? 0) / 1_000
    t.true(attempts >= 1 && attempts <= 1.2 + 10 * seconds / counts[0], `${attempts}`)
  }
})

test('retries that redial lose no request to a silent death, and are answered a quarter of the deadline after they asked', async t => {
  const samples = (await play('silent-death', 'redial-retries')).filter(({ metric }) => metric === 'request')
  t.true(samples.every(({ ok }) => ok))
  // The first try takes 2.5 s; then 0.1 s, a dial of three round trips, and two for the request.
  const longestMs = Math.max(...samples.map(({ value }) => value))
  t.true(longestMs >= 2_500 && longestMs <= 2_600 + 5 * RTT_MS + 1, `${longestMs} ms`)
})

test('each claim is about an arm that takes part, and a metric that there is', t => {
  for (const { case: name, metric, arm } of loaded.experiment.promises ?? []) {
    const theCase = loaded.experiment.cases.find(other => other.name === name)
    t.true(theCase?.metrics.some(other => other.name === metric) === true && (theCase.arms ?? ARMS).includes(arm), `${name} ${metric} ${arm}`)
  }
})
