import test from 'ava'
import type { Metric } from '../../src/experiment/definition.ts'
import { planSeeds } from '../../src/experiment/plan.ts'
import type { UnitResult, WireName } from '../../src/experiment/unit.ts'
import { compareResults, hasRegressed } from '../../src/report/compare.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { syntheticResults } from './fixtures/results.ts'

const METRIC: Metric = { name: 'request', title: 'Request', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 }

interface Options {
  readonly wire?: WireName
  readonly seed?: string
  readonly seeds?: number
  readonly metric?: Partial<Metric>
  readonly limit?: number
  readonly parameters?: Readonly<Record<string, number>>
  readonly arms?: readonly string[]
  /** A trace hash for each seed. */
  readonly traceOf?: (index: number) => string
  /** The one sample of each run. */
  readonly sampleOf?: (index: number) => { readonly value: number, readonly ok?: boolean } | undefined
}

/** Results of one case with one sample a run. */
function results ({ wire = 'sim', seed = 's', seeds = 12, metric = {}, limit, parameters = {}, arms = ['plain'], traceOf, sampleOf = index => ({ value: 100 + index }) }: Options = {}): ResultsData {
  const { run } = syntheticResults({ simSeeds: 1, tcpSeeds: 0 })
  const planned = planSeeds(seed, seeds)
  const units = arms.flatMap(arm => planned.map((seed, index): UnitResult => {
    const sample = sampleOf(index)
    return {
      wire, case: 'idle', arm, seed,
      samples: sample === undefined ? [] : [{ type: 'sample', timeMs: 1, host: 'client', metric: 'request', ok: true, reason: '', ...sample }],
      ...traceOf === undefined ? {} : { traceHash: traceOf(index) },
      ...sample === undefined ? { error: { code: 'ERR_HOST_DIED', message: 'it died' } } : {}
    }
  }))
  return {
    run: {
      ...run, parameters, plan: [{ wire, seeds: planned }],
      experiment: {
        ...run.experiment, name: 'question', arms: arms.map(name => ({ name, title: name, description: '' })),
        cases: [{ name: 'idle', title: 'Idle', description: '', metrics: [{ ...METRIC, ...metric }] }],
        thresholds: limit === undefined ? [] : [{ case: 'idle', metric: 'request', arm: 'plain', wire, limit, direction: 'at-most' }]
      }
    },
    units
  }
}

test('on common seeds of a simulation runs are paired: a tenth more on each is exactly that', t => {
  const compared = compareResults(results(), results({ sampleOf: index => ({ value: 1.1 * (100 + index) }) }))
  const [change] = compared.changes
  t.like(change, { paired: true, runsBefore: 12, runsAfter: 12, verdict: 'regressed' })
  for (const end of ['estimate', 'low', 'high'] as const) {
    t.true(Math.abs((change.relative?.[end] ?? 0) - 0.1) < 1e-9)
  }
  // Two signs of 2^12.
  t.is(change.pValue, 2 ** -11)
  t.true(hasRegressed(compared))
})

test('the same on real peers is not paired: what runs differ in stays in the interval', t => {
  const [change] = compareResults(results({ wire: 'tcp' }), results({ wire: 'tcp', sampleOf: index => ({ value: 1.1 * (100 + index) }) })).changes
  t.false(change.paired)
  t.true((change.relative?.high ?? 0) - (change.relative?.low ?? 0) > 0.03)
})

test('runs with seeds of their own are not paired either, and both means are over all of them', t => {
  const [change] = compareResults(results({ seed: 'one' }), results({ seed: 'two', seeds: 9 })).changes
  t.like(change, { paired: false, runsBefore: 12, runsAfter: 9, meanBefore: 100 + 11 / 2, meanAfter: 100 + 8 / 2 })
})

test('a shorter run of the same seeds is compared on the seeds that both have', t => {
  const compared = compareResults(results(), results({ seeds: 5 }))
  t.like(compared.changes[0], { paired: true, runsBefore: 5, runsAfter: 5, meanBefore: 102, meanAfter: 102 })
  t.deepEqual(compared.differences, ['seeds on sim differ: 12 -> 5, 5 in common'])
})

test('better is what the metric says it is', t => {
  const more = (better: Metric['better']): string => compareResults(results({ metric: { better } }), results({ metric: { better }, sampleOf: index => ({ value: 200 + index }) })).changes[0].verdict
  t.is(more('lower'), 'regressed')
  t.is(more('higher'), 'improved')
})

