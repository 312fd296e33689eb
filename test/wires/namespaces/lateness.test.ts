import test from 'ava'
import * as fc from 'fast-check'
import { Lateness } from '../../../src/wires/tcp/namespaces/lateness.ts'

test('of no packets nothing is said, and one before its time is not late', t => {
  const lateness = new Lateness()
  t.is(lateness.summary, undefined)
  lateness.add(-0.2)
  t.deepEqual(lateness.summary, { meanMs: 0, p99Ms: 0.1 })
})

test('the mean is exact, and the p99 no less than the sample of that rank and no more than a tenth of a millisecond above it', t => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 999, noNaN: true }), { minLength: 1, maxLength: 300 }), values => {
    const lateness = new Lateness()
    values.forEach(value => { lateness.add(value) })
    const { meanMs, p99Ms } = lateness.summary!
    const atRank = values.toSorted((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1]
    return Math.abs(meanMs - values.reduce((sum, value) => sum + value, 0) / values.length) < 1e-6 && p99Ms >= atRank - 1e-9 && p99Ms <= atRank + 0.1 + 1e-9
  }))
  t.pass()
})

test('what is later than a second counts as a second in the p99', t => {
  const lateness = new Lateness()
  lateness.add(5_000)
  t.deepEqual(lateness.summary, { meanMs: 5_000, p99Ms: 1_000 })
})
