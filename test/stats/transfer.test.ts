import test from 'ava'
import type { Interval } from '../../src/stats/interval.ts'
import type { PairedEffect } from '../../src/stats/paired.ts'
import { singleRunsOf, transfer } from '../../src/stats/transfer.ts'
import type { Transfer } from '../../src/stats/transfer.ts'

const BASELINE = 100

/** An effect on a baseline of 100, by its relative change. */
function effect (estimate: number, low = estimate, high = estimate): PairedEffect {
  const scaled = ({ estimate, low, high }: Interval): Interval => ({ estimate: estimate * BASELINE, low: low * BASELINE, high: high * BASELINE })
  const relative = { estimate, low, high }
  return { pairs: low === -Infinity ? 1 : 3, baselineMean: BASELINE, armMean: BASELINE * (1 + estimate), difference: scaled(relative), relative, pValue: 0.25, superiority: estimate > 0 ? 1 : 0 }
}

function judged (model: PairedEffect, reference: PairedEffect, absoluteTolerance = 0): Transfer {
  return transfer(model, reference, { minimumEffect: 0.05, absoluteTolerance })
}

test('effects within a tenth are the same, however narrow their intervals', t => {
  t.is(judged(effect(-0.5, -0.501, -0.499), effect(-0.42, -0.421, -0.419)), 'same')
  t.is(judged(effect(-0.5), effect(-0.38)), 'direction')
})

test('effects on different sides are the same only within the least that matters', t => {
  // From 9% less to 1% more is a tenth, but an improvement that the reference has not.
  t.is(judged(effect(-0.09, -0.1, -0.08), effect(0.01, 0, 0.02)), 'different')
  t.is(judged(effect(-0.09, -0.1, -0.08), effect(0.01, -0.2, 0.2)), 'unsettled')
  t.is(judged(effect(-0.06, -0.07, -0.05), effect(-0.02, -0.021, -0.019)), 'same')
  // Where two tenths matter a tenth counts, and no more.
  t.is(transfer(effect(-0.22), effect(-0.13), { minimumEffect: 0.2, absoluteTolerance: 0 }), 'same')
  t.is(transfer(effect(-0.22), effect(-0.1), { minimumEffect: 0.2, absoluteTolerance: 0 }), 'different')
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

/** Twenty runs whose effects go from one to the other in equal steps. */
function spread (from: number, to: number): { readonly baseline: number[], readonly arm: number[] } {
  const effects = Array.from({ length: 20 }, (_, i) => from + (to - from) * i / 19)
  return { baseline: effects.map(() => BASELINE), arm: effects.map(one => BASELINE * (1 + one)) }
}

test('one run of the reference is held to single runs of the model: without the effect that all of these have, or with the opposite, it is different', t => {
  const one = (estimate: number): PairedEffect => effect(estimate, -Infinity, Infinity)
  const held = (reference: number, from: number, to: number, model = (from + to) / 2): Transfer => {
    const { baseline, arm } = spread(from, to)
    const singleRuns = singleRunsOf(baseline, arm)
    return transfer(one(model), one(reference), { minimumEffect: 0.05, absoluteTolerance: 0, ...singleRuns === undefined ? {} : { singleRuns } })
  }
  t.is(held(0.2, -0.81, -0.74), 'different')
  t.is(held(0.01, -0.81, -0.74), 'different')
  t.is(held(-0.2, 0.5, 3), 'different')
  // The model itself has such runs.
  t.is(held(0.2, -0.81, 0.3), 'unsettled')
  // That there is no effect one run cannot gainsay, nor one on the same side as all but the run of the common seed.
  t.is(held(0.5, 0, 0), 'unsettled')
  t.is(held(0.5, -0.04, -0.01), 'unsettled')
  t.is(held(-0.95, -0.81, -0.06, -0.02), 'unsettled')
  // On its side: by how much one run cannot say.
  t.is(held(-0.4, -0.81, -0.74), 'direction')
  // Nor one between none and theirs that is on their side, where that of the common seed has no side.
  t.is(held(-0.075, -0.81, -0.08, -0.02), 'unsettled')
  // Within the least that matters.
  t.is(held(0.06, 0.02, 0.03), 'same')
})

test('three runs of the reference have an interval of their own, whatever single runs of the model do', t => {
  const { baseline, arm } = spread(-0.81, -0.74)
  const singleRuns = singleRunsOf(baseline, arm)
  t.is(transfer(effect(-0.78, -0.8, -0.75), effect(0.2, -0.9, 1.3), { minimumEffect: 0.05, absoluteTolerance: 0, ...singleRuns === undefined ? {} : { singleRuns } }), 'unsettled')
})

test('single runs are described by the smallest and the largest of twenty or more, as a ratio where every baseline is above zero', t => {
  const { baseline, arm } = spread(-0.95, 0)
  const runs = singleRunsOf(baseline, arm)
  const ends = { estimate: -0.475, low: -0.95, high: 0 }
  for (const end of ['estimate', 'low', 'high'] as const) {
    t.true(Math.abs((runs?.relative?.[end] ?? NaN) - ends[end]) < 1e-12)
    t.true(Math.abs((runs?.difference[end] ?? NaN) - ends[end] * BASELINE) < 1e-9)
  }
  t.is(singleRunsOf(baseline.slice(1), arm.slice(1)), undefined)
  t.is(singleRunsOf([0, ...baseline.slice(1)], arm)?.relative, undefined)
})

test('without a ratio of every single run their differences are what a reference is held to', t => {
  const held = (from: number, to: number, reference: PairedEffect): Transfer => {
    const { baseline, arm } = spread(from, to)
    const singleRuns = singleRunsOf([0, ...baseline.slice(1)], arm)
    return transfer(effect((from + to) / 2, -Infinity, Infinity), reference, { minimumEffect: 0.05, absoluteTolerance: 0, ...singleRuns === undefined ? {} : { singleRuns } })
  }
  t.is(held(0.5, 3, effect(-0.2, -Infinity, Infinity)), 'different')
  t.is(held(0.5, 3, effect(0.01, -Infinity, Infinity)), 'different')
  // From nothing no run falls: not all have the effect.
  t.is(held(-0.81, -0.74, effect(0.2, -Infinity, Infinity)), 'unsettled')
  // Nor have they where one differs by less than matters of the baseline.
  t.is(held(3, 0.03, effect(-0.2, -Infinity, Infinity)), 'unsettled')
  // A hundred more are what single runs have, though of ten thousand they do not matter.
  const large = effect(0.01, -Infinity, Infinity)
  t.is(held(0.5, 3, { ...large, baselineMean: 10_000, armMean: 10_100, difference: { ...large.difference, estimate: 100 } }), 'unsettled')
})