test('equal traces are not tested: the simulation did the same', t => {
  const compared = compareResults(results({ traceOf: String }), results({ traceOf: String }))
  t.deepEqual(compared.identical, [{ wire: 'sim', case: 'idle', arm: 'plain', seeds: 12 }])
  t.deepEqual(compared.changes, [])
  t.false(hasRegressed(compared))
  // One seed that parts is enough.
  const parted = compareResults(results({ traceOf: String }), results({ traceOf: index => index === 7 ? 'x' : String(index) }))
  t.is(parted.identical.length, 0)
  t.is(parted.changes.length, 1)
})

test('an arm of which no run goes well any more has regressed, and one that only now does has not', t => {
  const dead = results({ sampleOf: () => undefined })
  const lost = compareResults(results(), dead)
  t.like(lost.uncompared, [{ reason: 'lost', arm: 'plain' }])
  t.is(lost.after.holes, 12)
  t.true(hasRegressed(lost))
  const gained = compareResults(dead, results())
  t.like(gained.uncompared, [{ reason: 'gained' }])
  t.false(hasRegressed(gained))
})

test('an arm of which some runs fail that went well before has regressed, and neither improves nor is the same', t => {
  const crashing = results({ traceOf: String, sampleOf: index => index < 3 ? undefined : { value: 50 + index } })
  const compared = compareResults(results({ traceOf: String }), crashing)
  t.deepEqual(compared.failing, [{ wire: 'sim', case: 'idle', arm: 'plain', seeds: 3, of: 12, code: 'ERR_HOST_DIED' }])
  t.deepEqual(compared.identical, [])
  t.deepEqual(compared.changes.map(({ verdict }) => verdict), ['inconclusive'])
  t.true(hasRegressed(compared))
  // Whoever mends them has not.
  const mended = compareResults(crashing, results({ traceOf: String }))
  t.deepEqual(mended.failing, [])
})

test('failing fast is no gain: a failure counts as the worst success of its seed on either side', t => {
  const [change] = compareResults(results(), results({ sampleOf: index => ({ value: 1, ok: index > 0 }) })).changes
  // 11 of 12 took 1 ms; the failed one counts 100, as its seed's request took before.
  t.is(change.meanAfter, (100 + 11) / 12)
})

test('where nothing ever succeeded there is nothing to compare', t => {
  const failed = (value: number): ResultsData => results({ sampleOf: () => ({ value, ok: false }) })
  const compared = compareResults(failed(1000), failed(500))
  t.like(compared.uncompared, [{ reason: 'hopeless' }])
  t.deepEqual(compared.changes, [])
})

test('where more fails than a quantile leaves room for, the change has a direction and no size, and none where that is so on both sides', t => {
  const failing = (everyOther: number): ResultsData => results({ metric: { statistic: 'p50' }, sampleOf: index => ({ value: 1000 + index, ok: index % everyOther !== 0 }) })
  const [change] = compareResults(results(), failing(1)).changes
  t.like(change, { bound: 'after', verdict: 'regressed' })
  t.is(change.relative, undefined)
  const [back] = compareResults(failing(1), results()).changes
  t.like(back, { bound: 'before', verdict: 'improved' })
  // Of twelve runs of one sample each all but one are bounds; with fewer than half there is a size.
  const nearlyAll = results({ sampleOf: index => ({ value: 1000, ok: index === 5 }) })
  t.like(compareResults(failing(1), nearlyAll), { changes: [], uncompared: [{ reason: 'saturated' }] })
  t.not(compareResults(results(), failing(3)).changes[0].relative, undefined)
})

test('p-values are corrected over all changes of a wire', t => {
  const arms = ['plain', 'pool', 'other']
  const { changes } = compareResults(results({ arms }), results({ arms, sampleOf: index => ({ value: 1.1 * (100 + index) }) }))
  // All three have the least p-value of 12 pairs.
  t.deepEqual(changes.map(({ adjustedPValue }) => adjustedPValue), [3 * 2 ** -11, 3 * 2 ** -11, 3 * 2 ** -11])
})

