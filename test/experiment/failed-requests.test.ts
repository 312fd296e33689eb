import test from 'ava'
import type { UnitResult } from '../../src/experiment/unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { failuresOf, SimExperiment, startsOf, valuesOf } from '../fixtures/experiment-units.ts'

const experiment = await SimExperiment.load('failed-requests')
const ARMS = armsOf('churn')
const RTT_MS = 80
const PING_INTERVAL_MS = 10_000

function armsOf (name: string): readonly string[] {
  const { arms, cases } = experiment.loaded.experiment
  return cases.find(one => one.name === name)?.arms ?? arms.map(arm => arm.name)
}

/** When its requests that were answered began, in the order of `valuesOf`. */
function startsInOrder ({ samples }: UnitResult): number[] {
  return samples.filter(({ metric, ok }) => metric === 'request' && ok).map(({ timeMs, value }) => timeMs - value)
}

/**
 * Whether segments of libp2p's pings may stand before such a request or its reply. Both ends' monitors ping at the same
 * instant, each as four segments, and answer the other's half a round trip later with six: the first window's ten, and a
 * message in that half round trip waits for acknowledgements. A ping takes a round trip for its stream, one for itself, and
 * one until its end is acknowledged; a request takes two at most.
 */
function meetsPing (startMs: number): boolean {
  const sinceMs = (startMs + 2 * RTT_MS) % PING_INTERVAL_MS
  return sinceMs < (2 + 3) * RTT_MS
}

test('all arms meet the same arrivals, and each is answered or fails once', async t => {
  const parameters = { durationMs: 20_000 }
  const [first, ...others] = await Promise.all(ARMS.map(async arm => startsOf(await experiment.run({ case: 'churn', arm, parameters }), 'request')))
  // Poisson arrivals at 6 a second for 20 s: 120, and 5 deviations of 11 about it.
  t.true(first.length > 65 && first.length < 175, String(first.length))
  others.forEach((starts, index) => t.deepEqual(starts, first, ARMS[index + 1]))
})

test('where nothing happens nobody fails or tries twice, and a stream and a reply are two round trips, or one on a kept stream', async t => {
  const parameters = { meanUpMs: 1e12, durationMs: 20_000 }
  for (const arm of ARMS) {
    const result = await experiment.run({ case: 'churn', arm, parameters })
    t.is(failuresOf(result, 'request'), 0, arm)
    // A hedge is for one in twenty, a tenth of them by chance more.
    t.true(valuesOf(result, 'attempts')[0] >= 1 && valuesOf(result, 'attempts')[0] <= 1.1, arm)
    const roundTrips = arm.startsWith('pool') || ['full', 'kept-redial'].includes(arm) ? 1 : 2
    // Beside them 1.1 kB each way at 20 Mbit/s, headers of half as much at most: below 2 ms.
    const median = quantile(valuesOf(result, 'request'), 0.5)
    t.true(median >= roundTrips * RTT_MS && median < roundTrips * RTT_MS + 2, `${arm}: ${median} ms`)
  }
})

test('where nothing happens nobody dials, but that a reply which libp2p\'s own ping holds back may be overdue to the pool under timeouts', async t => {
  const parameters = { meanUpMs: 1e12, durationMs: 20_000 }
  for (const arm of ARMS) {
    const result = await experiment.run({ case: 'churn', arm, parameters })
    const [connections] = valuesOf(result, 'connections')
    // A suspect connection has a replacement dialled, one at a time.
    const most = arm === 'pool-timeouts' ? startsInOrder(result).filter(meetsPing).length : 0
    t.true(connections <= most, `${arm}: ${connections}, not ${most} at most`)
  }
})

test('where half of six servers are cut off and any will do, the last of four tries by hand meets one that is not', async t => {
  // Cut off for as long as requests arrive. The first three tries may meet the three that are, 2.5 s and 0.1 s each, and then
  // there are 2.2 s for two round trips of 80 ms.
  const parameters = { durationMs: 30_000, partitionMs: 20_000 }
  const result = await experiment.run({ case: 'any-of', arm: 'naive-retries', parameters })
  t.is(failuresOf(result, 'request'), 0)
  t.true(Math.max(...valuesOf(result, 'request')) > 2_500, 'nobody met a server that was cut off')
  const plain = await experiment.run({ case: 'any-of', arm: 'plain', parameters })
  t.true(failuresOf(plain, 'request') > 0)
})

