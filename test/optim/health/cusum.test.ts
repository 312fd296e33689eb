import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { ChangeDetector, Cusum } from '../../../src/optim/health/cusum.ts'
import { LossDetector } from '../../../src/optim/health/loss-detector.ts'
import { ShiftDetector } from '../../../src/optim/health/shift-detector.ts'
import type { Change } from '../../../src/optim/health/cusum.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

// Sums of such numbers are exact, so that the two ways of adding them up agree to the bit.
const evidence = fc.array(fc.integer({ min: -16, max: 16 }).map(quarters => quarters / 4), { minLength: 1, maxLength: 40 })

/** Page's other form: how far the plain sum is above its lowest point so far, and where that point was. */
function naive (evidence: readonly number[]): { readonly value: number, readonly zeroAt: number } {
  let best = { value: 0, zeroAt: evidence.length - 1 }
  for (let from = evidence.length - 1; from >= 0; from--) {
    const value = evidence.slice(from).reduce((sum, x) => sum + x, 0)
    if (value > best.value) {
      best = { value, zeroAt: Math.max(0, from - 1) }
    }
  }
  return best
}

test('a cusum is the largest sum of evidence that ends now, and was last zero before that began', t => {
  fc.assert(fc.property(evidence, evidence => {
    const cusum = new Cusum()
    for (const [index, x] of evidence.entries()) {
      cusum.add(x, index)
    }
    const { value, zeroAt } = naive(evidence)
    return cusum.value === value && cusum.zeroMs === zeroAt
  }))
  t.pass()
})

test('a condition is entered and left in turns, each by as much evidence, and no delay is negative', t => {
  fc.assert(fc.property(evidence, evidence => {
    const detector = new ChangeDetector(5)
    let sum = new Cusum()
    let active = false
    for (const [index, x] of evidence.entries()) {
      const change = detector.add(x, index)
      const over = sum.add(active ? -x : x, index) >= 5
      if ((change !== undefined) !== over) {
        return false
      }
      if (change !== undefined) {
        active = !active
        if (change.phase !== (active ? 'entered' : 'left') || change.detectionDelayMs !== index - (sum.zeroMs ?? NaN)) {
          return false
        }
        sum = new Cusum()
        sum.reset(index)
      }
      if (detector.active !== active) {
        return false
      }
    }
    return true
  }))
  t.pass()
})

/** The mean number of samples until a detector speaks. */
function runLength (make: () => { sample(value: never, nowMs: number): Change | undefined }, draw: () => number | boolean, runs: number): number {
  let samples = 0
  for (let run = 0; run < runs; run++) {
    const detector = make()
    let change: Change | undefined
    while (change === undefined) {
      change = detector.sample(draw() as never, ++samples)
    }
  }
  return samples / runs
}

// Run lengths between false alarms are about exponential, so that the mean of n runs is within 3 / sqrt(n) of the true one.

test('at the tolerated loss of 2% a false alarm comes once in about 115,000 attempts', t => {
  const random = randomStream(1)
  const attempts = runLength(() => new LossDetector(), () => random.next() < 0.02, 100)
  t.true(attempts > 115_000 * 0.7 && attempts < 115_000 * 1.3, `${attempts}`)
})

test('a loss of 20% is found after about 31 attempts, of all after 4', t => {
  const random = randomStream(2)
  const attempts = runLength(() => new LossDetector(), () => random.next() < 0.2, 1000)
  t.true(attempts > 28 && attempts < 34, `${attempts}`)
  t.is(runLength(() => new LossDetector(), () => true, 1), 4)
})

test('round trips with heavy tails raise a false alarm once in about 400,000 samples', t => {
  const random = randomStream(3)
  const laplace = (): number => Math.exp(3 + random.exponential(0.25) * (random.next() < 0.5 ? 1 : -1))
  const samples = runLength(() => new ShiftDetector(1), laplace, 36)
  t.true(samples > 200_000 && samples < 600_000, `${samples}`)
})

test('a doubled round trip is found after 4 samples, with the delay from the last usual one', t => {
  const detector = new ShiftDetector(1)
  for (let second = 0; second < 100; second++) {
    t.is(detector.sample(50, second * 1000), undefined)
  }
  for (let second = 100; second < 103; second++) {
    t.is(detector.sample(100, second * 1000), undefined)
  }
  t.deepEqual(detector.sample(100, 103_000), { phase: 'entered', detectionDelayMs: 4000 })
  t.is(detector.sinceMs, 99_000)
})

test('no single sample is a change, however large', t => {
  const detector = new ShiftDetector(1)
  for (let second = 0; second < 1000; second++) {
    t.is(detector.sample(second % 10 === 9 ? 1e6 : 50, second), undefined)
  }
})

test('a rate that falls to a third is a change of a detector of decline, and one that rises is none', t => {
  const changes = (rate: number): number => {
    const detector = new ShiftDetector(-1)
    let found = 0
    for (let second = 0; second < 40; second++) {
      found += detector.sample(second < 20 ? 9e6 : rate, second) === undefined ? 0 : 1
    }
    return found
  }
  t.is(changes(3e6), 1)
  t.is(changes(27e6), 0)
})

test('the baseline moves: a path that stays slower is the usual one in the end', t => {
  const detector = new ShiftDetector(1)
  const phases: string[] = []
  for (let second = 0; second < 2000; second++) {
    const change = detector.sample(second < 100 ? 50 : 100, second)
    if (change !== undefined) {
      phases.push(change.phase)
    }
  }
  t.deepEqual(phases, ['entered', 'left'])
})