test('too few runs for any verdict are said to be', t => {
  const [paired] = compareResults(results({ seeds: 3 }), results({ seeds: 3, sampleOf: index => ({ value: 1.1 * (100 + index) }) })).changes
  t.like(paired, { verdict: 'inconclusive', tooFewPairs: true })
  // 2 of C(6, 3) = 20 deals.
  const [unpaired] = compareResults(results({ wire: 'tcp', seeds: 3 }), results({ wire: 'tcp', seeds: 3, sampleOf: index => ({ value: 200 + index }) })).changes
  t.like(unpaired, { verdict: 'inconclusive', tooFewPairs: true, pValue: 0.1 })
})

for (const [metric, reason] of [
  [{ unit: 'bytes' }, 'unit ms -> bytes'], [{ statistic: 'p99' }, 'statistic p50 -> p99'], [{ better: 'higher' }, 'better lower -> higher']
] as const) {
  test(`a metric that is defined differently is refused: ${reason}`, t => {
    const arms = ['plain', 'pool']
    const wider = results({ arms })
    const other = results({ arms, metric })
    const theCase = (data: ResultsData, name: string): ResultsData => ({
      run: { ...data.run, experiment: { ...data.run.experiment, cases: [...data.run.experiment.cases, { ...wider.run.experiment.cases[0], name }] } },
      units: [...data.units, ...wider.units.map(unit => ({ ...unit, case: name }))]
    })
    const compared = compareResults(theCase(wider, 'busy'), theCase(other, 'busy'))
    t.deepEqual(compared.refused, [{ case: 'idle', metric: 'request', reason }])
    t.deepEqual([...new Set(compared.changes.map(change => change.case))], ['busy'])
    t.throws(() => compareResults(wider, other), { code: 'ERR_INVALID_OPTION', message: /nothing in common.*idle request \(/ })
  })
}

test('what differs in the set-up is stated, and what only one has is listed', t => {
  const before = results({ parameters: { rttMs: 80, jitterMs: 1 }, arms: ['plain', 'pool'] })
  const changed = results({ parameters: { rttMs: 120, jitterMs: 1 }, arms: ['plain', 'timeouts'] })
  const after: ResultsData = { ...changed, run: { ...changed.run, versions: { ...changed.run.versions, libp2p: '4.0.0' }, git: { commit: 'f'.repeat(40), dirty: true } } }
  const compared = compareResults(before, after)
  t.deepEqual(compared.differences, [
    'parameters differ: rttMs 80 -> 120', 'versions differ: libp2p 3.3.11 -> 4.0.0', 'commits differ: 65d597a0c1f2 -> ffffffffffff (with changes that are not committed)'
  ])
  t.deepEqual(compared.onlyBefore, ['arm pool of idle'])
  t.deepEqual(compared.onlyAfter, ['arm timeouts of idle'])
})

test('an arm that real peers have no more is listed, and is no regression', t => {
  const before = results({ wire: 'tcp', arms: ['plain', 'pool'] })
  const { run, units } = before
  const cases = run.experiment.cases.map(theCase => ({ ...theCase, realArms: ['plain'] }))
  const compared = compareResults(before, { run: { ...run, experiment: { ...run.experiment, cases } }, units: units.filter(({ arm }) => arm === 'plain') })
  t.deepEqual(compared.onlyBefore, ['arm pool of idle on tcp'])
  t.false(hasRegressed(compared))
})

test('another machine is a difference for real peers alone', t => {
  for (const [wire, count] of [['sim', 0], ['tcp', 1]] as const) {
    const after = results({ wire })
    const elsewhere = { ...after, run: { ...after.run, machine: { ...after.run.machine, cores: 64 } } }
    t.is(compareResults(results({ wire }), elsewhere).differences.filter(text => text.startsWith('machines differ: ')).length, count)
  }
})

test('a threshold that held and does not any more is a regression, one that never held is none', t => {
  const slower = (index: number): { value: number } => ({ value: 100.5 + index })
  const broken = compareResults(results({ limit: 105.6 }), results({ limit: 105.6, sampleOf: slower }))
  t.is(broken.changes[0].verdict, 'no meaningful change')
  t.true(hasRegressed(broken))
  t.false(hasRegressed(compareResults(results({ limit: 50 }), results({ limit: 50, sampleOf: slower }))))
})

test('the same results compared again give the same numbers', t => {
  const [before, after] = [results({ wire: 'tcp' }), results({ wire: 'tcp', sampleOf: index => ({ value: 103 + index }) })]
  t.deepEqual(compareResults(before, after), compareResults(before, after))
})
