import test from 'ava'
import * as fc from 'fast-check'
import { BinaryHeap, isEarlier } from '../../src/core/binary-heap.ts'
import type { Timed } from '../../src/core/binary-heap.ts'

test('entries come out by time, and among equals in order, however pushes and pops are mixed', t => {
  fc.assert(fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }), { maxLength: 300 }), steps => {
    const heap = new BinaryHeap<Timed>(isEarlier)
    let model: Timed[] = []
    steps.forEach((atMs, sequence) => {
      if (atMs === undefined) {
        model = model.toSorted((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
        const [expected, ...rest] = model
        t.is(heap.first, expected)
        t.is(heap.pop(), expected)
        model = rest
      } else {
        const entry = { atMs, sequence }
        heap.push(entry)
        model.push(entry)
      }
      t.is(heap.size, model.length)
    })
    heap.clear()
    t.is(heap.pop(), undefined)
  }), { seed: 1, numRuns: 100 })
})
