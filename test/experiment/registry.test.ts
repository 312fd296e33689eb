import test from 'ava'
import { experimentNames, loadExperiment } from '../../src/experiment/registry.ts'

const directory = new URL('../fixtures/experiments/', import.meta.url)
const broken = new URL('../fixtures/broken-experiments/', import.meta.url)

test('experiments are found by their files, whose name is theirs', async t => {
  t.deepEqual(await experimentNames(directory), ['queueing'])
  const { experiment, rolesModule } = await loadExperiment('queueing', directory)
  t.is(experiment.name, 'queueing')
  t.is(rolesModule.href, new URL('queueing.ts', directory).href)
})

test('every experiment that comes with twinwire loads', async t => {
  for (const name of await experimentNames()) {
    t.is((await loadExperiment(name)).experiment.name, name)
  }
  t.pass()
})

test('an unknown name is answered with the nearest', async t => {
  await t.throwsAsync(loadExperiment('quueing', directory), { code: 'ERR_UNKNOWN_EXPERIMENT', message: /expected queueing/ })
  await t.throwsAsync(loadExperiment('zebra', directory), { code: 'ERR_UNKNOWN_EXPERIMENT', message: /expected one of queueing/ })
})

test('a file that exports no experiment is named', async t => {
  await t.throwsAsync(loadExperiment('nameless', broken), {
    code: 'ERR_INVALID_FILE', message: /at nameless\.ts; expected exports 'experiment' with the name "nameless", and 'roles'; found exports \["roles"\]/
  })
})

test('a file that cannot be imported is named, with what is wrong', async t => {
  const failure = await t.throwsAsync(loadExperiment('throwing', broken), {
    code: 'ERR_EXPERIMENT_LOAD', message: /at throwing\.ts; .*found Error: no such luck/
  })
  t.like(failure?.cause, { message: 'no such luck' })
})

test('a definition that refers to what there is not is refused with its place', async t => {
  await t.throwsAsync(loadExperiment('misspelt', broken), {
    code: 'ERR_INVALID_FILE', message: /at misspelt\.ts: experiment\.thresholds\[0\]\.arm; expected tuned \(known are plain, tuned\); found "tund"/
  })
})
