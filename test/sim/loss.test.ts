import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { createLoss } from '../../src/sim/loss.ts'
import type { LossOptions } from '../../src/sim/loss.ts'

const PACKETS = 1_000_000

function fates (options: LossOptions, count = PACKETS, seed = 'loss'): boolean[] {
  const model = createLoss(options, randomStream(seed), 'loss')
  return Array.from({ length: count }, () => model.lost())
}

function share (lost: readonly boolean[]): number {
  return lost.filter(Boolean).length / lost.length
}

/** Mean length of runs of losses. */
function meanBurst (lost: readonly boolean[]): number {
  const bursts = lost.filter((value, i) => value && (i === 0 || !lost[i - 1])).length
  return lost.filter(Boolean).length / bursts
}

test('Bernoulli loses its share, in bursts of 1 / (1 - p)', t => {
  const p = 0.2
  const lost = fates({ model: 'bernoulli', probability: p })
  // Four standard deviations of a binomial share.
  t.true(Math.abs(share(lost) - p) < 4 * Math.sqrt(p * (1 - p) / PACKETS))
  t.true(Math.abs(meanBurst(lost) - 1 / (1 - p)) < 0.01)
})

test('probability 0 loses nothing and probability 1 everything', t => {
  t.is(share(fates({ model: 'bernoulli', probability: 0 }, 10_000)), 0)
  t.is(share(fates({ model: 'bernoulli', probability: 1 }, 10_000)), 1)
})

test('Gilbert-Elliott loses (lossGood r + lossBad p) / (p + r)', t => {
  // The first is that of the kernel measurements: mean 0.98%.
  for (const { p, r, lossGood, lossBad } of [
    { p: 0.005, r: 0.25, lossGood: 0, lossBad: 0.5 },
    { p: 0.02, r: 0.1, lossGood: 0.01, lossBad: 0.8 },
    { p: 0.3, r: 0.4, lossGood: 0.1, lossBad: 0.9 }
  ]) {
    const expected = (lossGood * r + lossBad * p) / (p + r)
    const measured = share(fates({ model: 'gilbert-elliott', p, r, lossGood, lossBad }))
    // States are correlated over (2 - p - r) / (p + r) packets, which widens a binomial's deviation by its root at most.
    const deviation = Math.sqrt(expected * (1 - expected) / PACKETS * (2 - p - r) / (p + r))
    t.true(Math.abs(measured - expected) < 4 * deviation, `${measured} instead of ${expected}`)
  }
})

test('the simple Gilbert form loses p / (p + r) in bursts of 1 / r', t => {
  const p = 0.01
  const r = 0.2
  const lost = fates({ model: 'gilbert-elliott', p, r, lossGood: 0, lossBad: 1 })
  const bursts = PACKETS * p * r / (p + r)
  // The length of a burst is geometric, with deviation sqrt(1 - r) / r.
  t.true(Math.abs(meanBurst(lost) - 1 / r) < 4 * Math.sqrt(1 - r) / r / Math.sqrt(bursts))
  t.true(Math.abs(share(lost) - p / (p + r)) < 0.003)
})

test('the first packet finds the good state, and the state moves after each packet', t => {
  t.deepEqual(fates({ model: 'gilbert-elliott', p: 1, r: 1, lossGood: 0, lossBad: 1 }, 4), [false, true, false, true])
})

test('periodic loss takes every n-th packet, scripted loss those with the numbers given', t => {
  t.deepEqual(fates({ model: 'periodic', every: 3 }, 7), [false, false, true, false, false, true, false])
  t.deepEqual(fates({ model: 'periodic', every: 1 }, 2), [true, true])
  t.deepEqual(fates({ model: 'scripted', packets: [0, 3] }, 5), [true, false, false, true, false])
})

test('one seed gives one sequence of losses', t => {
  const options: LossOptions = { model: 'gilbert-elliott', p: 0.1, r: 0.3, lossGood: 0.1, lossBad: 0.9 }
  t.deepEqual(fates(options, 1000), fates(options, 1000))
  t.notDeepEqual(fates(options, 1000), fates(options, 1000, 'other'))
})
