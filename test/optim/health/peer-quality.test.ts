import test from 'ava'
import * as fc from 'fast-check'
import { QualityScore } from '../../../src/optim/health/peer-quality.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const HALF_LIFE_MS = 300_000

type News = { readonly kind: 'answered' | 'failed' | 'death' } | { readonly kind: 'round-trip', readonly rttMs: number }

const news = fc.oneof(
  fc.record({ kind: fc.constantFrom('answered' as const, 'failed' as const, 'death' as const) }),
  fc.record({ kind: fc.constant('round-trip' as const), rttMs: fc.double({ min: 0.001, max: 1e5, noNaN: true }) })
)

function tell (score: QualityScore, news: News, nowMs: number): void {
  if (news.kind === 'round-trip') {
    score.roundTrip(news.rttMs, 50, nowMs, HALF_LIFE_MS)
  } else if (news.kind === 'death') {
    score.death(nowMs, HALF_LIFE_MS)
  } else {
    score.attempt(news.kind === 'answered', nowMs, HALF_LIFE_MS)
  }
}

test('quality stays within 0 and 1, and without news its distance from 0.5 halves in each half-life', t => {
  const steps = fc.array(fc.record({ gapMs: fc.nat(400_000), news }), { maxLength: 30 })
  fc.assert(fc.property(steps, fc.nat(1e6), (steps, quietMs) => {
    const score = new QualityScore()
    let nowMs = 0
    for (const { gapMs, news } of steps) {
      nowMs += gapMs
      tell(score, news, nowMs)
      const value = score.at(nowMs, HALF_LIFE_MS)
      if (!(value >= 0 && value <= 1)) {
        return false
      }
    }
    const distance = score.at(nowMs + quietMs, HALF_LIFE_MS) - 0.5
    return Math.abs(score.at(nowMs + quietMs + HALF_LIFE_MS, HALF_LIFE_MS) - 0.5 - distance / 2) < 1e-12
  }))
  t.pass()
})

test('a peer of which nothing is known is neutral', t => {
  t.is(new QualityScore().at(1e9, HALF_LIFE_MS), 0.5)
})

test('answers, usual round trips, slow ones, failures and death rank peers in this order', t => {
  const after = (news: News): number => {
    const score = new QualityScore()
    for (let second = 0; second < 20; second++) {
      tell(score, { kind: 'answered' }, second * 1000)
    }
    tell(score, news, 20_000)
    return score.at(20_000, HALF_LIFE_MS)
  }
  const ranked = [{ kind: 'round-trip', rttMs: 50 }, { kind: 'round-trip', rttMs: 100 }, { kind: 'failed' }, { kind: 'death' }] as const
  const values = ranked.map(after)
  t.deepEqual(values, values.toSorted((a, b) => b - a))
  t.is(new Set(values).size, 4)
  t.is(after({ kind: 'answered' }), values[0])
})
