import test from 'ava'
import * as fc from 'fast-check'
import { StepRecorder, thin } from '../../src/core/thin.ts'
import type { Steps } from '../../src/core/thin.ts'

const LIMIT = 12
const step = fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: -20, max: 20 }))

function stepsOf (steps: ReadonlyArray<readonly [number, number]>): Steps {
  let time = 0
  return { times: steps.map(([pause]) => { time += pause; return time }), values: steps.map(([, value]) => value) }
}

/** What the function is at the end of each slice of its span, found without the code under test. */
function lastOfSlices ({ times, values }: Steps, from: number, to: number, slices: number): number[] {
  return Array.from({ length: slices }, (_, slice) => {
    const end = from + (to - from) * (slice + 1) / slices
    return values[times.findLastIndex(time => slice === slices - 1 || time < end)]
  })
}

test('at most so many points are left, among them the least, the greatest and the last, and each slice ends as it did', t => {
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), drawn => {
    const whole = stepsOf(drawn)
    const { times, values } = thin(whole, LIMIT)
    t.true(times.length <= LIMIT && times.length === values.length)
    t.is(Math.min(...values), Math.min(...whole.values))
    t.is(Math.max(...values), Math.max(...whole.values))
    t.is(values.at(-1), whole.values.at(-1))
    t.true(times.every((time, index) => index === 0 || time >= times[index - 1]))
    const [from, to] = [whole.times[0], whole.times.at(-1) ?? 0]
    if (to > from) {
      t.deepEqual(lastOfSlices({ times, values }, from, to, LIMIT / 3), lastOfSlices(whole, from, to, LIMIT / 3))
    }
  }), { numRuns: 2_000 })
})

test('every point that is left was there, and where there are few enough all are left', t => {
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), drawn => {
    const whole = stepsOf(drawn)
    const pairs = new Set(whole.times.map((time, index) => `${time} ${whole.values[index]}`))
    const { times, values } = thin(whole, LIMIT)
    t.true(times.every((time, index) => pairs.has(`${time} ${values[index]}`)))
    if (drawn.length <= LIMIT) {
      t.deepEqual({ times, values }, whole)
    }
  }), { numRuns: 2_000 })
})

test('a million values are recorded in at most four times the limit, and a spike of one of them survives', t => {
  const recorder = new StepRecorder(LIMIT)
  let most = 0
  for (let time = 0; time < 1_000_000; time++) {
    recorder.add(time, time === 123_456 ? 1e9 : time % 7)
    most = Math.max(most, recorder.steps.times.length)
  }
  t.true(most <= 4 * LIMIT)
  const { times, values } = recorder.steps
  t.is(times[values.indexOf(1e9)], 123_456)
})

test('the same value again is no point', t => {
  const recorder = new StepRecorder(LIMIT)
  for (const [time, value] of [[1, 5], [2, 5], [3, 6], [4, 6], [5, 5]]) {
    recorder.add(time, value)
  }
  t.deepEqual(recorder.steps, { times: [1, 3, 5], values: [5, 6, 5] })
})
