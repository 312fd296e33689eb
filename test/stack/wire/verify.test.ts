import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import type { Machinery } from '../../../src/cli/execute.ts'
import type { VerifyOutput } from '../../../src/cli/verify-output.ts'
import { compiledProgram } from '../../../src/cli/verify-program.ts'
import { fakeMachinery } from '../../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../../fixtures/run-cli.ts'
import type { CliResult } from '../../fixtures/run-cli.ts'

const machinery: Machinery = {
  ...fakeMachinery(),
  experimentsDirectory: new URL('../../fixtures/verify-experiments/', import.meta.url),
  simWorker: new URL('../../../src/cli/sim-worker.ts', import.meta.url)
}

/** Of the fixture `chance`, on the simulator where nothing else is said. */
async function verify (...args: string[]): Promise<CliResult> {
  return await runCli(tmpdir(), ['verify', 'chance', ...args.includes('--wire') ? [] : ['--wire', 'sim'], ...args], { machinery })
}

async function verifyJson (...args: string[]): Promise<VerifyOutput> {
  return JSON.parse((await verify(...args, '--json')).stdout) as VerifyOutput
}

test.serial('what depends on its seed alone is the same in two processes, whatever their jobs', async t => {
  const { exitCode, stdout } = await verify('--seeds', '2', '--jobs', '3')
  t.is(exitCode, 0)
  const node = `Node ${process.versions.node}`
  t.true(stdout.startsWith(`chance: each run twice, in a process with ${node}, 1 job and in one with ${node}, 3 jobs\n`))
  for (const row of [/^sim +usual +plain +2 +[0-9a-f]{16} +ok$/m, /^sim +usual +other +2 +[0-9a-f]{16} +ok$/m, /^sim +one-armed +plain +2 +[0-9a-f]{16} +ok$/m]) {
    t.regex(stdout, row)
  }
  t.regex(stdout, /\n6 runs: the same in both processes\n$/)
})

test.serial('one case and one arm can be chosen, and one run has the trace hash that run and trace give it', async t => {
  const { runs, exitCode, holds, difference } = await verifyJson('--case', 'usual', '--arm', 'other', '--seed', 'here', '--seeds', '1')
  t.is(runs.length, 1)
  t.like(runs[0], { wire: 'sim', case: 'usual', arm: 'other', seed: 'here/0', same: true })
  t.is(runs[0].first.traceHash, runs[0].second.traceHash)
  t.deepEqual([exitCode, holds, difference], [0, true, undefined])
  const directory = await temporaryDirectory(t)
  const traced = await runCli(directory, ['trace', 'chance', '--case', 'usual', '--arm', 'other', '--seed', 'here', '--flows', 'flows.csv'], { machinery })
  t.true(traced.stdout.endsWith(`trace hash ${runs[0].first.traceHash}\n`))
})

test.serial('a wait of ambient chance is found: the first event that differs is its timer, after all that came before it', async t => {
  const { exitCode, stdout } = await verify('--set', 'source=math', '--seeds', '1', '--case', 'usual')
  t.is(exitCode, 1)
  t.regex(stdout, /^sim +usual +plain +1 +DIFFERS$/m)
  t.regex(stdout, /The first event that differs: sim usual, arm plain, seed twinwire\/0\n/)
  // Two waits of 1 ms, and one of 10 ms and more.
  t.regex(stdout, /^both {4}event \d+ at 1\.000000 ms: timer of a 0\nboth {4}event \d+ at 2\.000000 ms: timer of a 0$/m)
  const [first, second] = ['first ', 'second'].map(side => new RegExp(`^${side}  (event \\d+ at 12\\.\\d{6} ms: timer of a 0)$`, 'm').exec(stdout)?.[1])
  t.truthy(first)
  t.truthy(second)
  t.not(first, second)
  t.regex(stdout, /\n2 of 2 runs not the same in both processes\n$/)
})

