import { execFile, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { Interruption } from '../../src/cli/interruption.ts'
import { OutputFile, writeWhole } from '../../src/cli/output-file.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { SimWire } from '../../src/wires/sim.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { readPcapng, readTcp } from '../fixtures/pcapng.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const FILES = ['--pcap', 'a.pcapng', '--perfetto', 'a.json', '--probe', 'a.csv', '--flows', 'flows.csv']
const NAMES = ['a.csv', 'a.json', 'a.pcapng', 'flows.csv']

/** The experiments as they ship. */
const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../../experiments/', import.meta.url) }

const measurements: ReadonlyArray<readonly string[]> = [
  ['bulk', '--seeds', '2', '--duration', '6s', '--loss', '0.01'],
  ['fct', '--repeat', '3', '--loss', '0.01'],
  ['connect', '--repeat', '3'],
  ['pair', '--seeds', '1', '--duration', '21s']
]

for (const measurement of measurements) {
  test(`path ${measurement[0]} measures the same with traces, and leaves those of its first repetition`, async t => {
    const directory = await temporaryDirectory(t)
    const plain = await runCli(directory, ['path', ...measurement, '--json'])
    const traced = await runCli(directory, ['path', ...measurement, '--json', ...FILES])
    t.deepEqual(traced, plain)
    t.deepEqual((await readdir(directory)).sort(), NAMES)
    const flows = (await readFile(join(directory, 'flows.csv'), 'utf8')).trimEnd().split('\n')
    t.is(flows.length, measurement[0] === 'pair' ? 5 : 3)
    const { packets } = readPcapng(await readFile(join(directory, 'a.pcapng')))
    t.true(packets.length >= 3 && readTcp(packets[0].bytes).destinationPort === 5001)
    t.true((JSON.parse(await readFile(join(directory, 'a.json'), 'utf8')) as { traceEvents: unknown[] }).traceEvents.length > 5)
  })
}

test('a traced run of an experiment is the run that it has without, and shows libp2p\'s connections', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout, stderr } = await runCli(directory, ['trace', 'connection-setup', '--case', 'round-trips', '--arm', 'plain', '--repetition', '1', ...FILES], { machinery })
  t.is(stderr, '')
  t.is(exitCode, 0)
  const loaded = await loadExperiment('connection-setup', machinery.experimentsDirectory)
  const alone = await runUnit({
    loaded, parameters: loaded.experiment.parameters.parse({}) as Record<string, number>, wire: new SimWire(),
    unit: { wire: 'sim', case: 'round-trips', arm: 'plain', seed: 'twinwire/1' }
  })
  t.is(stdout, `round-trips, plain, seed twinwire/1: ${alone.samples.length} samples, trace hash ${alone.traceHash ?? ''}\n`)
  t.deepEqual((await readdir(directory)).sort(), NAMES)
  const { packets, interfaces } = readPcapng(await readFile(join(directory, 'a.pcapng')))
  t.deepEqual(interfaces.map(({ name }) => name), ['client'])
  // The addresses of the hosts as the dialler knows them: /ip4/10.0.1.1/tcp/4001.
  t.like(readTcp(packets[0].bytes), { source: '10.0.0.1', destination: '10.0.1.1', destinationPort: 4001 })
  const flows = await readFile(join(directory, 'flows.csv'), 'utf8')
  t.regex(flows, /^1,client,server-0,/m)
})

test('without a choice the first case, arm and repetition are traced', async t => {
  const directory = await temporaryDirectory(t)
  const { stdout } = await runCli(directory, ['trace', 'connection-setup', '--flows', 'flows.csv'], { machinery })
  t.regex(stdout, /^round-trips, plain, seed twinwire\/0: /)
})

const badUse = test.macro(async (t, args: readonly string[], expected: RegExp) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'folder'))
  const { exitCode, stdout, stderr } = await runCli(directory, args, { machinery })
  t.is(exitCode, 2)
  t.is(stdout, '')
  t.regex(stderr, /^error \[ERR_[A-Z_]+\]: [^\n]+\n$/)
  t.regex(stderr, expected)
  t.deepEqual(await readdir(directory), ['folder'])
})

