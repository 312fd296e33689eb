import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseGml } from '../../src/sim/gml.ts'
import { parseGraph } from '../../src/sim/graph-file.ts'
import { parseJitterSamples } from '../../src/sim/jitter-file.ts'
import { parseLatencyMatrix } from '../../src/sim/matrix.ts'
import { parseRateTrace } from '../../src/sim/rate-trace-file.ts'

const parsers: Record<string, (text: string) => unknown> = {
  'a trace': text => parseRateTrace(text, 'f'),
  'a list of edges': text => parseGraph(text, 'f'),
  'a file of delays': text => parseJitterSamples(text, 'f'),
  'GML': text => parseGml(text, 'f'),
  'a matrix': text => parseLatencyMatrix(text, 'f', { values: 'one-way' })
}

const piece = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('\n', '\r\n', ',', ' ', '0', '1', '17', '1e9', '-1', '.5', '\uFEFF', '\0', '[', ']', '"'))

for (const [what, parse] of Object.entries(parsers)) {
  test(`any text is read as ${what}, or refused with its place, what was expected and what was found`, t => {
    fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), pieces => {
      try {
        parse(pieces.join(''))
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
