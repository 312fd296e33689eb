import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import type { Metric, SampleEvent } from '../../src/experiment/definition.ts'
import type { UnitResult } from '../../src/experiment/unit.ts'
import type { CaseDescription } from '../../src/results/data.ts'
import { runValues } from '../../src/results/run-values.ts'
import { warmUpCutMs } from '../../src/results/warm-up.ts'
import type { Measurements } from '../../src/results/warm-up.ts'

const metric: Metric = { name: 'request', title: 'request', sample: 'request', statistic: 'mean', unit: 'ms', better: 'lower', minimumEffect: 0.05 }

function measurements (warmUpMs: CaseDescription['warmUpMs'], units: readonly UnitResult[], metrics: readonly Metric[] = [metric]): Measurements {
  return { run: { experiment: { cases: [{ name: 'c', title: 'c', description: 'c', metrics, ...(warmUpMs === undefined ? {} : { warmUpMs }) }] } }, units }
}

function sample (timeMs: number, value: number, kind = 'request'): SampleEvent {
  return { type: 'sample', timeMs, host: 'client', metric: kind, value, ok: true, reason: '' }
}

/** Every 10 ms a sample, 200 in all, whose means of five are equal but for the first `slow`, which take 100 ms more. */
function run (arm: string, seed: string, slow: number, kind = 'request', shiftMs = 0): UnitResult {
  return { wire: 'sim', case: 'c', arm, seed, samples: Array.from({ length: 200 }, (_, i) => sample(i * 10 + shiftMs, 50 + i % 5 + (i < slow ? 100 : 0), kind)) }
}

const seeds = ['s/0', 's/1', 's/2', 's/3']
const runs = (arm: string, slow: number): UnitResult[] => seeds.map((seed) => run(arm, seed, slow))

test('a stated time is cut on every wire, and none where none is stated', (t) => {
  t.is(warmUpCutMs(measurements(250, []), 'c'), 250)
  t.is(warmUpCutMs(measurements(undefined, runs('a', 20)), 'c'), 0)
})

test('the rule finds where the mean over seeds settles, of the arm that takes longest', (t) => {
  t.is(warmUpCutMs(measurements('mser-5', runs('a', 20)), 'c'), 200)
  t.is(warmUpCutMs(measurements('mser-5', [...runs('a', 20), ...runs('b', 60), ...runs('c', 0)]), 'c'), 600)
})

test('the time is the mean over seeds of that of the first sample that is kept', (t) => {
  const units = seeds.map((seed, i) => run('a', seed, 20, 'request', i * 2))
  t.is(warmUpCutMs(measurements('mser-5', units), 'c'), 203)
})

test('runs that failed, other wires, and what only costs are made of do not count', (t) => {
  const cost: Metric = { ...metric, name: 'bytes', sample: 'bytes', role: 'cost' }
  const failed = { ...run('b', 's/0', 80), error: { code: 'ERR_HOST_DIED', message: '' } }
  const elsewhere = { ...run('b', 's/1', 80), wire: 'tcp' as const }
  const costs = run('b', 's/2', 80, 'bytes')
  t.is(warmUpCutMs(measurements('mser-5', [...runs('a', 20), failed, elsewhere, costs], [metric, cost]), 'c'), 200)
})

test('it is found on the most modelled wire of which a run went well, and cut on all', (t) => {
  const on = (wire: UnitResult['wire'], slow: number): UnitResult[] => runs('a', slow).map((unit) => ({ ...unit, wire }))
  const failed = on('sim', 20).map((unit) => ({ ...unit, error: { code: 'ERR_HOST_DIED', message: '' } }))
  t.is(warmUpCutMs(measurements('mser-5', on('tcp', 40)), 'c'), 400)
  t.is(warmUpCutMs(measurements('mser-5', [...failed, ...on('tcp', 40), ...on('stack', 60)]), 'c'), 600)
  const results = measurements('mser-5', [...on('tcp', 40), ...on('sim', 20)])
  t.deepEqual(['sim', 'tcp'].map((wire) => runValues(results, wire as 'sim' | 'tcp', 'c', metric).get('a')?.map(({ samples }) => samples)), [[180, 180, 180, 180], [180, 180, 180, 180]])
})

test('neither the order of runs nor that of samples matters', (t) => {
  const units = [...runs('a', 20), ...runs('b', 35)]
  const random = randomStream('order')
  const shuffled = random.shuffle(units.map((unit) => ({ ...unit, samples: random.shuffle([...unit.samples]) })))
  t.is(warmUpCutMs(measurements('mser-5', shuffled), 'c'), warmUpCutMs(measurements('mser-5', units), 'c'))
})

test('values are of what was complete after the cut: the same cut for all arms', (t) => {
  const results = measurements('mser-5', [...runs('slow', 60), ...runs('fast', 0)])
  const values = runValues(results, 'sim', 'c', metric)
  for (const arm of ['slow', 'fast']) {
    t.deepEqual(values.get(arm)?.map(({ samples }) => samples), [140, 140, 140, 140])
  }
  // Without the 100 ms that the first 60 took: 50 to 54.
  t.true(values.get('slow')?.every(({ value }) => value > 50 && value < 54))
  t.true((runValues(measurements(undefined, results.units), 'sim', 'c', metric).get('slow')?.[0].value ?? 0) > 80)
})

test('a run that recorded nothing after the cut has no value, and what came before it imputes none', (t) => {
  const late: UnitResult = { ...run('late', 's/0', 0), samples: [sample(90, 4000), { ...sample(110, 1), ok: false }] }
  const early: UnitResult = { ...run('early', 's/0', 0), samples: [sample(10, 50)] }
  const other: UnitResult = { ...run('other', 's/0', 0), samples: [sample(100, 70)] }
  const values = runValues(measurements(100, [late, early, other]), 'sim', 'c', metric)
  t.false(values.has('early'))
  // The failure counts as the 70 ms after the cut, not the 4000 before it.
  t.is(values.get('late')?.[0].value, 70)
})
