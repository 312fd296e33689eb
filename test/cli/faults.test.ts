import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

interface Manifest {
  status: string
  units: Array<{ arm: string, seed: string, error?: { code: string, message: string } }>
}

const fault = test.macro(async (t, name: string, code: string, message: RegExp) => {
  const directory = await temporaryDirectory(t)
  // Hanging runs only: time for a thread to start on a busy machine, many times over.
  const machinery = { ...fakeMachinery(), ...(['hangs', 'spins'].includes(name) ? { unitLimitMs: 15_000 } : {}) }
  const { exitCode, stdout, stderr } = await runCli(directory, ['run', 'queueing', '--seeds', '3', '--jobs', '2', '--set', `fault=${name}`, '--out', 'here'], { machinery })
  t.is(exitCode, 1)
  t.regex(stdout, message)
  // Some are run again for their courses, and one that failed once has not failed twice.
  t.regex(stderr, /\b(\d+)\/\1 runs, 1 failed/)
  const { status, units } = JSON.parse(await readFile(join(directory, 'here', 'manifest.json'), 'utf8')) as Manifest
  t.is(status, 'partial')
  t.is(units.length, 12)
  t.deepEqual(units.filter(({ error }) => error !== undefined).map(({ arm, seed, error }) => [arm, seed, error?.code]), [['tuned', 'twinwire/1', code]])
})

const WHERE = 'sim busy, arm tuned, seed twinwire/1'
test.serial('a run that throws is reported, and the others go on', fault, 'throws', 'ERR_UNSUPPORTED', new RegExp(`${WHERE}: ERR_UNSUPPORTED: this wire cannot`))
test.serial('a run that did not end well is reported', fault, 'fails', 'ERR_HOST_DIED', new RegExp(`${WHERE}: ERR_HOST_DIED: host b died`))
test.serial('a sample that is not a number is reported', fault, 'not-a-number', 'ERR_INVALID_SAMPLE', /has no value; at the sample of a at 9 ms; expected a finite number; found NaN/)
test.serial('a sample that no metric knows is reported', fault, 'unknown-sample', 'ERR_INVALID_SAMPLE', /expected one of response; found "respnse"/)
test.serial('a run without a sample is reported', fault, 'silent', 'ERR_NO_SAMPLES', /ERR_NO_SAMPLES/)
test('a run that waits for ever is given up and reported', fault, 'hangs', 'ERR_TIMEOUT', /the run hung; expected to end within 15 s of real time/)
test('a run that never lets go of its thread is ended and reported', fault, 'spins', 'ERR_TIMEOUT', /the run hung/)

test('a real run that hangs is given up, and the others go on', async t => {
  const directory = await temporaryDirectory(t)
  // Beside the second of its scenario.
  const machinery = { ...fakeMachinery(), unitLimitMs: 4000, graceMs: 100 }
  const { exitCode, stdout } = await runCli(directory, ['validate', 'queueing', '--seeds', '1', '--tcp-seeds', '2', '--set', 'fault=hangs-on-tcp'], { machinery })
  t.is(exitCode, 1)
  t.regex(stdout, /tcp busy, arm tuned, seed twinwire\/1: ERR_TIMEOUT: the run hung; expected to end within 5 s of real time/)
})
