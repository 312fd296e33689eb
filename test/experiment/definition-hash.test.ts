import test from 'ava'
import * as z from 'zod'
import { otherDefinitions } from '../../bench/published-definitions.ts'
import { definitionHash } from '../../src/experiment/definition-hash.ts'
import { experiment } from '../fixtures/experiments/queueing.ts'

const hash = definitionHash(experiment)

test('a definition\'s hash is of what it declares, in whatever order its fields stand', t => {
  t.regex(hash, /^[0-9a-f]{64}$/)
  const reversed = Object.fromEntries(Object.entries(experiment).toReversed()) as unknown as typeof experiment
  t.is(definitionHash(reversed), hash)
})

test('another default, metric, limit, wire or number of repetitions is another definition; another scenario function is not', t => {
  const [first, ...rest] = experiment.cases
  const [metric] = first.metrics
  const { shape } = experiment.parameters
  const [name] = Object.keys(shape)
  const changed = [
    { ...experiment, parameters: z.object({ ...shape, [name]: z.number().default(123_456) }) },
    { ...experiment, parameters: experiment.parameters.extend({ more: z.number().default(1) }) },
    { ...experiment, cases: [{ ...first, metrics: [{ ...metric, minimumEffect: 0.77 }, ...first.metrics.slice(1)] }, ...rest] },
    { ...experiment, cases: [{ ...first, wires: ['tcp' as const] }, ...rest] },
    { ...experiment, thresholds: experiment.thresholds.map(threshold => ({ ...threshold, limit: threshold.limit + 1 })) },
    { ...experiment, repetitions: { sim: 7 } }
  ].map(definitionHash)
  t.is(new Set([hash, ...changed]).size, changed.length + 1)
  t.is(definitionHash({ ...experiment, cases: [{ ...first, scenario: () => first.scenario({}, undefined as never) }, ...rest] }), hash)
})

test('reports of another definition, of an unknown one, and of no experiment are named', t => {
  const current = new Map([['same', 'a'.repeat(64)], ['other', 'b'.repeat(64)], ['old', 'c'.repeat(64)]])
  const published = { experiments: [{ name: 'same', definition: 'a'.repeat(64) }, { name: 'other', definition: 'd'.repeat(64) }, { name: 'old' }, { name: 'gone', definition: 'e'.repeat(64) }] }
  t.deepEqual(otherDefinitions(published, current).map(text => text.replace(/:.*/, '')), [
    'the report of other is of another definition',
    'the report of old is of an unknown definition',
    'gone is published, and no experiment of this checkout'
  ])
})
