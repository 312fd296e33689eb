import test from 'ava'
import type { UnitResult } from '../../src/experiment/unit.ts'
import { casesWithCourses, chooseCourses, COURSE_RUNS } from '../../src/results/course-choice.ts'
import type { PlannedResults } from '../../src/results/data.ts'
import { syntheticResults } from '../report/fixtures/results.ts'

const KEY = { wire: 'sim', case: 'one', arm: 'plain' } as const

/** One case and arm, in which the runs of seeds 0, 1, ... have these values; undefined: they failed. */
function resultsOf (values: ReadonlyArray<number | undefined>, better: 'lower' | 'higher' = 'lower'): PlannedResults {
  const { run } = syntheticResults({ simSeeds: 1, tcpSeeds: 0 })
  const metric = { name: 'm', title: 'M', sample: 'm', statistic: 'p50', unit: 'ms', better, minimumEffect: 0.05 } as const
  const cost = { ...metric, name: 'bytes', sample: 'bytes', role: 'cost' } as const
  const seeds = values.map((_, index) => `s/${index}`)
  return {
    run: { experiment: { ...run.experiment, arms: [{ name: 'plain', title: 'Plain', description: '' }], cases: [{ name: 'one', title: 'One', description: '', metrics: [cost, metric] }] }, plan: [{ wire: 'sim', seeds }] },
    units: values.map((value = 0, index): UnitResult => ({
      ...KEY,
      seed: seeds[index],
      samples: [['m', value], ['bytes', -value]].map(([metric, value]) => ({ type: 'sample', timeMs: 1, host: 'a', metric: String(metric), value: Number(value), ok: true, reason: '' })),
      traceHash: '0',
      ...(values[index] === undefined ? { error: { code: 'ERR_TIMEOUT', message: 'too long' } } : {})
    }))
  }
}

const chosen = (results: PlannedResults): string[] => chooseCourses(results).map(({ seed, reason }) => `${reason} ${seed}`)

test('the median by nearest rank and the worst of the first goal metric are chosen', t => {
  // Ascending: 10, 20, 30, 40. Nearest rank of a half of four: the second.
  t.deepEqual(chosen(resultsOf([40, 10, 30, 20])), ['median s/3', 'worst s/0'])
  t.deepEqual(chosen(resultsOf([40, 10, 30, 20], 'higher')), ['median s/2', 'worst s/1'])
  t.deepEqual(chosen(resultsOf([30, 10, 20])), ['median s/2', 'worst s/0'])
})

test('a worst that is no worse than the median is not chosen', t => {
  t.deepEqual(chosen(resultsOf([5])), ['median s/0'])
  t.deepEqual(chosen(resultsOf([7, 7, 7])), ['median s/1'])
})

test('the first two that failed come before all others, unless they hung and would hang again', t => {
  t.deepEqual(chosen(resultsOf([undefined, 10, undefined, undefined, 20])), ['failed s/0', 'failed s/2', 'median s/1', 'worst s/4'])
  const hung = resultsOf([undefined, 10, 20])
  t.deepEqual(chosen({ ...hung, units: hung.units.map(({ traceHash, ...unit }) => unit.error === undefined ? { ...unit, traceHash: traceHash ?? '' } : unit) }), ['median s/1', 'worst s/2'])
})

test('cases of sweeps have none where there are others, else the last of each sweep has', t => {
  const at = (name: string, sweep?: string): { name: string, sweep?: { name: string, levels: Record<string, number> } } => ({ name, ...sweep !== undefined && { sweep: { name: sweep, levels: { rtt: 1 } } } })
  const names = (...cases: Array<ReturnType<typeof at>>): string[] => casesWithCourses(cases).map(({ name }) => name)
  t.deepEqual(names(at('a', 'rtt'), at('b'), at('c', 'rtt')), ['b'])
  t.deepEqual(names(at('a', 'rtt'), at('b', 'rtt'), at('c', 'load'), at('d', 'load')), ['b', 'd'])
  t.deepEqual(names(at('a', 'rtt'), at('b', 'load'), at('c', 'rtt')), ['b', 'c'])
  t.deepEqual(casesWithCourses([{ ...at('a', 'rtt') }, { ...at('real'), wires: ['tcp'] as const }]).map(({ name }) => name), ['a'])
})

test('cases that simulation cannot carry have none', t => {
  const results = resultsOf([1, 2, 3])
  const [one] = results.run.experiment.cases
  t.deepEqual(chosen({ ...results, run: { ...results.run, experiment: { ...results.run.experiment, cases: [{ ...one, wires: ['tcp'] as const }] } } }), [])
  t.deepEqual(chooseCourses(syntheticResults({ simSeeds: 0, tcpSeeds: 3 })), [])
})

test('of more than forty the worst are left out first, then medians, in both the last arms first', t => {
  const { run, units } = syntheticResults({ simSeeds: 3, tcpSeeds: 0 })
  const all = chooseCourses({ run, units })
  // Of four arms in four cases and one in a fifth; a few worst ones fail to differ in so few seeds.
  t.is(all.filter(({ reason }) => reason === 'median').length, 4 * 4 + 1)
  // The same twice over makes more than forty.
  const twice = <T extends { readonly name: string }> (items: readonly T[]): T[] => items.flatMap(item => [item, { ...item, name: `${item.name}-2` }])
  const many = chooseCourses({
    run: { ...run, experiment: { ...run.experiment, cases: twice(run.experiment.cases) } },
    units: units.flatMap(unit => [unit, { ...unit, case: `${unit.case}-2` }])
  })
  t.is(many.length, COURSE_RUNS)
  t.is(many.filter(({ reason }) => reason === 'median').length, 2 * 17)
  const arms = run.experiment.arms.map(({ name }) => name)
  for (const reason of ['median', 'worst']) {
    const order = many.filter(run => run.reason === reason).map(({ arm }) => arms.indexOf(arm))
    t.deepEqual(order, order.toSorted((a, b) => a - b))
  }
})
