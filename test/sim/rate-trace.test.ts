import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { MAXIMUM_FILE_BYTES, readText } from '../../src/sim/input-file.ts'
import { readRateTrace } from '../../src/sim/rate-trace-file.ts'
import { meanBitsPerSecond } from '../../src/sim/rate-trace.ts'
import type { RateTrace } from '../../src/sim/rate-trace.ts'

async function traceOf (text: string): Promise<RateTrace> {
  return await readRateTrace([new TextEncoder().encode(text)], 'a.trace')
}

test('a trace is read with either line end and with or without the last one', async t => {
  for (const text of ['0\n1\n1\n12\n', '0\r\n1\r\n1\r\n12', '00\n01\n1\n12']) {
    t.deepEqual([...(await traceOf(text)).opportunitiesMs], [0, 1, 1, 12])
  }
})

test('a line a millisecond is 12 Mbit/s', async t => {
  t.is(meanBitsPerSecond(await traceOf('1\n')), 12e6)
  t.is(meanBitsPerSecond(await traceOf('1\n2\n3\n4\n')), 12e6)
})

test('a trace may come in pieces of any length', async t => {
  const bytes = new TextEncoder().encode('3\r\n14\r\n159\r\n')
  const pieces = Array.from(bytes, byte => Uint8Array.of(byte))
  t.deepEqual([...(await readRateTrace(pieces, 'a.trace')).opportunitiesMs], [3, 14, 159])
})

const badTraces: Record<string, [text: string, path: string]> = {
  'nothing': ['', 'a.trace:1:1'],
  'an empty line': ['1\n\n2\n', 'a.trace:2:1'],
  'an empty first line': ['\n1\n', 'a.trace:1:1'],
  'a fraction': ['1\n2.5\n', 'a.trace:2:2'],
  'a negative number': ['-1\n', 'a.trace:1:1'],
  'a word': ['1\n12x\n', 'a.trace:2:3'],
  'a space': ['1 \n', 'a.trace:1:2'],
  'a return inside a line': ['1\r2\n', 'a.trace:1:2'],
  'a number too large': ['99999999999\n', 'a.trace:1:10'],
  'a descent': ['5\n7\n6\n', 'a.trace:3:1'],
  'no period': ['0\n0\n', 'a.trace:2:1']
}

for (const [what, [text, path]] of Object.entries(badTraces)) {
  test(`${what} in a trace is refused by its place`, async t => {
    const error = await t.throwsAsync<TwinwireError>(traceOf(text), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_FILE')
    t.is(error.path, path)
    t.truthy(error.expected)
    t.truthy(error.found)
  })
}

test('of a trace or text of 1 GB no more is read than the limit', async t => {
  let read = 0
  function * gigabyte (): Generator<Uint8Array> {
    const chunk = new TextEncoder().encode('1\n'.repeat(512 * 1024))
    for (let i = 0; i < 1024; i++) {
      read += chunk.length
      yield chunk
    }
  }
  for (const reading of [readRateTrace, readText]) {
    read = 0
    const error = await t.throwsAsync<TwinwireError>(reading(gigabyte(), 'big.trace'), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_FILE')
    t.is(error.path, 'big.trace')
    t.true(read <= MAXIMUM_FILE_BYTES + 1024 * 1024)
  }
})

test('what is no text is refused, a letter cut in two is read', async t => {
  t.is(await readText([Uint8Array.of(0xc3), Uint8Array.of(0xa9)], 'a.gml'), 'é')
  const error = await t.throwsAsync<TwinwireError>(readText([Uint8Array.of(0xff)], 'a.gml'), { instanceOf: TwinwireError })
  t.is(error.code, 'ERR_INVALID_FILE')
})
