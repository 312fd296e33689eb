import test from 'ava'
import type { Interval } from '../../src/stats/interval.ts'
import type { PairedEffect } from '../../src/stats/paired.ts'
import { transfer } from '../../src/stats/transfer.ts'
import type { Transfer } from '../../src/stats/transfer.ts'

const BASELINE = 100

/** An effect on a baseline of 100, by its relative change. */
function effect (estimate: number, low = estimate, high = estimate): PairedEffect {
  const scaled = ({ estimate, low, high }: Interval): Interval => ({ estimate: estimate * BASELINE, low: low * BASELINE, high: high * BASELINE })
  const relative = { estimate, low, high }
  return { pairs: 3, baselineMean: BASELINE, armMean: BASELINE * (1 + estimate), difference: scaled(relative), relative, pValue: 0.25, superiority: estimate > 0 ? 1 : 0 }
}

function judged (model: PairedEffect, reference: PairedEffect, absoluteTolerance = 0): Transfer {
  return transfer(model, reference, { minimumEffect: 0.05, absoluteTolerance })
}

test('effects within a tenth are the same, however narrow their intervals', t => {
  t.is(judged(effect(-0.5, -0.501, -0.499), effect(-0.42, -0.421, -0.419)), 'same')
  t.is(judged(effect(-0.5), effect(-0.38)), 'direction')
})

test('of rises beyond doubling a tenth is of the rise', t => {
  // Thirteenfold and fourteenfold.
  t.is(judged(effect(12), effect(13)), 'same')
  t.is(judged(effect(12), effect(14)), 'direction')
})

test('intervals that overlap make two effects on one side the same, if the reference knows its side', t => {
  t.is(judged(effect(-0.5, -0.6, -0.4), effect(-0.3, -0.55, -0.05)), 'same')
  t.is(judged(effect(-0.5, -0.6, -0.4), effect(-0.3, -0.8, 0.2)), 'direction')
})

test('a single run, whose interval is the whole line, confirms no size', t => {
  t.is(judged(effect(-0.9), effect(-0.3, -Infinity, Infinity)), 'direction')
  t.is(judged(effect(-0.9), effect(0.3, -Infinity, Infinity)), 'unsettled')
})

test('effects on different sides are different where chance cannot explain it, and unsettled where it can', t => {
  t.is(judged(effect(-0.3, -0.35, -0.25), effect(0.2, 0.1, 0.3)), 'different')
  t.is(judged(effect(-0.3, -0.35, -0.25), effect(0.2, -0.4, 0.8)), 'unsettled')
})

test('an effect that the reference has not at all does not transfer', t => {
  // 3% is less than the minimum of 5%: it counts as no change.
  t.is(judged(effect(-0.3, -0.35, -0.25), effect(-0.03, -0.05, -0.01)), 'different')
})

test('two changes that are both too small to matter are the same', t => {
  t.is(transfer(effect(-0.09), effect(0.09), { minimumEffect: 0.1, absoluteTolerance: 0 }), 'same')
})

test('differences within the absolute tolerance are the same, whatever their ratio', t => {
  // From 100 to 40 and to 60, where 20 either way do not count.
  t.is(judged(effect(-0.6), effect(-0.4), 20), 'same')
  t.is(judged(effect(-0.6), effect(-0.4), 19), 'direction')
})

test('without a ratio effects are compared by their differences', t => {
  const { relative: _, ...fromZero } = effect(0.5, 0.4, 0.6)
  const { relative: __, ...less } = effect(-0.5, -0.6, -0.4)
  t.is(judged(fromZero, fromZero), 'same')
  t.is(judged(fromZero, less), 'different')
})
