import test from 'ava'
import { conduct } from '../../src/cli/conduct.ts'
import { parseParameters } from '../../src/cli/parameters.ts'
import { planRun } from '../../src/cli/run-plan.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { readResults } from '../../src/results/files.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { temporaryDirectory } from '../fixtures/run-cli.ts'

test('where what went on beside the run fails at its end, the results are written all the same', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = fakeMachinery()
  const loaded = await loadExperiment('queueing', machinery.experimentsDirectory)
  const parameters = parseParameters(loaded.experiment, [])
  const plan = planRun(loaded.experiment, parameters, { seed: 's', seeds: 2, validates: false, jobs: 2, set: [] })
  const written: number[] = []
  await t.throwsAsync(conduct({
    machinery,
    signal: new AbortController().signal,
    loaded,
    parameters,
    plan,
    directory,
    observer: {
      added () {},
      finished () {},
      repeated () {},
      quiet: async () => { throw new Error('the disk is full') },
      written: ({ units }) => written.push(units.length)
    }
  }), { message: 'the disk is full' })
  // Two cases, two arms, two seeds.
  t.deepEqual(written, [8])
  const { run, units } = await readResults(directory)
  t.is(units.length, 8)
  // Nothing began on real peers.
  t.false('armOrder' in run)
})
