import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { failuresOf, SimExperiment, startsOf, valuesOf } from '../fixtures/experiment-units.ts'

const experiment = await SimExperiment.load('dial-ban')
const ARMS = experiment.loaded.experiment.arms.map(({ name }) => name)
/** Of these one is dead, and one resets most requests. */
const PEERS = 20

test('all arms meet the same requests, and where nothing is congested no rule takes a healthy peer away', async t => {
  let starts: number[] | undefined
  for (const arm of ARMS) {
    const result = await experiment.run({ case: 'calm', arm, parameters: { peers: PEERS, calmDurationMs: 300_000 } })
    starts ??= startsOf(result, 'request')
    t.deepEqual(startsOf(result, 'request'), starts, arm)
    t.deepEqual(valuesOf(result, 'banned'), [0], arm)
    t.is(Math.min(...valuesOf(result, 'available')), 1, arm)
    // Two bad peers: each is out once, or never.
    t.is(valuesOf(result, 'bad-out').length + failuresOf(result, 'bad-out'), 2, arm)
    t.is(failuresOf(result, 'bad-out') === 2, arm === 'plain', arm)
  }
})

test('long congestions of the node\'s own link take most healthy peers away by ten points a time-out, and by outlier detection no more than its cap', async t => {
  // A stall of 40 to 120 s is two to six pings of 20 s to each peer: 20 to 60 points, of which little decays meanwhile.
  const parameters = { peers: PEERS, durationMs: 400_000, longestStallMs: 120_000, meanCalmMs: 60_000 }
  const least = async (arm: string): Promise<number> => Math.min(...valuesOf(await experiment.run({ case: 'congested', arm, parameters }), 'available'))
  t.true(await least('dial-timeouts-10') < 0.5)
  t.is(await least('plain'), 1)
  const health = await experiment.run({ case: 'congested', arm: 'health', parameters })
  // Nobody is ejected while all fail; what was sent before the end and times out after it may be a fifth failure in a row.
  // A tenth of the peers may be out at a time: two of twenty.
  t.true(Math.min(...valuesOf(health, 'available')) >= 16 / 18)
})

test('three minutes of congestions every 40 s take most healthy peers away by ten points a time-out, at times, and by one point none', async t => {
  const least = async (arm: string): Promise<number> => Math.min(...valuesOf(await experiment.run({ case: 'congested-short', arm }), 'available'))
  t.true(await least('dial-timeouts-10') < 0.5)
  // A healthy peer is pinged nine times in three minutes and asked three times in the mean: fewer than 20 failures, all of them
  // time-outs, whichever of the two limits of a request of the application is the first.
  t.is(await least('dial-timeouts-1'), 1)
  t.is(await least('plain'), 1)
})

test('on real peers the node has a process of its own, and its peers share one', t => {
  const { cases, parameters } = experiment.loaded.experiment
  const { hosts } = cases.find(({ name }) => name === 'congested-short')!.scenario({ ...parameters.parse({}), case: 'congested-short', arm: 'plain' }, randomStream('test'))
  t.is(hosts[0].process, undefined)
  t.deepEqual([...new Set(hosts.slice(1).map(({ process }) => process))], ['peers'])
})

test('of bad peers that are two in five outlier detection has no more out than its cap, a tenth of all', async t => {
  const parameters = { peers: PEERS, calmDurationMs: 300_000 }
  // Of twenty eight are bad, and two may be out at a time. Others take turns when one is let in again, after 30 s and more.
  const health = await experiment.run({ case: 'calm-40', arm: 'health', parameters })
  t.is(valuesOf(health, 'bad-out').length + failuresOf(health, 'bad-out'), 8)
  t.true(valuesOf(health, 'bad-out').filter(outMs => outMs <= 30_000).length <= 2)
  const plain = await experiment.run({ case: 'calm-40', arm: 'plain', parameters })
  t.is(failuresOf(plain, 'bad-out'), 8)
})
