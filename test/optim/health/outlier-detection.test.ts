import test from 'ava'
import * as fc from 'fast-check'
import { FailureAccrual, successRateOutliers } from '../../../src/optim/health/outlier-detection.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const envoy = { minimumRequests: 20, minimumPeers: 5, deviations: 1.9 }
const finagle = { failuresInRow: 5, leastSuccessShare: 0.8, smoothingMs: 30_000, smoothedAttempts: 10 }

function peers (...answeredOf100: number[]): Array<{ peer: string, attempts: number, answered: number }> {
  return answeredOf100.map((answered, index) => ({ peer: `p${index}`, attempts: 100, answered }))
}

test('the one of ten that answers half is an outlier', t => {
  // Mean 0.95, sigma 0.15: below 0.665.
  t.deepEqual(successRateOutliers(peers(100, 100, 100, 50, 100, 100, 100, 100, 100, 100), envoy), ['p3'])
})

test('with fewer than 5 peers that have enough attempts there is no outlier', t => {
  t.deepEqual(successRateOutliers(peers(100, 100, 100, 0), envoy), [])
  t.deepEqual(successRateOutliers([...peers(100, 100, 100, 0), { peer: 'few', attempts: 19, answered: 19 }], envoy), [])
})

test('when all are equally bad nobody is an outlier', t => {
  t.deepEqual(successRateOutliers(peers(10, 10, 10, 10, 10, 10), envoy), [])
})

test('among those that answer everything, one that failed once in 20 is no outlier', t => {
  // Mean 0.995, sigma taken for 0.05: below 0.9.
  t.deepEqual(successRateOutliers(peers(95, 100, 100, 100, 100, 100, 100, 100, 100, 100), envoy), [])
})

test('outliers are those below mean - 1.9 sigma by the definition, the worst first', t => {
  const outcomes = fc.array(fc.record({ attempts: fc.nat(60), lost: fc.nat(60) }), { maxLength: 12 })
  fc.assert(fc.property(outcomes, outcomes => {
    const peers = outcomes.map(({ attempts, lost }, index) => ({ peer: `p${index}`, attempts, answered: Math.max(0, attempts - lost) }))
    const found = successRateOutliers(peers, envoy)
    const enough = peers.filter(({ attempts }) => attempts >= 20).map(({ peer, attempts, answered }) => ({ peer, rate: answered / attempts }))
    if (enough.length < 5) {
      return found.length === 0
    }
    const mean = enough.reduce((sum, { rate }) => sum + rate, 0) / enough.length
    const sigma = Math.sqrt(enough.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / enough.length)
    const rateOf = (peer: string): number => enough.find(other => other.peer === peer)?.rate ?? NaN
    return enough.every(({ peer, rate }) => Math.abs(rate - mean + 1.9 * Math.max(sigma, 0.05)) < 1e-9 || found.includes(peer) === (rate < mean - 1.9 * Math.max(sigma, 0.05))) &&
      found.every((peer, index) => index === 0 || rateOf(found[index - 1]) <= rateOf(peer))
  }))
  t.pass()
})

test('the fifth failure in a row is one too many, and an answer between begins the row anew', t => {
  const accrual = new FailureAccrual()
  const verdicts = []
  for (const [second, answered] of [true, true, false, false, false, false, true, false, false, false, false, false].entries()) {
    // Long enough apart for the smoothed share to rest on too few attempts.
    accrual.add(answered, second * 60_000, second * 60_000 + 100, finagle)
    verdicts.push(accrual.verdict(finagle))
  }
  t.deepEqual(verdicts, [...Array.from({ length: 11 }, () => undefined), 'failures-in-row'])
})

test('attempts that were under way together fail together, as one piece of evidence', t => {
  const accrual = new FailureAccrual()
  for (let attempt = 0; attempt < 100; attempt++) {
    t.is(accrual.add(false, 0, 1000, finagle), attempt === 0)
  }
  t.is(accrual.verdict(finagle), undefined)
})

test('a peer that answers three of four is ejected by its smoothed share once ten attempts weigh in it', t => {
  const accrual = new FailureAccrual()
  let attempts = 0
  while (accrual.verdict(finagle) === undefined) {
    attempts++
    accrual.add(attempts % 4 !== 0, attempts * 100, attempts * 100 + 50, finagle)
  }
  // Of 10 and 11 attempts two failed, which is not less than 0.8; of 12 three did.
  t.is(attempts, 12)
})

test('a peer that answers nine of ten is never ejected for failures of its own', t => {
  const accrual = new FailureAccrual()
  for (let attempt = 1; attempt <= 10_000; attempt++) {
    accrual.add(attempt % 10 !== 0, attempt * 100, attempt * 100 + 50, finagle)
    t.is(accrual.verdict(finagle), undefined)
  }
})

test('the smoothed share is the one of all evidence weighted by e^(-age / 30 s)', t => {
  const attempts = fc.array(fc.record({ gapMs: fc.nat(20_000), answered: fc.boolean() }), { minLength: 1, maxLength: 30 })
  fc.assert(fc.property(attempts, attempts => {
    const accrual = new FailureAccrual()
    const seen: Array<{ readonly atMs: number, readonly answered: boolean }> = []
    let nowMs = 0
    for (const { gapMs, answered } of attempts) {
      nowMs += gapMs
      accrual.add(answered, nowMs, nowMs, finagle)
      seen.push({ atMs: nowMs, answered })
    }
    const weight = (answered: boolean): number => seen.filter(one => !answered || one.answered).reduce((sum, { atMs }) => sum + Math.exp((atMs - nowMs) / 30_000), 0)
    const all = weight(false)
    const share = weight(true) / all
    if (Math.abs(all - 10) < 1e-9 || Math.abs(share - 0.8) < 1e-9) {
      return true
    }
    const never = { ...finagle, failuresInRow: Infinity }
    return (accrual.verdict(never) === 'success-share') === (all >= 10 && share < 0.8)
  }))
  t.pass()
})
