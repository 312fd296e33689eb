import test from 'ava'
import * as fc from 'fast-check'
import { crc32c } from '../../../../src/optim/batching/compression/crc32c.ts'
import { naiveCrc32c } from './naive-crc32c.ts'

fc.configureGlobal({ seed: 1 })

// RFC 3720, B.4, where the bytes of the results stand in the order in which they are sent: the lowest first.
const VECTORS: ReadonlyArray<readonly [name: string, bytes: Uint8Array, crc: number]> = [
  ['32 bytes of zeroes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 bytes that increase', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['32 bytes that decrease', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['an iSCSI read command', new Uint8Array(Buffer.from(
    '01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000', 'hex')), 0xd9963a56]
]

for (const [name, bytes, crc] of VECTORS) {
  test(`the CRC-32C of ${name} is RFC 3720's`, t => {
    t.is(crc32c(bytes), crc)
    t.is(naiveCrc32c(bytes), crc)
  })
}

test('of nothing it is 0, and of any bytes what a division bit by bit leaves', t => {
  t.is(crc32c(new Uint8Array(0)), 0)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => crc32c(bytes) === naiveCrc32c(bytes)), { numRuns: 10_000 })
})