test('attempts stay within what each arm allows itself', async t => {
  for (const [arm, most] of [['plain', 1], ['fixed-timeout', 1], ['naive-retries', 4], ['redial-retries', 4], ['kept-redial', 4], ['upstream-timeout', 4], ['pool', 1], ['timeouts', 3], ['pool-timeouts', 3], ['health', 1], ['full', 3]] as const) {
    const [attempts] = valuesOf(await experiment.run({ case: 'partition', arm, parameters: { durationMs: 20_000 } }), 'attempts')
    // Below one where ejected servers are not asked.
    t.true(attempts > 0.5 && attempts <= most, `${arm}: ${attempts}`)
  }
})

test('a run of the full stack is the same run again', async t => {
  const unit = { case: 'churn', arm: 'full', parameters: { durationMs: 10_000 } }
  t.is((await experiment.run(unit)).traceHash, (await experiment.run(unit)).traceHash)
})

test('where packets are lost, the median request of streams kept by hand takes a round trip, as the pool\'s does', async t => {
  for (const arm of ['kept-streams', 'pool']) {
    const median = quantile(valuesOf(await experiment.run({ case: 'loss-1', arm, parameters: { durationMs: 20_000 } }), 'request'), 0.5)
    t.true(median >= RTT_MS && median < RTT_MS + 2, `${arm}: ${median} ms`)
  }
})

test('each promise is also held to what people write by hand, by a metric with that baseline, where both arms take part', t => {
  const { cases, promises = [] } = experiment.loaded.experiment
  const promised = new Set(promises.map(({ case: name }) => name))
  for (const name of promised) {
    const theCase = cases.find(other => other.name === name)
    const claims = promises.filter(claim => claim.case === name)
    const baselines = claims.map(({ metric }) => theCase?.metrics.find(other => other.name === metric)?.baseline)
    // The promise itself is against nobody: its target is a value.
    t.is(baselines.filter(baseline => baseline === undefined).length, 1, name)
    t.true(baselines.length > 1, name)
    for (const arm of [...baselines, ...claims.map(claim => claim.arm)]) {
      t.true(arm === undefined || armsOf(name).includes(arm), `${name}: ${arm}`)
    }
  }
})

test('streams kept by hand are a rival in every case: alone where packets are lost, elsewhere with retries that redial', t => {
  const { cases, promises = [] } = experiment.loaded.experiment
  for (const { name, metrics } of cases) {
    const [rival, other] = name.startsWith('loss') ? ['kept-streams', 'kept-redial'] : ['kept-redial', 'kept-streams']
    t.true(armsOf(name).includes(rival) && !armsOf(name).includes(other), name)
    const against = metrics.filter(({ baseline }) => baseline === rival)
    t.deepEqual(against.map(({ statistic }) => statistic), name.startsWith('loss') ? ['failed-share', 'p50'] : ['failed-share', 'p50', 'p99'], name)
    const claims = promises.filter(promise => promise.case === name)
    t.true(claims.length === 0 || claims.some(({ metric }) => metric === against[0].name), name)
  }
})

test('where nobody pings, no connection is ended that is only slow: a brown-out then fails fewer than half of what plain libp2p does, without a further attempt', async t => {
  const play = async (arm: string): Promise<{ readonly failed: number, readonly connections: readonly number[], readonly attempts: readonly number[] }> => {
    const result = await experiment.run({ case: 'brown-out', arm })
    return { failed: failuresOf(result, 'request'), connections: valuesOf(result, 'connections'), attempts: valuesOf(result, 'attempts') }
  }
  const [plain, without] = await Promise.all(['plain', 'kept-no-monitor'].map(play))
  t.true(plain.failed > 0 && without.failed < plain.failed / 2, `${without.failed} and ${plain.failed}`)
  t.deepEqual([without.connections, without.attempts], [[0], [1]])
})

test('where connections and servers die, retries that redial fail less than a quarter of what plain libp2p does, with a stream a request and with kept ones', async t => {
  // Something happens to each of six servers once or twice.
  const parameters = { meanUpMs: 10_000, durationMs: 20_000 }
  const failures = async (arm: string): Promise<number> => failuresOf(await experiment.run({ case: 'churn', arm, parameters }), 'request')
  const plain = await failures('plain')
  for (const arm of ['redial-retries', 'kept-redial']) {
    const failed = await failures(arm)
    t.true(failed < plain / 4, `${arm}: ${failed}, not below a quarter of ${plain}`)
  }
})
