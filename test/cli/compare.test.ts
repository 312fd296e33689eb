import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import type { CompareOutput } from '../../src/cli/compare-output.ts'
import { runCommand } from '../../src/cli/main.ts'
import { Capture } from '../fixtures/capture.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

/** A folder of results for each name, with that setting. */
async function folders (t: ExecutionContext, settings: Readonly<Record<string, string>>): Promise<string> {
  const directory = await temporaryDirectory(t)
  for (const [name, setting] of Object.entries(settings)) {
    await runCli(directory, ['run', 'queueing', '--seeds', '8', '--jobs', '1', '--out', name, ...setting === '' ? [] : ['--set', setting]])
  }
  return directory
}

test.serial('compare states what changed, at a terminal, as JSON and in a summary, and exits with 1 where something regressed', async t => {
  const directory = await folders(t, { a: '', slow: 'delayMs=100ms' })

  const text = await runCli(directory, ['compare', 'a', 'slow'])
  t.is(text.exitCode, 1)
  t.regex(text.stdout, /^Queueing\nbefore {2}a: twinwire run queueing --seed twinwire --seeds 8\n/)
  t.regex(text.stdout, /parameters differ: delayMs 80 -> 100/)
  t.regex(text.stdout, /idle +response-p50 +plain +\d\d\.\d ms +10\d ms +\+2\d\.\d% \[[^\]]+\] +regressed/)
  t.regex(text.stdout, /pass -> not checked {2}idle: response-p50 of tuned at most 60 ms; 4\d\.\d ms -> /)
  t.is(text.stderr, '')

  const json = await runCli(directory, ['compare', 'a', 'slow', '--json', '--fail-on', 'never'])
  t.is(json.exitCode, 0)
  const output = JSON.parse(json.stdout) as CompareOutput
  t.like(output, { regressed: true, exitCode: 0, before: { folder: 'a', experiment: 'queueing' }, differences: ['parameters differ: delayMs 80 -> 100'] })
  t.is(output.changes.length, 4)
  t.like(output.changes[0], { wire: 'sim', case: 'idle', metric: 'response-p50', arm: 'plain', paired: true, verdict: 'regressed', unit: 'ms', role: 'goal' })

  await writeFile(join(directory, 'summary.md'), '# Before\n')
  const summary = await runCli(directory, ['compare', 'a', 'slow', '--markdown', 'summary.md'])
  t.is(summary.stderr, 'Summary appended to summary.md\n')
  const markdown = await readFile(join(directory, 'summary.md'), 'utf8')
  t.regex(markdown, /^# Before\n### Queueing\n\n4 regressed\n\n- parameters differ: delayMs 80 -&gt; 100\n\n\| wire \|/)
  t.regex(markdown, /\| sim \| idle \| response-p50 \| plain \| .* \| \*\*regressed\*\* \|\n/)
  t.regex(markdown, /<details><summary>How both came about<\/summary>\n\na: [^\n]+\n\n```sh\ntwinwire run queueing --seed twinwire --seeds 8\n```\n/)
})

test.serial('on GitHub the summary goes where its variable says, and a line says so', async t => {
  const directory = await folders(t, { a: '', same: '', partial: 'fault=fails' })
  const [stdout, stderr] = [new Capture(), new Capture()]
  const exitCode = await runCommand(['compare', 'a', 'same'], {
    stdout, stderr, machinery: fakeMachinery(), signal: new AbortController().signal, workingDirectory: directory, environment: { GITHUB_STEP_SUMMARY: join(directory, 'step.md') }
  })
  t.is(exitCode, 0)
  t.is(stderr.text, 'Summary appended to step.md, which GITHUB_STEP_SUMMARY names\n')
  t.regex(await readFile(join(directory, 'step.md'), 'utf8'), /the same event by event/)
  t.regex(stdout.text, /sim busy, arm tuned: the simulation did the same, event by event \(8 seeds\)/)
  // A run that went well before and fails after is a regression, and what there is is compared.
  const partial = await runCli(directory, ['compare', 'a', 'partial'])
  t.is(partial.stderr, 'warning: partial is partial: 1 run without a result\n')
  t.regex(partial.stdout, /sim busy, arm tuned: 1 of 8 runs that went well before fail after \(\w+\)/)
  t.is(partial.exitCode, 1)
})

test.serial('what is no folder of results, or of another version, is refused', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'a'])
  await mkdir(join(directory, 'empty'))
  await mkdir(join(directory, 'future'))
  await writeFile(join(directory, 'future', 'manifest.json'), '{"schemaVersion":99}')
  for (const [args, expected] of [
    [['a', 'nowhere'], /\[ERR_RESULTS_INCOMPLETE\]: .*nowhere/],
    [['empty', 'a'], /\[ERR_RESULTS_INCOMPLETE\]: .*empty/],
    [['a', 'future'], /\[ERR_INVALID_FILE\]: the manifest is of another version; .*found 99/],
    [['a'], /missing required argument 'after'/],
    [['a', 'a', '--fail-on', 'anything'], /--fail-on.*Allowed choices are regressed, inconclusive, never/],
    [['a', 'a', '--markdown', 'empty'], /\[ERR_INVALID_OPTION\]: the summary cannot be written; at --markdown; .*EISDIR/]
  ] as const) {
    const { exitCode, stdout, stderr } = await runCli(directory, ['compare', ...args])
    t.is(exitCode, 2)
    t.is(stdout, '')
    t.regex(stderr, expected)
  }
})
