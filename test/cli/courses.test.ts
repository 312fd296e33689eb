import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { recordCourses, recordedAtOnce } from '../../src/cli/courses.ts'
import type { SimThreads } from '../../src/cli/sim-task.ts'
import type { Stage } from '../../src/cli/stages.ts'
import { Threads } from '../../src/cli/threads.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { planSeeds, planUnits } from '../../src/experiment/plan.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { UnitKey, UnitResult } from '../../src/experiment/unit.ts'
import { chooseCourses } from '../../src/results/course-choice.ts'
import { describeExperiment, unitId } from '../../src/results/data.ts'
import { readResults } from '../../src/results/files.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { FakeWire } from '../fixtures/fake-wire.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const machinery = { ...fakeMachinery(), simWorker: new URL('../fixtures/course-sim-worker.ts', import.meta.url) }
const loaded = await loadExperiment('queueing', machinery.experimentsDirectory)
const parameters = loaded.experiment.parameters.parse({}) as Readonly<Record<string, number>>
const plan = [{ wire: 'sim' as const, seeds: planSeeds('s', 5) }]
const simThreads: SimThreads = new Threads(machinery.simWorker, 2)

test.after.always(async () => await simThreads.stop())

test.serial('the chosen runs get courses with their reasons, one that is another run becomes a hole, and all else stays', async t => {
  const wire = new FakeWire('sim')
  const units: UnitResult[] = []
  for (const unit of planUnits(loaded.experiment, plan)) {
    units.push(await runUnit({ loaded, parameters, unit, wire }))
  }
  const chosen = chooseCourses({ run: { experiment: describeExperiment(loaded.experiment), plan }, units })
  const added: Stage[] = []
  const repeated: UnitKey[] = []
  const recorded = await recordCourses({
    loaded,
    parameters,
    machinery,
    simThreads,
    signal: new AbortController().signal,
    plan,
    jobs: 2,
    added: stage => added.push(stage),
    repeated: unit => repeated.push(unit)
  }, units)
  t.deepEqual(recorded.map(({ course: _course, error: _error, ...unit }) => unit), units)
  for (const unit of recorded) {
    const choice = chosen.find(({ case: caseName, arm, seed }) => caseName === unit.case && arm === unit.arm && seed === unit.seed)
    const another = unit.case === 'busy' && unit.arm === 'tuned'
    t.is(unit.course?.reason, another ? undefined : choice?.reason)
    t.is(unit.error?.code, another && choice !== undefined ? 'ERR_NOT_REPRODUCIBLE' : undefined)
  }
  // Each of the two cases and arms has a median and a worst.
  t.is(chosen.length, 2 * 2 * 2)
  t.regex(recorded.find(({ error }) => error !== undefined)?.error?.message ?? '', /busy, tuned, seed s\/\d; expected trace hash \S+; found another/)
  // Progress is told of each before it begins and when it is over, as the same object.
  const [{ units: again }, ...others] = added
  t.deepEqual(others, [])
  t.deepEqual(again.map(unitId), chosen.map(unitId))
  t.is(repeated.length, again.length)
  t.true(repeated.every(unit => again.includes(unit)))
})

test.serial('with one seed runs are recorded at once, and nothing is run again', async t => {
  const directory = await temporaryDirectory(t)
  // Where a run is looked at, this worker gives another trace hash in one arm of one case: had it been run twice, it would be a hole.
  t.is((await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'one'], { machinery })).exitCode, 0)
  const { units } = await readResults(join(directory, 'one'))
  t.deepEqual(units.map(({ course }) => course?.reason), units.map(() => 'median'))
})

test('only what has one seed, none to come for precision, and no place in a sweep is recorded at once', t => {
  const { experiment } = loaded
  const oneSeed = { wires: [{ wire: 'sim' as const, seeds: ['s/0'] }] }
  const [unit] = planUnits(experiment, oneSeed.wires)
  t.true(recordedAtOnce(experiment, oneSeed)(unit))
  t.false(recordedAtOnce(experiment, { ...oneSeed, precision: { halfWidth: 0.05, maximumSeeds: 10, targets: [] } })(unit))
  t.false(recordedAtOnce(experiment, { wires: [{ wire: 'sim', seeds: ['s/0', 's/1'] }] })(unit))
  t.false(recordedAtOnce(experiment, oneSeed)({ ...unit, wire: 'stack' }))
  const swept = { ...experiment, cases: experiment.cases.map(theCase => ({ ...theCase, sweep: { name: 'delays', levels: { delayMs: 80 } } })) }
  t.false(recordedAtOnce(swept, oneSeed)(unit))
})

test.serial('cut short, it leaves results as they are', async t => {
  const units = await Promise.all(planUnits(loaded.experiment, plan).map(async unit => await runUnit({ loaded, parameters, unit, wire: new FakeWire('sim') })))
  const told = (): void => t.fail('nothing is run again')
  t.deepEqual(await recordCourses({ loaded, parameters, machinery, simThreads, signal: AbortSignal.abort(), plan, jobs: 2, added: told, repeated: told }, units), units)
})

test.serial('a run of an experiment leaves courses in its folder, whatever the number of jobs, and is not well where one is not reproducible', async t => {
  const directory = await temporaryDirectory(t)
  for (const jobs of ['1', '2']) {
    const { exitCode, stdout } = await runCli(directory, ['run', 'queueing', '--seeds', '3', '--jobs', jobs, '--out', jobs], { machinery })
    t.is(exitCode, 1)
    t.regex(stdout, /ERR_NOT_REPRODUCIBLE/)
  }
  const text = await readFile(join(directory, '1', 'courses.json'), 'utf8')
  t.is(text, await readFile(join(directory, '2', 'courses.json'), 'utf8'))
  const { units } = await readResults(join(directory, '1'))
  t.is(units.filter(({ course }) => course !== undefined).length, 3 * 2)
})
