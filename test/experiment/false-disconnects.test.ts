import test from 'ava'
import { SimExperiment, startsOf, valuesOf } from '../fixtures/experiment-units.ts'

const experiment = await SimExperiment.load('false-disconnects')
const ARMS = experiment.loaded.experiment.arms.map(({ name }) => name)

async function disconnects (caseName: string, arm: string, parameters: Record<string, number>): Promise<number> {
  const [perHour] = valuesOf(await experiment.run({ case: caseName, arm, parameters }), 'disconnects')
  return perHour
}

test('where nothing is wrong nobody disconnects, and monitors of libp2p\'s kind ping six times a minute', async t => {
  const parameters = { durationMs: 120_000 }
  let starts: number[] | undefined
  for (const arm of ARMS) {
    const result = await experiment.run({ case: 'quiet', arm, parameters })
    t.deepEqual(valuesOf(result, 'disconnects'), [0], arm)
    t.deepEqual(valuesOf(result, 'opened'), [0], arm)
    const [probes] = valuesOf(result, 'probes')
    // Twelve intervals in two minutes, give or take the one at an end; libp2p's own are counted as well, and ours.
    t.true(arm === 'off' ? probes === 0 : probes <= 6 && probes >= (arm === 'health' ? 1 : 5.5), `${arm}: ${probes} a minute`)
    starts ??= startsOf(result, 'request')
    t.deepEqual(startsOf(result, 'request'), starts, arm)
  }
})

test('pauses that are shorter than a ping\'s time-out end no connection', async t => {
  // One end's pause, then the other's, and two round trips: 2 x 2000 + 2 x 250 ms are less than 5000.
  for (const arm of ARMS) {
    t.is(await disconnects('pauses', arm, { peers: 1, durationMs: 300_000, pauseMs: 2_000, meanUntilPauseMs: 60_000 }), 0, arm)
  }
})

test('pauses that are longer than a ping\'s time-out make libp2p\'s monitor disconnect, and the health monitor never', async t => {
  const parameters = { peers: 2, durationMs: 600_000, pauseMs: 12_000, meanUntilPauseMs: 60_000 }
  t.true(await disconnects('pauses', 'upstream', parameters) > 0)
  t.is(await disconnects('pauses', 'health', parameters), 0)
})

test('bulk that delays pings makes libp2p\'s monitor disconnect, and never the health monitor or one that waits for silence', async t => {
  const parameters = { peers: 1, busyDurationMs: 180_000 }
  t.true(await disconnects('busy', 'upstream', parameters) > 0)
  for (const arm of ['off', 'silence-gated', 'health']) {
    t.is(await disconnects('busy', arm, parameters), 0, arm)
  }
})

test('probes are counted for as long as there is a connection to probe', async t => {
  for (const arm of ['upstream', 'silence-gated', 'three-strikes']) {
    const result = await experiment.run({ case: 'dead', arm, parameters: { peers: 1, deadDurationMs: 240_000 } })
    // The connection's end, which nobody dials anew after; and a probe every 10 s, counted from 5 s on.
    const openMs = result.samples.filter(({ metric }) => metric === 'detect')[0].timeMs - 5_000
    const [perMinute] = valuesOf(result, 'probes')
    const probes = perMinute * openMs / 60_000
    t.true(Math.abs(probes - Math.round(probes)) < 1e-6 && Math.abs(probes - openMs / 10_000) <= 1, `${arm}: ${probes} in ${openMs} ms`)
  }
})

test('a dead connection is found as soon as each rule says', async t => {
  // A ping that was sent up to two round trips before a death is not answered either.
  const before = 2 * 250
  const bounds: ReadonlyArray<readonly [string, number, number]> = [
    // A ping every 10 s, and 5 s for it: with one peer, for after a failed ping libp2p is more patient with the others.
    ['upstream', 5_000 - before, 10_000 + 5_000],
    // The third ping is sent 20 s after the first, and has up to 1.2 times twice the 5 s that the first was waited for.
    ['three-strikes', 25_000 - before, 30_000 + 12_000],
    // A minute since the last answer, which is up to 10 s before the death, and then the next ping's end.
    ['silence-gated', 60_000 - 10_000 - before, 60_000 + 10_000],
    // The promise in docs/modules.md, of silence; the replacement waits up to a second, a dial takes three round trips.
    ['health', 0, 22_000 + 1_000 + 1_000 + 3 * 250]
  ]
  for (const [arm, earliestMs, latestMs] of bounds) {
    const runs = ['a', 'b', 'c', 'd'].map(async seed => valuesOf(await experiment.run({ case: 'dead', arm, seed, parameters: { peers: 1, deadDurationMs: 240_000 } }), 'detect'))
    const detected = (await Promise.all(runs)).flat()
    t.is(detected.length, 4, arm)
    t.true(Math.min(...detected) >= earliestMs && Math.max(...detected) <= latestMs, `${arm}: ${detected.join(', ')} ms`)
  }
  // Linux gives up after 924.6 s at least (tcp(7), tcp_retries2), counted from what is sent next: yamux's keep-alive, within 30 s.
  const off = valuesOf(await experiment.run({ case: 'dead', arm: 'off' }), 'detect')
  t.true(off.every(detectMs => detectMs > 900_000), off.join(', '))
})
