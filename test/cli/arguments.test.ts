import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

/** One line that names what is wrong, no stack, nothing on stdout, nothing left in the working directory. */
const badUse = test.macro(async (t, args: readonly string[], expected: RegExp) => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout, stderr } = await runCli(directory, args)
  t.is(exitCode, 2)
  t.is(stdout, '')
  t.regex(stderr, /^error \[ERR_[A-Z_]+\]: [^\n]+\n$/)
  t.regex(stderr, expected)
  t.deepEqual(await readdir(directory), [])
})

test('an unknown command names the nearest', badUse, ['rnu', 'queueing'], /\[ERR_UNKNOWN_OPTION\]: unknown command 'rnu'; at command line; expected run/)
test('an unknown option names the nearest', badUse, ['run', 'queueing', '--sede', 'x'], /\[ERR_UNKNOWN_OPTION\]: unknown option '--sede'; at command line; expected --seed/)
test('a command without its argument is refused', badUse, ['run'], /\[ERR_INVALID_OPTION\]: missing required argument 'experiment'/)
test('an argument too many is refused', badUse, ['run', 'queueing', 'again'], /\[ERR_INVALID_OPTION\]: too many arguments/)
test('an option without its value is refused', badUse, ['run', 'queueing', '--seed'], /\[ERR_INVALID_OPTION\]: option '--seed <text>' argument missing/)
test('an unknown experiment names the nearest', badUse, ['run', 'queuing'], /\[ERR_UNKNOWN_EXPERIMENT\]: .*expected queueing .*found "queuing"/)
test('a path is no experiment', badUse, ['run', '../fake-wire'], /\[ERR_UNKNOWN_EXPERIMENT\]/)
test('an unknown parameter names the nearest', badUse, ['run', 'queueing', '--set', 'delyMs=80ms'], /\[ERR_UNKNOWN_OPTION\]: queueing has no such parameter; at --set; expected delayMs .*found "delyMs"/)
test('a setting without a value is refused', badUse, ['run', 'queueing', '--set', 'delayMs'], /\[ERR_INVALID_OPTION\]: .*at --set; expected name=value; found "delayMs"/)
test('an unknown unit is refused', badUse, ['run', 'queueing', '--set', 'delayMs=80parsec'], /\[ERR_INVALID_UNIT\]: .*at delayMs; expected a duration such as 80ms .*found "80parsec"/)
test('a unit of another quantity is refused', badUse, ['run', 'queueing', '--set', 'rateBitsPerSecond=80ms'], /\[ERR_INVALID_UNIT\]: .*at rateBitsPerSecond; expected a rate/)
test('an impossible value is refused', badUse, ['run', 'queueing', '--set', 'delayMs=-1'], /\[ERR_INVALID_OPTION\]: .*at delayMs; expected a number of at least 0; found -1/)
test('a value of another type is refused', badUse, ['run', 'queueing', '--set', 'requests=many'], /\[ERR_INVALID_OPTION\]: .*at requests; expected .*number; found "many"/)
test('a word that is not one of those known is refused', badUse, ['run', 'queueing', '--set', 'fault=fire'], /\[ERR_INVALID_OPTION\]: .*at fault; expected one of "none", .*found "fire"/)
test('no seeds at all are refused', badUse, ['run', 'queueing', '--seeds', '0'], /\[ERR_INVALID_OPTION\]: .*at --seeds; expected a whole number from 1 to 10000; found "0"/)
test('more seeds than anybody needs are refused before they are planned', badUse, ['run', 'queueing', '--seeds', '99999999999', '--out', 'here'], /\[ERR_INVALID_OPTION\]: .*at --seeds; expected a whole number from 1 to 10000; found "99999999999"/)
test('more real repetitions than anybody waits for are refused', badUse, ['validate', 'queueing', '--tcp-seeds', '1001', '--out', 'here'], /at --tcp-seeds; expected a whole number from 0 to 1000; found "1001"/)
test('more repetitions of the stack than anybody needs are refused', badUse, ['validate', 'queueing', '--stack-seeds', '10001', '--out', 'here'], /at --stack-seeds; expected a whole number from 0 to 10000; found "10001"/)
test('more jobs than any machine runs are refused', badUse, ['run', 'queueing', '--jobs', '257'], /at --jobs; expected a whole number from 1 to 256; found "257"/)
test('a seed without text is refused', badUse, ['run', 'queueing', '--seed', ' '], /\[ERR_INVALID_OPTION\]: .*at --seed; expected some text; found " "/)
test('half a job is refused', badUse, ['run', 'queueing', '--jobs', '0.5'], /\[ERR_INVALID_OPTION\]: .*at --jobs/)
test('less than no repetitions on real peers is refused', badUse, ['validate', 'queueing', '--tcp-seeds', '-3'], /\[ERR_INVALID_OPTION\]: .*at --tcp-seeds/)
test('a network that nobody has is refused', badUse, ['validate', 'queueing', '--tcp-network', 'carrier-pigeons'], /\[ERR_INVALID_OPTION\]: .*--tcp-network.*Allowed choices are relay, namespaces/)
test('run knows nothing of real peers', badUse, ['run', 'queueing', '--tcp-seeds', '3'], /\[ERR_UNKNOWN_OPTION\]/)
test('run knows nothing of the stack', badUse, ['run', 'queueing', '--stack-seeds', '3'], /\[ERR_UNKNOWN_OPTION\]/)
test('a report of a folder that is not there is refused', badUse, ['report', 'nowhere'], /\[ERR_RESULTS_INCOMPLETE\]: .*nowhere/)

