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
