import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { temporaryDirectory } from '../fixtures/run-cli.ts'

const bin = fileURLToPath(new URL('../../bin/twinwire.js', import.meta.url))
const fakeCli = fileURLToPath(new URL('../fixtures/fake-cli.ts', import.meta.url))

test('installed or not, the programme starts and answers', async t => {
  const { stdout } = await promisify(execFile)(process.execPath, [bin, 'list', '--json'])
  t.true(Array.isArray(JSON.parse(stdout)))
})

test('bad use ends the process with 2 and one line', async t => {
  const failure = await t.throwsAsync<Error & { code: number, stderr: string }>(promisify(execFile)(process.execPath, [bin, 'run', 'nothing-like-it']))
  t.is(failure?.code, 2)
  t.regex(failure?.stderr ?? '', /^error \[ERR_UNKNOWN_EXPERIMENT\]: [^\n]+\n$/)
})

test('a Node that is too old is told what is needed', async t => {
  const pretend = (version: string): string => `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`
  for (const version of ['20.19.2', '22.19.0']) {
    const failure = await t.throwsAsync<Error & { code: number, stderr: string }>(
      promisify(execFile)(process.execPath, ['--import', pretend(version), bin, 'list']))
    t.is(failure?.code, 2)
    t.true(failure?.stderr.startsWith(`error [ERR_NODE_VERSION]: this Node is too old for twinwire; expected 22.20 or later; found ${version}`))
  }
  await t.notThrowsAsync(promisify(execFile)(process.execPath, ['--import', pretend('22.20.0'), bin, '--version']))
})

test('who closes our output has had enough of it: what was asked for is done, and the exit code is as ever', async t => {
  const directory = await temporaryDirectory(t)
  const child = spawn(process.execPath, [bin, 'run', 'cellular-queue', '--seeds', '2', '--set', 'durationMs=2s', '--out', 'results'], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let errors = ''
  child.stderr.on('data', (data: Buffer) => { errors += data.toString() })
  const [exitCode] = await once(child, 'exit')
  t.is(exitCode, 0)
  t.notRegex(errors, /EPIPE|at .*:\d+:\d+/)
  t.true((await readdir(join(directory, 'results'))).includes('report.html'))
})

test('what one command has compiled is kept for the next', async t => {
  const directory = await temporaryDirectory(t)
  const { NODE_COMPILE_CACHE: _ours, ...environment } = process.env
  await promisify(execFile)(process.execPath, [bin, '--version'], { env: { ...environment, TMPDIR: directory } })
  const [version] = await readdir(join(directory, 'node-compile-cache'))
  t.true((await readdir(join(directory, 'node-compile-cache', version))).length > 100)
})

test('in simulation the number of jobs changes no byte, and every run has a trace hash', async t => {
  const directory = await temporaryDirectory(t)
  const hashes: Array<Array<string | undefined>> = []
  for (const jobs of ['1', '2']) {
    // The exit code is about verdicts, which are not the question here.
    // More runs than jobs, of unequal length.
    await once(spawn(process.execPath, [bin, 'run', 'cellular-queue', '--seeds', '2', '--set', 'durationMs=2s', '--jobs', jobs, '--out', jobs], { cwd: directory, stdio: 'ignore' }), 'exit')
    const { units } = JSON.parse(await readFile(join(directory, jobs, 'manifest.json'), 'utf8')) as { units: Array<{ traceHash?: string }> }
    hashes.push(units.map(({ traceHash }) => traceHash))
  }
  t.true(hashes[0].length > 0 && hashes[0].every(hash => hash !== undefined))
  t.deepEqual(hashes[0], hashes[1])
  for (const file of ['samples.parquet', 'summary.csv']) {
    t.deepEqual(await readFile(join(directory, '1', file)), await readFile(join(directory, '2', file)), file)
  }
})

const interrupted = test.macro(async (t, signal: NodeJS.Signals, expected: number) => {
  const directory = await temporaryDirectory(t)
  // Over 4 s of real time, whatever the machine: 6 runs of 'busy' on real peers, one after the other, are 3 of them.
  const child = spawn(process.execPath, [fakeCli, 'validate', 'queueing', '--seeds', '1', '--set', 'unitTimeMs=500', '--out', 'here'], { cwd: directory })
  const exit = once(child, 'exit')
  await started(directory)
  await sleep(2500)
  child.kill(signal)
  t.deepEqual(await exit, [expected, null])
  const { status } = JSON.parse(await readFile(join(directory, 'here', 'manifest.json'), 'utf8')) as { status: string }
  t.is(status, 'partial')
})
test('Ctrl-C keeps what is finished and exits with 130', interrupted, 'SIGINT', 130)
test('SIGTERM does the same and exits with 143', interrupted, 'SIGTERM', 143)

test('a second Ctrl-C ends the process at once', async t => {
  const directory = await temporaryDirectory(t)
  const child = spawn(process.execPath, [fakeCli, 'validate', 'queueing', '--seeds', '1', '--set', 'fault=hangs-on-tcp', '--out', 'here'], { cwd: directory })
  const exit = once(child, 'exit')
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    if (text.includes('interrupted')) {
      child.kill('SIGINT')
    }
  })
  await started(directory)
  await sleep(1000)
  child.kill('SIGINT')
  t.deepEqual(await exit, [130, null])
})

/** The folder for results is made as soon as the command line is known to be good. */
async function started (directory: string): Promise<void> {
  while (!(await readdir(directory)).includes('here')) {
    await sleep(20)
  }
}