test('a folder with something else in it is not overwritten', async t => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'thesis'))
  await writeFile(join(directory, 'thesis', 'manifest.json'), '{"name":"a web extension"}')
  const { exitCode, stderr } = await runCli(directory, ['run', 'queueing', '--out', 'thesis'])
  t.is(exitCode, 2)
  t.regex(stderr, /\[ERR_INVALID_OPTION\]: .*not overwritten; at --out; expected a folder that is new.*found "thesis"/)
  t.deepEqual(await readdir(join(directory, 'thesis')), ['manifest.json'])
})

test('a file is no folder for results', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'taken'), '')
  const { exitCode, stderr } = await runCli(directory, ['run', 'queueing', '--out', 'taken'])
  t.is(exitCode, 2)
  t.regex(stderr, /\[ERR_INVALID_OPTION\]: .*at --out; .*found "taken" \(ENOTDIR\)/)
})

test('a folder below a file cannot be made, and nothing is', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'taken'), '')
  const { exitCode, stderr } = await runCli(directory, ['run', 'queueing', '--out', 'taken/one/two'])
  t.is(exitCode, 2)
  t.regex(stderr, /\[ERR_INVALID_OPTION\]: the folder cannot be made; at --out; .*found "taken\/one\/two" \(ENOTDIR\)/)
  t.deepEqual(await readdir(directory), ['taken'])
})

// Elsewhere there is no folder in which not even root can make anything.
const onLinux = existsSync('/proc/self') ? test : test.skip

onLinux('a folder where nothing can be made is refused, and soon', async t => {
  t.timeout(10_000)
  const directory = await temporaryDirectory(t)
  for (const name of ['/proc/twinwire', '/proc/twinwire/one/two']) {
    const { exitCode, stderr } = await runCli(directory, ['run', 'queueing', '--out', name])
    t.is(exitCode, 2)
    t.regex(stderr, /^error \[ERR_INVALID_OPTION\]: the folder cannot be made; at --out; [^\n]*found "\/proc\/twinwire[^\n]*\((?:ENOENT|EACCES)\)\n$/)
  }
})

test('an experiment that does not load is named with its place, in one line, and is no bad use', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/broken-experiments/', import.meta.url) }
  const { exitCode, stdout, stderr } = await runCli(directory, ['run', 'throwing'], { machinery })
  t.is(exitCode, 1)
  t.is(stdout, '')
  t.regex(stderr, /^error \[ERR_EXPERIMENT_LOAD\]: the experiment cannot be loaded; at throwing\.ts; [^\n]*found Error: no such luck \(file:[^\n]*throwing\.ts:\d+:\d+\)\n$/)
})

test('help and version are no errors, and no command shows the help', async t => {
  const directory = await temporaryDirectory(t)
  const help = await runCli(directory, ['run', '--help'])
  t.is(help.exitCode, 0)
  t.regex(help.stdout, /--seeds <n>/)
  const version = await runCli(directory, ['--version'])
  t.is(version.exitCode, 0)
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/)
  const nothing = await runCli(directory, [])
  t.is(nothing.exitCode, 2)
  t.regex(nothing.stderr, /Usage: twinwire/)
})

test('list shows what can be run and changed', async t => {
  const directory = await temporaryDirectory(t)
  const { stdout } = await runCli(directory, ['list'])
  for (const expected of [/queueing: Queueing/, /Does tuning help\?/, /tuned +Tuned/, /plain +Plain \(baseline\)/, /busy +Busy network/, /delayMs=80 +one-way delay \(ms\)/]) {
    t.regex(stdout, expected)
  }
  const json: unknown = JSON.parse((await runCli(directory, ['list', '--json'])).stdout)
  t.like(json, [{
    name: 'queueing',
    arms: [{ name: 'plain', title: 'Plain' }, { name: 'tuned', title: 'Tuned' }],
    cases: [{ name: 'idle', arms: ['plain', 'tuned'] }, { name: 'busy' }],
    parameters: [{ name: 'delayMs', type: 'number', default: 80, description: 'one-way delay (ms)' }]
  }])
})
