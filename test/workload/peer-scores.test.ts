import test from 'ava'
import { PeerScores } from '../../src/workload/peer-scores.ts'
import type { Clock } from '../../src/core/clock.ts'

class HandClock implements Clock {
  nowMs = 0

  now (): number {
    return this.nowMs
  }

  setTimeout (): never {
    throw new Error('scores need no timers')
  }
}

const MINUTE = 60_000

test('five failures of ten points at once ban once, for half an hour and until the score has come from -50 to above -20', t => {
  const clock = new HandClock()
  const banned: string[] = []
  const scores = new PeerScores(clock, { timeoutPenalty: 10, errorPenalty: 10 }, peer => banned.push(peer))
  for (let i = 0; i < 5; i++) {
    t.deepEqual(banned, [])
    scores.failed('a', true)
  }
  t.deepEqual(banned, ['a'])
  t.false(scores.usable('a'))
  t.true(scores.usable('b'))
  // 50 falls to 20 in 600 s x log2(2.5) = 793.2 s, and the next heartbeat is at 2610 s.
  clock.nowMs = 30 * MINUTE + 793_000
  t.false(scores.usable('a'))
  clock.nowMs = 2_610_000
  t.true(scores.usable('a'))
})

test('three failures of ten points disconnect at the next heartbeat, and until the score is above -20', t => {
  const clock = new HandClock()
  const scores = new PeerScores(clock, { timeoutPenalty: 10, errorPenalty: 10 }, () => t.fail('nobody is banned'))
  t.true(scores.usable('a'))
  scores.failed('a', true)
  scores.failed('a', false)
  scores.failed('a', false)
  clock.nowMs = 29_999
  t.true(scores.usable('a'))
  clock.nowMs = 30_000
  t.false(scores.usable('a'))
  // 30 falls to 20 in 600 s x log2(1.5) = 351 s.
  clock.nowMs = 350_000
  t.false(scores.usable('a'))
  clock.nowMs = 360_000
  t.true(scores.usable('a'))
})

test('time-outs of one point every 20 s never ban: the score rests where it loses as much as it gets', t => {
  const clock = new HandClock()
  const scores = new PeerScores(clock, { timeoutPenalty: 1, errorPenalty: 10 }, () => t.fail('banned'))
  // 1 / (1 - 2^(-20/600)) = 43.8, which is above 20 and below 50; 20 is reached after 600 s x log2(43.8 / 23.8) = 528 s.
  let outMs = Infinity
  for (; clock.nowMs < 2 * 60 * MINUTE; clock.nowMs += 20_000) {
    scores.failed('a', true)
    outMs = scores.usable('a') ? outMs : Math.min(outMs, clock.nowMs)
  }
  t.true(outMs >= 480_000 && outMs <= 570_000, `${outMs} ms`)
})
