import test from 'ava'
import * as fc from 'fast-check'
import { Histogram } from '../../../src/optim/metrics/histogram.ts'
import { openMetricsText } from '../../../src/optim/metrics/open-metrics.ts'
import { parseOpenMetrics } from './open-metrics-parser.ts'
import type { MetricFamily } from '../../../src/optim/metrics/family.ts'
import type { ParsedFamily } from './open-metrics-parser.ts'

function parsed (families: readonly MetricFamily[]): ParsedFamily[] {
  return parseOpenMetrics(new TextEncoder().encode(openMetricsText(families)))
}

function boundTexts (bounds: readonly number[]): Array<string | undefined> {
  const [{ samples }] = parsed([{ name: 'a', help: '', type: 'histogram', histogram: new Histogram(bounds) }])
  return samples.filter(({ name }) => name === 'a_bucket').map(({ labels }) => labels.get('le'))
}

test('each type is written as in the examples of the specification', t => {
  const histogram = new Histogram([0.1, 1])
  for (const value of [0.1, 0.5, 7]) {
    histogram.observe(value)
  }
  t.is(openMetricsText([
    { name: 'foo', help: 'A level.', type: 'gauge', value: () => 17 },
    { name: 'sent_bytes', help: 'Some text and \n some " escaping', unit: 'bytes', type: 'counter', label: 'a', samples: () => [['bb', 1.5], ['escaping" example \n ', 0]] },
    { name: 'request_seconds', help: '', unit: 'seconds', type: 'histogram', histogram }
  ]), [
    '# TYPE foo gauge',
    '# HELP foo A level.',
    'foo 17',
    '# TYPE sent_bytes counter',
    '# UNIT sent_bytes bytes',
    '# HELP sent_bytes Some text and \\n some \\" escaping',
    'sent_bytes_total{a="bb"} 1.5',
    'sent_bytes_total{a="escaping\\" example \\n "} 0',
    '# TYPE request_seconds histogram',
    '# UNIT request_seconds seconds',
    '# HELP request_seconds ',
    'request_seconds_bucket{le="0.1"} 1',
    'request_seconds_bucket{le="1.0"} 2',
    'request_seconds_bucket{le="+Inf"} 3',
    'request_seconds_count 3',
    'request_seconds_sum 7.6',
    '# EOF',
    ''
  ].join('\n'))
})

test('no families are an empty exposition', t => {
  t.is(openMetricsText([]), '# EOF\n')
})

test("bounds have the specification's canonical form", t => {
  const fixed = ['0.0', '0.001', '0.002', '0.01', '0.1', '0.9', '0.95', '0.99', '0.999', '1.0', '1.7', '10.0']
  t.deepEqual(boundTexts(fixed.map(Number)), [...fixed, '+Inf'])
  const powers = ['1e-10', '1e-09', '1e-05', '0.0001', '0.1', '1.0', '100000.0', '1e+06', '1e+10', '1e+23', '1.1e+23']
  t.deepEqual(boundTexts(powers.map(Number)), [...powers, '+Inf'])
})

test('a bound in canonical form is the bound', t => {
  fc.assert(fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), bound => {
    const [text] = boundTexts([Math.abs(bound)])
    t.is(Number(text), Math.abs(bound))
  }), { numRuns: 10_000 })
})

const value = fc.double()
const count = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map(Math.abs)
// Any UTF-16, half pairs too; distinct once those are replaced.
const label = fc.string({ unit: fc.oneof(fc.constantFrom('\\', '"', '\n', '\r', '\0', '{', '}', ',', '=', '#', ' ', 'n', '\ud800', '\udc00'), fc.string({ unit: 'binary', maxLength: 1 })), maxLength: 6 })
const name = fc.stringMatching(/^[a-z]+(_[a-z0-9]+){0,2}$/)
const withLabels = (values: fc.Arbitrary<number>) => fc.uniqueArray(fc.tuple(label, values), { selector: ([text]) => text.toWellFormed(), maxLength: 4 })
const scalarType = fc.constantFrom('gauge' as const, 'counter' as const)
const description = fc.oneof(
  scalarType.chain(type => fc.record({ kind: fc.constant('scalar' as const), type: fc.constant(type), value: type === 'gauge' ? value : count })),
  scalarType.chain(type => fc.record({ kind: fc.constant('labelled' as const), type: fc.constant(type), samples: withLabels(type === 'gauge' ? value : count) })),
  fc.record({ kind: fc.constant('histogram' as const), values: fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }).map(Math.abs), { maxLength: 5 }) })
)
const named = fc.record({ name, help: label, unit: fc.option(fc.constantFrom('seconds', 'bytes'), { nil: undefined }) })
const BOUNDS = [0.001, 1, 4096, 1e8]

test('what was described is read back from the text: values, help and labels of any characters', t => {
  fc.assert(fc.property(fc.array(fc.tuple(named, description), { maxLength: 3 }), described => {
    const families = described.map(([{ name, help, unit }, what], index): MetricFamily => {
      // A name of its own whatever suffixes the others have.
      const named = { name: `f${index}_${name}_x${unit === undefined ? '' : `_${unit}`}`, help, ...unit !== undefined && { unit } }
      if (what.kind === 'histogram') {
        const histogram = new Histogram(BOUNDS)
        what.values.forEach(each => histogram.observe(each))
        return { ...named, type: 'histogram', histogram }
      }
      return what.kind === 'scalar'
        ? { ...named, type: what.type, value: () => what.value }
        : { ...named, type: what.type, label: 'a_label', samples: () => what.samples }
    })
    const found = parsed(families)
    t.deepEqual(found.map(({ name, type, unit, help }) => ({ name, type, unit, help })), families.map(({ name, type, unit, help }) => ({ name, type, unit, help: help.toWellFormed() })))
    found.forEach(({ samples }, index) => {
      const [, what] = described[index]
      // Adding 0 makes 0 of -0, which is no number of its own in the text.
      const values = samples.map(({ value }) => value)
      if (what.kind === 'histogram') {
        const below = [...BOUNDS, Infinity].map(bound => what.values.filter(each => each <= bound).length)
        t.deepEqual(values, [...below, what.values.length, what.values.reduce((sum, each) => sum + each, 0)])
      } else if (what.kind === 'scalar') {
        t.deepEqual(values, [what.value + 0])
      } else {
        t.deepEqual(samples.map(({ labels, value }) => [labels.get('a_label'), value]), what.samples.map(([text, each]) => [text.toWellFormed(), each + 0]))
      }
    })
  }), { numRuns: 10_000 })
})

for (const [what, families] of [
  ['a name that is none', [gauge('1st')]],
  ['a reserved name', [gauge('_a')]],
  ["a recording rule's name", [gauge('a:b')]],
  ['a name that is taken', [gauge('a'), gauge('a')]],
  ["another's sample", [gauge('a_total'), { name: 'a', help: '', type: 'counter', value: () => 0 }]],
  ['a unit that the name does not end in', [{ ...gauge('a_bytes'), unit: 'seconds' }]],
  ['a label that is none', [{ name: 'a', help: '', type: 'gauge', label: 'a-b', samples: () => [] }]]
] as ReadonlyArray<[string, MetricFamily[]]>) {
  test(`${what} is a bug`, t => {
    t.throws(() => openMetricsText(families), { instanceOf: Error })
  })
}

function gauge (name: string): MetricFamily {
  return { name, help: '', type: 'gauge', value: () => 0 }
}
