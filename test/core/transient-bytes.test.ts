import test from 'ava'
import * as fc from 'fast-check'
import { transientBytes } from '../../src/core/transient-bytes.ts'

test('bytes are as many as were asked for, zeroed, and nobody else writes to them', t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 40 }), lengths => {
    const all = lengths.map((length, index) => {
      const bytes = transientBytes(length)
      const zeroed = bytes.byteLength === length && bytes.every(byte => byte === 0)
      bytes.fill(index + 1)
      return { bytes, zeroed }
    })
    return all.every(({ bytes, zeroed }, index) => zeroed && bytes.every(byte => byte === index + 1))
  }))
  t.pass()
})

test('small ones lie in buffers of 2 KiB, and large ones have their own', t => {
  const small = Array.from({ length: 100 }, () => transientBytes(100))
  t.true(small.every(({ buffer }) => buffer.byteLength === 2_048))
  // Twenty of a hundred bytes in each, but for the first, which others may have begun.
  t.true(new Set(small.map(({ buffer }) => buffer)).size <= 6)
  t.is(transientBytes(512).buffer.byteLength, 512)
})

test('after somebody has transferred a buffer to another thread the next ones are well', t => {
  const { buffer } = transientBytes(10)
  structuredClone(buffer, { transfer: [buffer] })
  t.is(transientBytes(10).byteLength, 10)
})
