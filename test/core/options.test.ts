import test from 'ava'
import * as z from 'zod'
import { nearestName } from '../../src/core/nearest.ts'
import { parseOptions } from '../../src/core/options.ts'
import type { TwinwireError } from '../../src/core/errors.ts'

const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('reset'), atMs: z.number().min(0) }),
  z.strictObject({ kind: z.literal('stall'), atMs: z.number().min(0), durationMs: z.number().positive() })
])

const schema = z.strictObject({
  timeouts: z.union([z.boolean(), z.strictObject({ floorMs: z.number().positive().default(25), ceilingMs: z.number().max(1e6).optional() })]).default(true),
  faults: z.array(fault).default([]),
  queue: z.enum(['fifo', 'drr']).optional(),
  packets: z.int().positive().optional(),
  callback: z.custom<() => void>(value => typeof value === 'function', 'a function').optional()
})

const parse = (input: unknown, path = ''): unknown => parseOptions(schema, input, path)

const failures: Array<[title: string, input: unknown, expected: Pick<TwinwireError, 'code' | 'path' | 'expected' | 'found'>]> = [
  ['a negative number names its path and bound',
    { timeouts: { floorMs: -1 } }, { code: 'ERR_INVALID_OPTION', path: 'timeouts.floorMs', expected: 'a number greater than 0', found: '-1' }],
  ['a number over its maximum',
    { timeouts: { ceilingMs: 2e6 } }, { code: 'ERR_INVALID_OPTION', path: 'timeouts.ceilingMs', expected: 'a number of at most 1000000', found: '2000000' }],
  ['NaN is shown as NaN',
    { timeouts: { floorMs: NaN } }, { code: 'ERR_INVALID_OPTION', path: 'timeouts.floorMs', expected: 'a finite number', found: 'NaN' }],
  ['an infinite number is not a number here',
    { timeouts: { floorMs: Infinity } }, { code: 'ERR_INVALID_OPTION', path: 'timeouts.floorMs', expected: 'a finite number', found: 'Infinity' }],
  ['a fraction where whole numbers are',
    { packets: 1.5 }, { code: 'ERR_INVALID_OPTION', path: 'packets', expected: 'a whole number', found: '1.5' }],
  ['a missing value',
    { faults: [{ kind: 'reset' }] }, { code: 'ERR_INVALID_OPTION', path: 'faults[0].atMs', expected: 'a finite number', found: 'nothing' }],
  ['an unknown kind lists those known',
    { faults: [{ kind: 'flood' }] }, { code: 'ERR_INVALID_OPTION', path: 'faults[0].kind', expected: 'one of "reset", "stall"', found: '"flood"' }],
  ['an unknown value lists those known',
    { queue: 'lifo' }, { code: 'ERR_INVALID_OPTION', path: 'queue', expected: 'one of "fifo", "drr"', found: '"lifo"' }],
  ['a union that nothing fits lists its alternatives',
    { timeouts: 3 }, { code: 'ERR_INVALID_OPTION', path: 'timeouts', expected: 'true or false or an object', found: '3' }],
  ['a custom check says what it wants',
    { callback: 3 }, { code: 'ERR_INVALID_OPTION', path: 'callback', expected: 'a function', found: '3' }],
  ['a misspelt key at the root',
    { fault: [] }, { code: 'ERR_UNKNOWN_OPTION', path: 'fault', expected: 'faults (known are timeouts, faults, queue, packets, callback)', found: '"fault"' }],
  ['a misspelt key in a union, before what is missing for it',
    { timeouts: { flooMs: 1 } }, { code: 'ERR_UNKNOWN_OPTION', path: 'timeouts.flooMs', expected: 'floorMs (known are floorMs, ceilingMs)', found: '"flooMs"' }],
  ['a key that resembles none',
    { timeouts: { colour: 1 } }, { code: 'ERR_UNKNOWN_OPTION', path: 'timeouts.colour', expected: 'one of floorMs, ceilingMs', found: '"colour"' }],
  ['a misspelt key in a list of alternatives',
    { faults: [{ kind: 'stall', atMs: 0, duratonMs: 1 }] },
    { code: 'ERR_UNKNOWN_OPTION', path: 'faults[0].duratonMs', expected: 'durationMs (known are kind, atMs, durationMs)', found: '"duratonMs"' }],
  ['no object at all',
    7, { code: 'ERR_INVALID_OPTION', path: 'options', expected: 'an object', found: '7' }]
]

for (const [title, input, expected] of failures) {
  test(`parseOptions: ${title}`, t => {
    const error = t.throws<TwinwireError>(() => parse(input))
    t.like(error, expected)
  })
}

test('parseOptions fills in defaults', t => {
  t.deepEqual(parse({ timeouts: {} }), { timeouts: { floorMs: 25 }, faults: [] })
})

test('parseOptions puts the given root before the path', t => {
  t.throws(() => parse({ faults: [{ kind: 'reset', atMs: -1 }] }, 'scenario'), { message: /at scenario\.faults\[0\]\.atMs/ })
})

test('an input with a cycle is reported, not tripped over', t => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  t.throws(() => parse({ queue: cyclic }), { message: /found object/ })
})

test('the nearest name is the one with the fewest edits, and none where half of it would change', t => {
  t.is(nearestName('flormS', ['ceilingMs', 'floorMs']), 'floorMs')
  t.is(nearestName('seed', ['seeds', 'speed']), 'seeds')
  t.is(nearestName('zebra', ['seeds', 'floorMs']), undefined)
  t.is(nearestName('x', []), undefined)
})
