import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseGml } from '../../src/sim/gml.ts'
import { parseGraph } from '../../src/sim/graph-file.ts'
import { parseJitterSamples } from '../../src/sim/jitter-file.ts'
import { parseLatencyMatrix } from '../../src/sim/matrix.ts'
import { readRateTrace } from '../../src/sim/rate-trace-file.ts'

const parsers: Record<string, (text: string) => unknown> = {
  'a trace': text => readRateTrace([new TextEncoder().encode(text)], 'f'),
  'a list of edges': text => parseGraph(text, 'f'),
  'a file of delays': text => parseJitterSamples(text, 'f'),
  'GML': text => parseGml(text, 'f'),
  'a matrix': text => parseLatencyMatrix(text, 'f', { values: 'one-way' })
}

const piece = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('\n', '\r\n', ',', ' ', '0', '1', '17', '1e9', '-1', '.5', '\uFEFF', '\0', '[', ']', '"'))

for (const [what, parse] of Object.entries(parsers)) {
  test(`any text is read as ${what}, or refused with its place, what was expected and what was found`, async t => {
    await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async pieces => {
      try {
        await parse(pieces.join(''))
      } catch (error) {
        if (!(error instanceof TwinwireError)) {
          throw error
        }
        t.is(error.code, 'ERR_INVALID_FILE')
        t.regex(error.path ?? '', /^f:\d+:\d+$/)
        t.truthy(error.expected)
        t.truthy(error.found)
      }
    }), { numRuns: 2000 })
  })
}

/** What makes a parser that goes back and forth take its time. */
const hostile: Record<string, (length: number) => string> = {
  'digits and then none': n => `${'1'.repeat(n)}x`,
  'digits around a point': n => `${'1'.repeat(n / 2)}.${'1'.repeat(n / 2)}x`,
  'blanks': n => `1${' '.repeat(n)}x`,
  'empty lines': n => `1\n${'\n'.repeat(n)}x`,
  'one line of numbers': n => '1,'.repeat(n / 2),
  'lines of numbers': n => '1 1\n'.repeat(n / 4),
  'ascending lines': n => Array.from({ length: n / 8 }, (_, index) => index).join('\n'),
  'open lists': n => 'a ['.repeat(n / 3),
  'keys': n => 'a 1 '.repeat(n / 4),
  'a string that does not end': n => `graph [ label "${'x'.repeat(n)}`,
  'comments': n => '#\n'.repeat(n / 2),
  'nodes': n => `graph [ ${Array.from({ length: n / 20 }, (_, id) => `node [ id ${id} ] `).join('')} ]`,
  'a latency without end': n => `graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 latency "${'9'.repeat(n)} ms" ] ]`,
  'bits without end': n => `graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 latency "1 ms" bandwidth "${'bit'.repeat(n / 3)}" ] ]`
}

for (const [what, parse] of Object.entries(parsers)) {
  // Alone, for what the process takes is what is looked at.
  test.serial(`${what} is read or refused in time that grows with its length and no faster`, async t => {
    for (const [name, textOf] of Object.entries(hostile)) {
      const text = textOf(400_000)
      const before = process.cpuUsage()
      await t.notThrowsAsync(async () => {
        try {
          await parse(text)
        } catch (error) {
          if (!(error instanceof TwinwireError)) {
            throw error
          }
        }
      }, name)
      // A microsecond a character is slow; the square of the length, at a nanosecond each, would take 160 s.
      t.true(process.cpuUsage(before).user < 2e6, name)
    }
  })
}
