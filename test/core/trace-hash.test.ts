import test from 'ava'
import * as fc from 'fast-check'
import { TraceHash } from '../../src/core/trace-hash.ts'

function digest (mix: (hash: TraceHash) => void): string {
  const hash = new TraceHash()
  mix(hash)
  return hash.digest()
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const event = fc.tuple(fc.nat(2 ** 53 - 1), fc.nat(1000), int32)

test('the digest of known input stays the same between releases', t => {
  t.is(digest(() => {}), 'c297758c074b3411')
  t.is(digest(hash => {
    hash.mixEvent(1_234_567_890_123, 7, -1)
    hash.mixNumber(0.5)
    hash.mixInteger(42)
    hash.mixString('wire')
  }), '88e4bd01923780be')
})

test('a byte that differs changes the digest, wherever it is, and where the bytes lie in memory does not', t => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, change) => {
    const before = digest(hash => hash.mixBytes(bytes))
    const shifted = new Uint8Array(bytes.byteLength + 3)
    shifted.set(bytes, 3)
    t.is(digest(hash => hash.mixBytes(shifted.subarray(3))), before)
    bytes[at % bytes.byteLength] ^= change
    t.not(digest(hash => hash.mixBytes(bytes)), before)
  }))
})

test('equal input has an equal digest, and reading it changes nothing', t => {
  fc.assert(fc.property(fc.array(event), events => {
    const mixed = digest(hash => events.forEach(one => hash.mixEvent(...one)))
    const read = digest(hash => events.forEach(one => {
      hash.digest()
      hash.mixEvent(...one)
    }))
    t.is(read, mixed)
  }))
})

test('exchanging two different events changes the digest', t => {
  fc.assert(fc.property(event, event, fc.array(event, { maxLength: 5 }), (a, b, between) => {
    fc.pre(a.some((value, index) => value !== b[index]))
    const inOrder = digest(hash => [a, ...between, b].forEach(one => hash.mixEvent(...one)))
    const exchanged = digest(hash => [b, ...between, a].forEach(one => hash.mixEvent(...one)))
    t.not(exchanged, inOrder)
  }))
})

test('changing any one bit of a time, an operation or an argument changes the digest', t => {
  const timeNs = 1_234_567_890_123
  const base = digest(hash => hash.mixEvent(timeNs, 5, 9))
  const seen = new Set([base])
  for (let bit = 0; bit < 53; bit++) {
    const changed = Number(BigInt(timeNs) ^ (1n << BigInt(bit)))
    seen.add(digest(hash => hash.mixEvent(changed, 5, 9)))
  }
  for (let bit = 0; bit < 32; bit++) {
    seen.add(digest(hash => hash.mixEvent(timeNs, 5 ^ (1 << bit), 9)))
    seen.add(digest(hash => hash.mixEvent(timeNs, 5, 9 ^ (1 << bit))))
  }
  t.is(seen.size, 1 + 53 + 32 + 32)
})

test('10^5 events on a grid of near times and arguments have 10^5 digests', t => {
  const seen = new Set<string>()
  for (let time = 0; time < 100; time++) {
    for (let operation = 0; operation < 10; operation++) {
      for (let argument = 0; argument < 100; argument++) {
        seen.add(digest(hash => hash.mixEvent(time * 1000, operation, argument)))
      }
    }
  }
  t.is(seen.size, 1e5)
})

test('whatever its bits, a NaN is the same', t => {
  const bits = new BigUint64Array([0x7ff8000000000000n, 0xfff8000000000000n, 0x7ff8000000000001n])
  const digests = new Set([...new Float64Array(bits.buffer)].map(value => digest(hash => hash.mixNumber(value))))
  t.is(digests.size, 1)
  t.false(digests.has(digest(hash => hash.mixNumber(Infinity))))
})

test('strings are told apart by their length and their characters', t => {
  const digests = ['', '\0', 'a', 'b', 'ab', 'ba'].map(text => digest(hash => hash.mixString(text)))
  digests.push(digest(hash => { hash.mixString('a'); hash.mixString('b') }))
  t.is(new Set(digests).size, digests.length)
})
