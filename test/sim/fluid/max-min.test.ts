import test from 'ava'
import * as fc from 'fast-check'
import { shareMaxMin, UNHELD } from '../../../src/sim/fluid/max-min.ts'
import type { SharingProblem } from '../../../src/sim/fluid/max-min.ts'

interface Flow {
  readonly links: readonly number[]
  readonly weight?: number
  readonly cap?: number
}

function problem (capacities: readonly number[], flows: readonly Flow[]): SharingProblem {
  const routeStarts = [0]
  for (const { links } of flows) {
    routeStarts.push(routeStarts[routeStarts.length - 1] + links.length)
  }
  return {
    capacities: Float64Array.from(capacities),
    routeStarts: Int32Array.from(routeStarts),
    routeLinks: Int32Array.from(flows.flatMap(({ links }) => links)),
    weights: Float64Array.from(flows, ({ weight = 1 }) => weight),
    caps: Float64Array.from(flows, ({ cap = Infinity }) => cap)
  }
}

function ratesOf (capacities: readonly number[], flows: readonly Flow[]): number[] {
  return [...shareMaxMin(problem(capacities, flows)).rates]
}

/** Relative: sums of some tens of rates in double precision. */
const ROUNDING = 1e-9

const network = fc.integer({ min: 1, max: 12 }).chain(links => fc.tuple(
  fc.array(fc.oneof(fc.double({ min: 0.01, max: 1000, noNaN: true }), fc.constant(10)), { minLength: links, maxLength: links }),
  fc.array(fc.record({
    links: fc.uniqueArray(fc.nat(links - 1), { minLength: 1, maxLength: links }),
    weight: fc.oneof(fc.constant(1), fc.double({ min: 0.1, max: 10, noNaN: true })),
    cap: fc.oneof(fc.constant(Infinity), fc.double({ min: 0.001, max: 2000, noNaN: true }))
  }), { minLength: 1, maxLength: 30 })
))

test('no link carries more than it can, and every flow has its cap or a full link where no flow has a higher level', t => {
  fc.assert(fc.property(network, ([capacities, flows]) => {
    const { rates, bottlenecks } = shareMaxMin(problem(capacities, flows))
    const loads = capacities.map((_, link) => flows.reduce((sum, flow, index) => flow.links.includes(link) ? sum + rates[index] : sum, 0))
    loads.forEach((load, link) => t.true(load <= capacities[link] * (1 + ROUNDING)))
    flows.forEach(({ links, weight, cap }, index) => {
      t.true(rates[index] <= cap)
      const level = rates[index] / weight
      const isHeld = (link: number): boolean => loads[link] >= capacities[link] * (1 - ROUNDING) &&
        flows.every((other, at) => !other.links.includes(link) || rates[at] / other.weight <= level * (1 + ROUNDING))
      if (bottlenecks[index] === UNHELD) {
        t.is(rates[index], cap)
      } else {
        t.true(links.includes(bottlenecks[index]))
        t.true(isHeld(bottlenecks[index]))
      }
    })
  }), { numRuns: 300 })
})

test('rates do not depend on the order of flows', t => {
  fc.assert(fc.property(network, ([capacities, flows]) => {
    const rates = ratesOf(capacities, flows)
    const reversed = ratesOf(capacities, flows.toReversed()).toReversed()
    rates.forEach((rate, index) => t.true(Math.abs(rate - reversed[index]) <= ROUNDING * rate))
  }))
})

for (const hops of [1, 2, 5, 50]) {
  test(`in a parking lot of ${hops} unit links with a long flow and one flow a link every flow gets 1/2`, t => {
    const all = Array.from({ length: hops }, (_, link) => link)
    t.deepEqual(ratesOf(all.map(() => 1), [{ links: all }, ...all.map(link => ({ links: [link] }))]), [0.5, ...all.map(() => 0.5)])
  })
}

test('in a parking lot a long flow of weight 1 next to flows of weight 3 gets 1/4', t => {
  t.deepEqual(ratesOf([1, 1, 1], [{ links: [0, 1, 2] }, ...[0, 1, 2].map(link => ({ links: [link], weight: 3 }))]), [0.25, 0.75, 0.75, 0.75])
})

test('what a flow cannot use goes to the others', t => {
  t.deepEqual(ratesOf([12], [{ links: [0], cap: 2 }, { links: [0] }, { links: [0] }]), [2, 5, 5])
})

test('what flows that are held elsewhere leave of a link goes to the others on it', t => {
  // Three flows hold each other at 1/3 on the second link; the first flow has the rest of the first link.
  t.deepEqual(
    ratesOf([1, 1, 1], [{ links: [0] }, { links: [1] }, { links: [0, 1] }, { links: [2] }, { links: [1] }]).map(rate => Number(rate.toFixed(12))),
    [2 / 3, 1 / 3, 1 / 3, 1, 1 / 3].map(rate => Number(rate.toFixed(12))))
})

test('a link that is down stops its flows, and a flow that meets no link has no limit', t => {
  t.deepEqual(ratesOf([0, 4], [{ links: [0, 1] }, { links: [1] }, { links: [] }, { links: [], cap: 7 }]), [0, 4, Infinity, 7])
})

test('no flows are no problem', t => {
  t.deepEqual(ratesOf([1], []), [])
})