test.serial('a sample of real time is found: it is recorded after the same event, and its value differs', async t => {
  const { exitCode, difference } = await verifyJson('--set', 'source=date', '--seeds', '1', '--case', 'usual', '--arm', 'plain')
  t.is(exitCode, 1)
  const { before, first, second } = difference?.events ?? { before: [], first: [''], second: [''] }
  t.regex(before.at(-1) ?? '', /^event \d+ at 12\.000000 ms: timer of a 0$/)
  const pattern = /^recorded after event (\d+): \{"type":"sample","timeMs":12,"host":"a","metric":"wait","value":[\d.]+,/
  t.is(pattern.exec(first[0])?.[1], pattern.exec(second[0])?.[1])
  t.regex(first[0], pattern)
  t.not(first[0], second[0])
})

test.serial('a difference that shows only after other runs is found too, because they are made again before it', async t => {
  const { runs, difference } = await verifyJson('--set', 'source=left-behind', '--seeds', '2', '--case', 'usual', '--arm', 'plain', '--jobs', '1')
  t.deepEqual(runs.map(({ same }) => same), [true, false])
  t.is(difference?.seed, 'twinwire/1')
  t.regex(difference?.events?.first[0] ?? '', /^event \d+ at 12\.\d{6} ms: timer of a 0$/)
})

test.serial('on the stack ambient chance and time are the seed\'s, so that what depends on them is the same all the same', async t => {
  for (const source of ['math', 'date']) {
    const { exitCode, runs } = await verifyJson('--wire', 'stack', '--set', `source=${source}`, '--seeds', '2', '--case', 'usual', '--arm', 'plain')
    t.is(exitCode, 0)
    t.deepEqual(runs.map(({ wire, same }) => [wire, same]), [['stack', true], ['stack', true]])
    // Virtual time is the same whatever the seed, chance is not.
    t.is(runs[0].first.traceHash === runs[1].first.traceHash, source === 'date')
  }
})

test.serial('a run that fails is told of, though it fails the same way twice', async t => {
  const { exitCode, stdout } = await verify('--set', 'source=throws', '--seeds', '1', '--case', 'usual', '--arm', 'plain')
  t.is(exitCode, 1)
  t.regex(stdout, /^sim +usual +plain +1 +[0-9a-f]{16}-[0-9a-f]{16} +FAILS$/m)
  t.regex(stdout, /^sim usual, arm plain, seed twinwire\/0: fails, both times alike: [0-9a-f-]{33} RangeError \(too long\)$/m)
  t.regex(stdout, /\n1 of 1 run failed\n$/)
})

test.serial('a process that dies has no result, which is no agreement', async t => {
  const { exitCode, runs } = await verifyJson('--set', 'source=dies', '--seeds', '1', '--case', 'usual', '--arm', 'plain')
  t.is(exitCode, 1)
  t.false(runs[0].same)
  t.is(runs[0].first.error?.code, 'ERR_PROCESS_DIED')
  t.regex(runs[0].second.error?.message ?? '', /SIGKILL/)
})

test.serial('a verification that was cut short says so, and leaves nothing behind', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout, stderr } = await runCli(directory, ['verify', 'chance'], { machinery, signal: AbortSignal.abort() })
  t.is(exitCode, 130)
  t.is(stdout, '')
  t.regex(stderr, /interrupted\n$/)
  t.deepEqual(await readdir(directory), [])
})

const badUse = test.macro(async (t, args: readonly string[], expected: RegExp) => {
  const { exitCode, stdout, stderr } = await verify(...args)
  t.is(exitCode, 2)
  t.is(stdout, '')
  t.regex(stderr, /^error \[ERR_[A-Z_]+\]: [^\n]+\n$/)
  t.regex(stderr, expected)
})

test('a wire in real time is refused', badUse, ['--wire', 'tcp'], /\[ERR_INVALID_OPTION\]: there is no such name; at --wire; expected .*sim, .*stack, .*all.*; found "tcp"/)
test('an unknown case names the nearest', badUse, ['--case', 'usuel'], /at --case; expected usual .*found "usuel"/)
test('an unknown arm names those known', badUse, ['--arm', 'third'], /at --arm; .*plain, other.*; found "third"/)
test('an arm that takes no part in the case is refused', badUse, ['--case', 'one-armed', '--arm', 'other'], /there is nothing to run; at --arm; expected an arm that takes part in the case one-armed; found other/)
test('no jobs are refused', badUse, ['--jobs', '0'], /at --jobs; expected a whole number from 1 to 256/)
test('an unknown parameter is refused', badUse, ['--set', 'sauce=math'], /\[ERR_UNKNOWN_OPTION\]: .*expected source/)
test('another Node that is not there is refused', badUse, ['--node', '/no/such/node'], /\[ERR_INVALID_OPTION\]: this is no Node; at --node; expected the path of a Node\.js binary; found "\/no\/such\/node"/)

test('another Node that is too old is refused', async t => {
  if (process.platform === 'win32') {
    t.pass('a script is no programme there')
    return
  }
  const old = join(await temporaryDirectory(t), 'node')
  await writeFile(old, '#!/bin/sh\necho 22.19.0\n', { mode: 0o755 })
  const { exitCode, stderr } = await verify('--node', old)
  t.is(exitCode, 2)
  t.regex(stderr, /^error \[ERR_NODE_VERSION\]: this Node is too old for twinwire; at --node; expected 22\.20 or later; found 22\.19\.0 /)
})

test('a compiled package that is missing or older than a source is refused by its name; one without sources is not', async t => {
  const directory = await temporaryDirectory(t)
  const root = pathToFileURL(`${directory}/`)
  const source = join(directory, 'src', 'deep', 'file.ts')
  const compiled = join(directory, 'dist', 'src', 'deep', 'file.js')
  await mkdir(join(directory, 'src', 'deep'), { recursive: true })
  await mkdir(join(directory, 'dist', 'src', 'deep'), { recursive: true })
  await writeFile(source, '')
  const missing = await t.throwsAsync(compiledProgram(root), { code: 'ERR_INVALID_OPTION' })
  t.true(missing?.message.endsWith(`at --node; expected npm run build before; found ${compiled} is missing`))
  await writeFile(compiled, '')
  await utimes(compiled, 1000, 1000)
  const stale = await t.throwsAsync(compiledProgram(root), { code: 'ERR_INVALID_OPTION' })
  t.true(stale?.message.endsWith(`${compiled} is older than its source`))
  await utimes(source, 1000, 1000)
  const { entry } = await compiledProgram(root)
  t.is(entry.href, new URL('dist/src/cli/verify-process.js', root).href)
  await t.notThrowsAsync(compiledProgram(pathToFileURL(`${await temporaryDirectory(t)}/`)))
})
