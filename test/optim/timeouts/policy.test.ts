import test from 'ava'
import * as fc from 'fast-check'
import { MINIMUM_DWELL_ATTEMPTS, policyNamed, selectTier } from '../../../src/optim/timeouts/policy.ts'
import type { PeerConditions, Tier } from '../../../src/optim/timeouts/policy.ts'

fc.configureGlobal({ seed: 1 })

const known: PeerConditions = {
  srttMs: 100, rttVarMs: 20, priorMs: 1000, backoff: 0, spuriousShare: 0, lossShare: 0, suspicion: 0, tier: 'rtt', granularityMs: 10
}

test('the strategies wait as they say', t => {
  const wait = (name: Parameters<typeof policyNamed>[0], conditions = known): number => policyNamed(name, 5000).timeoutMs(conditions)
  t.is(wait('fixed'), 5000)
  t.is(wait('rtt'), 100 + 4 * 20)
  t.is(wait('aggressive'), 100 + 2 * 20)
  t.is(wait('conservative'), 2 * (100 + 4 * 20))
  t.is(wait('adaptive'), wait('rtt'))
  t.is(wait('adaptive', { ...known, tier: 'conservative' }), wait('conservative'))
  t.is(wait('rtt', { ...known, backoff: 3 }), 8 * 180)
  t.is(wait('fixed', { ...known, backoff: 3 }), 5000)
})

test('a peer without samples is given the prior', t => {
  const { srttMs: _srtt, rttVarMs: _rttVar, ...rest } = known
  t.is(policyNamed('rtt', 5000).timeoutMs({ ...rest, srttMs: undefined, rttVarMs: undefined }), 1000)
})

test('a peer with samples costs no look at the others: the prior is not even read', t => {
  const conditions = {
    ...known,
    get priorMs (): number {
      throw new Error('looked at every peer')
    }
  }
  for (const name of ['fixed', 'rtt', 'adaptive', 'aggressive', 'conservative'] as const) {
    t.true(policyNamed(name, 5000).timeoutMs(conditions) > 0)
  }
})

test('spurious timeouts make a peer\'s tier conservative, and it returns only well below where it entered', t => {
  const dwelt = MINIMUM_DWELL_ATTEMPTS
  t.is(selectTier('rtt', { spuriousShare: 0.06, lossShare: 0 }, dwelt), 'conservative')
  t.is(selectTier('conservative', { spuriousShare: 0.03, lossShare: 0 }, dwelt), 'conservative')
  t.is(selectTier('conservative', { spuriousShare: 0.005, lossShare: 0 }, dwelt), 'rtt')
})

test('loss without spurious timeouts makes it aggressive, and either the end of loss or haste brings it back', t => {
  const dwelt = MINIMUM_DWELL_ATTEMPTS
  t.is(selectTier('rtt', { spuriousShare: 0, lossShare: 0.06 }, dwelt), 'aggressive')
  t.is(selectTier('rtt', { spuriousShare: 0.01, lossShare: 0.06 }, dwelt), 'rtt')
  t.is(selectTier('aggressive', { spuriousShare: 0.01, lossShare: 0.02 }, dwelt), 'aggressive')
  t.is(selectTier('aggressive', { spuriousShare: 0, lossShare: 0.005 }, dwelt), 'rtt')
  t.is(selectTier('aggressive', { spuriousShare: 0.03, lossShare: 0.06 }, dwelt), 'rtt')
})

test('whatever happens, a tier is kept for its dwell time and extremes are reached through rtt', t => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(fc.property(fc.array(fc.record({ spuriousShare: share, lossShare: share }), { maxLength: 120 }), schedule => {
    let tier: Tier = 'rtt'
    let attempts = 0
    for (const shares of schedule) {
      attempts++
      const next = selectTier(tier, shares, attempts)
      if (next !== tier) {
        if (attempts < MINIMUM_DWELL_ATTEMPTS || (tier !== 'rtt' && next !== 'rtt')) {
          return false
        }
        tier = next
        attempts = 0
      }
    }
    return true
  }), { numRuns: 10_000 })
  t.pass()
})
