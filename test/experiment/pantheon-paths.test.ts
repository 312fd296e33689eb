import test from 'ava'
import { meanRate } from '../../experiments/pantheon-paths.ts'
import { randomStream } from '../../src/core/random.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'

const loaded = await loadExperiment('pantheon-paths')
const parameters = loaded.experiment.parameters.parse({ durationMs: 2_000 }) as Record<string, number>

/** A full segment with timestamps: 1448 bytes of payload in 1500 of IP. */
const PAYLOAD_SHARE = 1448 / 1500
/**
 * What stands around a payload of 100 and 1000 B: its length, yamux's header, Noise's length and tag. Noise's length and the
 * rest are a packet each, with headers of TCP and IP.
 */
const REQUEST_BYTES = 100 + 1 + 12 + 18 + 2 * 52
/** Before the reply go an acknowledgement and yamux's window update for the request. */
const REPLY_BYTES = 52 + 12 + 18 + 2 * 52 + 1_000 + 2 + 12 + 18 + 2 * 52

for (const theCase of loaded.experiment.cases) {
  const { name } = theCase

  test(`${name}: the upload carries no more than the path, and no request is faster than its round trip and serialisation`, async t => {
    const { paths: [{ forward, backward = forward }] } = parseScenario(theCase.scenario({ ...parameters, case: name, arm: 'pool' }, randomStream('field').fork('scenario').fork(name)))
    const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm: 'pool', seed: 'field' }, wire: new SimWire() })
    t.is(error, undefined)
    const goodput = samples.filter(({ metric }) => metric === 'goodput').map(({ value }) => value)
    t.is(goodput.length, 1)
    // A trace is a Poisson process: in its seconds, four standard deviations more than the mean.
    const opportunities = meanRate(forward) * 6 / 12_000
    const slack = forward.trace === undefined ? 1 : 1 + 4 / Math.sqrt(opportunities)
    t.true(goodput[0] > 0 && goodput[0] <= meanRate(forward) * PAYLOAD_SHARE * slack, `${goodput[0]} bit/s`)

    const requests = samples.filter(({ metric, ok }) => metric === 'request' && ok).map(({ value }) => value)
    const serialisationMs = (rate: number | undefined, bytes: number): number => rate === undefined ? 0 : bytes * 8e3 / rate
    const leastMs = forward.delayMs + backward.delayMs + serialisationMs(forward.rateBitsPerSecond, REQUEST_BYTES) + serialisationMs(backward.rateBitsPerSecond, REPLY_BYTES)
    t.true(requests.length > 0 && Math.min(...requests) >= leastMs - 1e-3, `${Math.min(...requests)} and ${leastMs} ms`)
  })
}

test('who paces the upload by hand keeps requests from behind it, as all modules do, and has the upload carry no less', async t => {
  const [plain, hand, full] = await Promise.all(['plain', 'by-hand', 'full'].map(async arm => {
    const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: 'mexico-cellular-to-california', arm, seed: 'field' }, wire: new SimWire() })
    t.is(error, undefined)
    return { request: quantile(samples.filter(({ metric }) => metric === 'request').map(({ value }) => value), 0.5), goodput: samples.filter(({ metric }) => metric === 'goodput').map(({ value }) => value)[0] }
  }))
  t.true(hand.request < plain.request / 2 && full.request < plain.request / 2, `${hand.request}, ${full.request} and ${plain.request} ms`)
  t.true(hand.goodput > 0.9 * full.goodput, `${hand.goodput} and ${full.goodput} bit/s`)
})

test('where the upload has not filled the queue yet, a request takes exactly that', async t => {
  const quick = { ...parameters, durationMs: 1_000, requestsPerSecond: 50 }
  const { samples } = await runUnit({ loaded, parameters: quick, unit: { wire: 'sim', case: 'india-to-aws-india', arm: 'pool', seed: 'field' }, wire: new SimWire() })
  const leastMs = 2 * 27 + (REQUEST_BYTES + REPLY_BYTES) * 8e3 / 100.42e6
  const fastest = Math.min(...samples.filter(({ metric }) => metric === 'request').map(({ value }) => value))
  t.true(Math.abs(fastest - leastMs) < 1e-3, `${fastest} and ${leastMs} ms`)
})

test('a run ends with its last answer: each arrival has its sample, in all arms, and none fails because its server has stopped', async t => {
  const counts = await Promise.all(['plain', 'full'].map(async arm => {
    const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: 'nepal-to-aws-india', arm, seed: 'field' }, wire: new SimWire() })
    t.is(error, undefined)
    const requests = samples.filter(({ metric }) => metric === 'request')
    t.deepEqual([...new Set(requests.filter(({ ok }) => !ok).map(({ reason }) => reason))].filter(reason => !reason.includes('TIMEOUT')), [])
    return requests.length
  }))
  t.true(counts[0] > 0)
  t.is(counts[1], counts[0])
})