test('a trace in a folder that there is not is refused before the run', badUse, ['path', 'bulk', '--pcap', 'nowhere/a.pcapng'], /\[ERR_INVALID_OPTION\]: the file cannot be written; at --pcap; .*ENOENT/)
test('a trace in the place of a folder is refused', badUse, ['path', 'bulk', '--perfetto', 'folder'], /at --perfetto; .*EISDIR/)
test('where one of two traces is refused nothing is left of the other', badUse, ['trace', 'connection-setup', '--pcap', 'a.pcapng', '--probe', 'nowhere/a.csv'], /at --probe/)
test('two traces in one file are refused', badUse, ['path', 'bulk', '--pcap', 'a', '--probe', 'a'], /two options cannot name one file; at --pcap; expected another file than that of --probe/)
test('two traces in one file are refused however it is spelled', badUse, ['path', 'bulk', '--pcap', 'folder/a', '--perfetto', 'folder/../folder/a'], /two options cannot name one file; at --pcap; expected another file than that of --perfetto/)
for (const option of ['--pcap', '--perfetto', '--probe', '--flows', '--trace', '--trace-backward']) {
  test(`${option} without a name is refused`, badUse, ['path', 'bulk', option, ''], new RegExp(`\\[ERR_INVALID_OPTION\\]: .*at ${option}; expected the name of a file; found ""`))
}
test('jitter of nothing is refused', badUse, ['path', 'bulk', '--jitter', ''], /at --jitter; expected a distribution or the name of a file; found ""/)
test('results in a folder without a name are refused', badUse, ['run', 'connection-setup', '--out', ''], /at --out; expected the name of a folder; found ""/)
test('a report without a name is refused', badUse, ['report', 'folder', '--out', ''], /at --out; expected the name of a file; found ""/)
test('a trace to nowhere is refused', badUse, ['trace', 'connection-setup'], /nothing to trace to; .*--pcap/)
test('a case that there is not names the nearest', badUse, ['trace', 'connection-setup', '--case', 'round-trip', '--pcap', 'a'], /at --case; expected round-trips/)
test('an arm that there is not is refused', badUse, ['trace', 'connection-setup', '--arm', 'none', '--pcap', 'a'], /at --arm; expected one of plain/)
test('an experiment that there is not names the nearest', badUse, ['trace', 'connection-set', '--pcap', 'a'], /\[ERR_UNKNOWN_EXPERIMENT\]: .*connection-setup/)
test('half a repetition is refused', badUse, ['trace', 'connection-setup', '--repetition', '0.5', '--pcap', 'a'], /at --repetition; expected a whole number from 0/)

test('a command that is cut short leaves no file, and the one that was there before as it was', async t => {
  for (const command of [['path', 'bulk'], ['trace', 'connection-setup']]) {
    const directory = await temporaryDirectory(t)
    await writeFile(join(directory, 'a.csv'), 'before')
    const { exitCode } = await runCli(directory, [...command, ...FILES], { machinery, signal: AbortSignal.abort() })
    t.is(exitCode, 130)
    t.deepEqual(await readdir(directory), ['a.csv'])
    t.is(await readFile(join(directory, 'a.csv'), 'utf8'), 'before')
  }
})

test('cut short by SIGTERM a measurement ends as a trace does', async t => {
  for (const command of [['path', 'bulk'], ['trace', 'connection-setup', '--flows', 'a']]) {
    const { exitCode } = await runCli(await temporaryDirectory(t), command, { machinery, signal: AbortSignal.abort(new Interruption('SIGTERM')) })
    t.is(exitCode, 143)
  }
})

test('what is no file is written to as it is', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode } = await runCli(directory, ['path', 'connect', '--repeat', '1', '--pcap', '/dev/null'])
  t.is(exitCode, 0)
  t.deepEqual(await readdir(directory), [])
})

const onUnix = process.platform === 'win32' ? test.skip : test

onUnix('one file by way of two folders is one file', async t => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'here'))
  await symlink('here', join(directory, 'there'))
  const { exitCode, stderr } = await runCli(directory, ['path', 'bulk', '--pcap', 'here/a', '--flows', 'there/a'])
  t.is(exitCode, 2)
  t.regex(stderr, /^error \[ERR_INVALID_OPTION\]: two options cannot name one file; at --pcap; [^\n]*--flows[^\n]*\n$/)
  t.deepEqual(await readdir(join(directory, 'here')), [])
})

onUnix('a trace to a FIFO is refused, and does not wait for a reader', async t => {
  const directory = await temporaryDirectory(t)
  await promisify(execFile)('mkfifo', [join(directory, 'fifo')])
  const { exitCode, stderr } = await runCli(directory, ['path', 'bulk', '--pcap', 'fifo'])
  t.is(exitCode, 2)
  t.regex(stderr, /^error \[ERR_INVALID_OPTION\]: the file cannot be written; at --pcap; expected a file [^\n]*; found "fifo" \(neither a file nor a device\)\n$/)
  t.deepEqual(await readdir(directory), ['fifo'])
})

onUnix('a trace through a symbolic link is in the file that it shows to', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'file'), 'before')
  await symlink('file', join(directory, 'name'))
  t.is((await runCli(directory, ['path', 'connect', '--repeat', '1', '--flows', 'name'])).exitCode, 0)
  t.regex(await readFile(join(directory, 'file'), 'utf8'), /^1,/m)
  t.deepEqual((await readdir(directory)).sort(), ['file', 'name'])
})

test('an input is not overwritten', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'a'), '1\n')
  for (const option of ['--trace', '--trace-backward', '--jitter']) {
    const { exitCode, stderr } = await runCli(directory, ['path', 'bulk', option, 'a', '--pcap', './a'])
    t.is(exitCode, 2)
    t.regex(stderr, new RegExp(`^error \\[ERR_INVALID_OPTION\\]: two options cannot name one file; at --pcap; expected another file than that of ${option}; found "./a"\n$`))
    t.is(await readFile(join(directory, 'a'), 'utf8'), '1\n')
    t.deepEqual(await readdir(directory), ['a'])
  }
})

test('a file that cannot be put in its place is a coded error, and nothing is left of it', async t => {
  const directory = await temporaryDirectory(t)
  const file = new OutputFile('--pcap', directory, 'a')
  await mkdir(join(directory, 'a'))
  t.like(t.throws(() => file.commit()), { code: 'ERR_INVALID_OPTION', path: '--pcap' })
  file.discard()
  t.deepEqual(await readdir(directory), ['a'])
})

test('a file that was not completed keeps no process from writing it, though it has the same number', async t => {
  const directory = await temporaryDirectory(t)
  const killed = new OutputFile('--pcap', directory, 'a')
  writeWhole('--pcap', directory, 'a', 'whole')
  t.is(await readFile(join(directory, 'a'), 'utf8'), 'whole')
  killed.discard()
  t.deepEqual(await readdir(directory), ['a'])
})

test('a process that ends at once leaves nothing of the file that it was writing', async t => {
  const directory = await temporaryDirectory(t)
  const program = `
    import { OutputFile } from ${JSON.stringify(new URL('../../src/cli/output-file.ts', import.meta.url).href)}
    import { readdirSync } from 'node:fs'
    const file = new OutputFile('--pcap', '.', 'a')
    file.write(new Uint8Array(1))
    process.stdout.write(String(readdirSync('.').length))
    process.exit(130)
  `
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: directory, encoding: 'utf8' })
  t.is(status, 130)
  t.is(stdout, '1')
  t.deepEqual(await readdir(directory), [])
})

for (const [into, found] of [['a file', "the command's own output"], ['a pipe', 'neither a file nor a device']]) {
  onUnix(`a trace into the stdout of the command is refused where that is ${into}`, async t => {
    const directory = await temporaryDirectory(t)
    const stdout = openSync(join(directory, 'out'), 'w')
    const { status, stderr } = spawnSync('/bin/sh', ['-c', `exec "$0" "$@"${into === 'a pipe' ? ' | cat; exit 2' : ''}`, process.execPath, fileURLToPath(new URL('../../bin/twinwire.js', import.meta.url)), 'path', 'connect', '--repeat', '1', '--json', '--flows', '/dev/stdout'], { cwd: directory, stdio: ['ignore', stdout, 'pipe'], encoding: 'utf8' })
    closeSync(stdout)
    t.is(status, 2)
    t.true(stderr.includes('at --flows;') && stderr.endsWith(`(${found})\n`), stderr)
    t.deepEqual(await readdir(directory), ['out'])
    t.is(await readFile(join(directory, 'out'), 'utf8'), '')
  })
}
