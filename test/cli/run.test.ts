import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import type { RunOutput } from '../../src/cli/json-output.ts'
import { TwinwireError } from '../../src/core/errors.ts'
import { FakeWire } from '../fixtures/fake-wire.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'
import type { RunOutcome, RunRequest } from '../../src/wires/wire.ts'

interface Manifest {
  command: string
  status: string
  startedAt: string
  tookSeconds: number
  finishedAt: string
  plan: unknown
  armOrder?: string
  units: Array<{ wire: string, case: string, arm: string, seed: string, error?: { code: string, message: string } }>
}

/** With experiments whose thresholds do not hold. */
function unkept (): ReturnType<typeof fakeMachinery> {
  return { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/unkept/', import.meta.url) }
}

async function manifestOf (directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Manifest
}

test.serial('a run states verdicts, checks thresholds, and leaves results and a report', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout, stderr } = await runCli(directory, ['run', 'queueing', '--seeds', '12', '--out', 'here'])
  t.is(exitCode, 0)
  // FakeWire halves every value of the arm 'tuned'.
  t.regex(stdout, /idle +response-p50 +plain +[\d.]+ ms +baseline/)
  t.regex(stdout, /tuned +[\d.]+ ms +-50% +improved/)
  t.regex(stdout, /pass +idle: response-p50 of tuned at most 60 ms; found 4\d\.\d ms/)
  t.regex(stdout, /not checked  idle: response-p50 of plain simulated within 1 ms of real; not run on both wires/)
  t.regex(stdout, /Report: here\/report\.html\n$/)
  // The median and the worst run of each case and arm are run again.
  t.regex(stderr, /56\/56 runs, idle response-p50: tuned -50% so far\n$/)
  t.deepEqual((await readdir(join(directory, 'here'))).sort(), ['manifest.json', 'report.html', 'samples.parquet', 'summary.csv'])
  const { command, plan, status } = await manifestOf(join(directory, 'here'))
  t.is(command, 'twinwire run queueing --seed twinwire --seeds 12')
  t.deepEqual(plan, [{ wire: 'sim', seeds: Array.from({ length: 12 }, (_, i) => `twinwire/${i}`) }])
  t.is(status, 'complete')
})

test.serial('without --out each run has a folder of its own under results', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '1'])
  const [name] = await readdir(join(directory, 'results'))
  t.regex(name, /^queueing-\d{8}-\d{6}$/)
})

test.serial('the number of jobs changes no byte of the results', async t => {
  const directory = await temporaryDirectory(t)
  for (const jobs of ['1', '2']) {
    await runCli(directory, ['run', 'queueing', '--seeds', '6', '--set', 'delayMs=20ms', '--jobs', jobs, '--out', jobs])
  }
  for (const file of ['samples.parquet', 'summary.csv']) {
    t.deepEqual(await readFile(join(directory, '1', file)), await readFile(join(directory, '2', file)), file)
  }
  const timeless = async (jobs: string): Promise<Manifest> => ({ ...await manifestOf(join(directory, jobs)), startedAt: '', tookSeconds: 0, finishedAt: '' })
  t.deepEqual(JSON.stringify(await timeless('1')), JSON.stringify(await timeless('2')))
})

test.serial('another root seed gives other results', async t => {
  const directory = await temporaryDirectory(t)
  for (const seed of ['one', 'two']) {
    await runCli(directory, ['run', 'queueing', '--seeds', '1', '--seed', seed, '--out', seed])
  }
  t.notDeepEqual(await readFile(join(directory, 'one', 'summary.csv')), await readFile(join(directory, 'two', 'summary.csv')))
})

test.serial('a report made again has the same bytes', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '2', '--out', 'here'])
  const { exitCode, stdout } = await runCli(directory, ['report', 'here', '--out', 'again.html'])
  t.is(exitCode, 0)
  t.is(stdout, 'Report: again.html\n')
  t.deepEqual(await readFile(join(directory, 'again.html')), await readFile(join(directory, 'here', 'report.html')))
})

test.serial('results that were tampered with make no report', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'here'])
  await writeFile(join(directory, 'here', 'summary.csv'), 'all is well\n')
  const { exitCode, stderr } = await runCli(directory, ['report', 'here'])
  t.is(exitCode, 2)
  t.regex(stderr, /^error \[ERR_INVALID_FILE\]: [^\n]*summary\.csv[^\n]*\n$/)
})

test.serial('a report that cannot be written is an error of the command line', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'here'])
  const { exitCode, stderr } = await runCli(directory, ['report', 'here', '--out', 'no/such/folder.html'])
  t.is(exitCode, 2)
  t.regex(stderr, /^error \[ERR_INVALID_OPTION\]: the file cannot be written; at --out/)
  if (process.platform !== 'win32') {
    await promisify(execFile)('mkfifo', [join(directory, 'fifo')])
    const waiting = await runCli(directory, ['report', 'here', '--out', 'fifo'])
    t.is(waiting.exitCode, 2)
    t.regex(waiting.stderr, /at --out; [^\n]*found "[^"]*fifo" \(neither a file nor a device\)\n$/)
  }
})

test.serial('an earlier run in the folder is replaced', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'here'])
  const { exitCode } = await runCli(directory, ['run', 'queueing', '--seeds', '2', '--out', 'here'])
  t.is(exitCode, 0)
  t.is((await manifestOf(join(directory, 'here'))).units.length, 8)
})

test.serial('--json is one object with the verdicts', async t => {
  const directory = await temporaryDirectory(t)
  const { stdout } = await runCli(directory, ['run', 'queueing', '--seeds', '12', '--out', 'here', '--json'])
  const output = JSON.parse(stdout) as RunOutput
  t.like(output, {
    experiment: 'queueing',
    directory: join(directory, 'here'),
    report: join(directory, 'here', 'report.html'),
    status: 'complete',
    exitCode: 0,
    agreements: [],
    thresholds: [{ case: 'idle', metric: 'response-p50', arm: 'tuned', limit: 60, direction: 'at-most', holds: true }],
    holes: []
  })
  t.deepEqual(output.findings.map(finding => [finding.wire, finding.case, finding.metric, finding.arms.map(arm => arm.comparison?.verdict)]), [
    ['sim', 'idle', 'response-p50', [undefined, 'improved']],
    ['sim', 'busy', 'response-p50', [undefined, 'improved']]
  ])
})

test.serial('a threshold that does not hold makes the exit code 1', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout } = await runCli(directory, ['run', 'unkept', '--seeds', '2'], { machinery: unkept() })
  t.is(exitCode, 1)
  t.regex(stdout, /FAIL +idle: response-p50 of tuned at most 30 ms; found 4\d\.\d ms/)
})

test.serial('before it starts a run says where so few seeds can give no verdict, and how many it takes', async t => {
  const directory = await temporaryDirectory(t)
  const note = (stderr: string): string | undefined => /^note: .*/.exec(stderr)?.[0]
  const { stderr } = await runCli(directory, ['run', 'queueing', '--seeds', '6'])
  // Two cases of one metric and two arms: 2^(1 - 6) times 2 is 6%, 2^(1 - 7) times 2 is 3%.
  t.is(note(stderr), 'note: 6 seeds in simulation are too few for any of 2 comparisons to be significant, however clear the effect: it takes 7.')
  // Real peers have few seeds by design, and the simulation leads.
  t.is(note((await runCli(directory, ['validate', 'queueing', '--seeds', '7', '--stack-seeds', '0', '--tcp-seeds', '1'])).stderr), undefined)
  const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/stack-only/', import.meta.url) }
  t.regex(note((await runCli(directory, ['validate', 'real-protocol', '--stack-seeds', '2', '--tcp-seeds', '1'], { machinery })).stderr) ?? '', /^note: 2 seeds on the stack are too few/)
})

test.serial('a threshold is stated for the defaults: with another parameter it is not checked, says so and fails nothing', async t => {
  const directory = await temporaryDirectory(t)
  // 'tuned' takes at least half of 200 ms, and at most 60 are promised of 80.
  const args = ['validate', 'queueing', '--seeds', '2', '--stack-seeds', '0', '--tcp-seeds', '1', '--set', 'delayMs=200ms', '--set', 'requests=5']
  const { exitCode, stdout } = await runCli(directory, [...args, '--out', 'here'])
  t.is(exitCode, 0)
  // `requests` is 5 by default.
  t.regex(stdout, /not checked {2}idle: response-p50 of tuned at most 60 ms; stated for the defaults, and changed is delayMs\n/)
  t.regex(stdout, /not checked {2}idle: response-p50 of plain simulated within 1 ms of real; stated for the defaults, and changed is delayMs\n/)
  t.regex(await readFile(join(directory, 'here', 'report.html'), 'utf8'), /at most 60 ms<\/td><td>stated for the defaults, and changed is delayMs<\/td><td>not checked/)
})

test.serial('validate runs on real peers too and states the agreement', async t => {
  const directory = await temporaryDirectory(t)
  const tcp = new FakeWire('tcp')
  const { exitCode, stdout } = await runCli(directory, ['validate', 'queueing', '--seeds', '3', '--stack-seeds', '0', '--tcp-seeds', '2', '--out', 'here'], { machinery: fakeMachinery(tcp) })
  t.is(exitCode, 0)
  t.regex(stdout, /Agreement of the wires, on the same seeds\ncase +samples +arm +p50: simulated \/ real +p90 +p99 +sim-tcp: p50, gap\n/)
  t.regex(stdout, /idle +response +plain +[\d.]+ ms \/ [\d.]+ ms +[\d.]+ ms \/ [\d.]+ ms +[\d.]+ ms \/ [\d.]+ ms +0%, 0.00\n/)
  t.regex(stdout, /Can it be believed\?\nThe simulation can be believed for this question: all 2 metrics agree with real peers in medians and effects\./)
  t.regex(stdout, /pass  idle: response-p50 of plain simulated within 1 ms of real; found 0 ms \(8\d\.\d ms simulated, 8\d\.\d ms real\)/)
  t.is(tcp.stopped, 1)
  const { command, armOrder, units } = await manifestOf(join(directory, 'here'))
  t.is(command, 'twinwire validate queueing --seed twinwire --seeds 3 --stack-seeds 0 --tcp-seeds 2')
  t.is(armOrder, 'drawn')
  t.is(units.filter(({ wire }) => wire === 'tcp').length, 8)
})

test.serial('validate runs each wire with the seeds that it is given, all roots of chance shared', async t => {
  const directory = await temporaryDirectory(t)
  const [tcp, stack] = [new FakeWire('tcp'), new FakeWire('stack')]
  const { exitCode } = await runCli(directory, ['validate', 'queueing', '--seeds', '3', '--stack-seeds', '2', '--tcp-seeds', '1', '--out', 'here'], { machinery: fakeMachinery(tcp, stack) })
  t.is(exitCode, 0)
  t.is(stack.stopped, 1)
  const { command, plan, status } = await manifestOf(join(directory, 'here'))
  t.is(command, 'twinwire validate queueing --seed twinwire --seeds 3 --stack-seeds 2 --tcp-seeds 1')
  t.deepEqual(plan, [
    { wire: 'sim', seeds: ['twinwire/0', 'twinwire/1', 'twinwire/2'] }, { wire: 'stack', seeds: ['twinwire/0', 'twinwire/1'] }, { wire: 'tcp', seeds: ['twinwire/0'] }
  ])
  t.is(status, 'complete')
})

test.serial('validate states three wires side by side, in text and as JSON', async t => {
  const directory = await temporaryDirectory(t)
  const args = ['validate', 'far-off', '--seeds', '3', '--stack-seeds', '2', '--tcp-seeds', '2']
  const { stdout: text } = await runCli(directory, [...args, '--out', 'text'], { machinery: unkept() })
  t.regex(text, /Stack: the whole of js-libp2p over simulated TCP, 2 seeds/)
  t.regex(text, /p50: simulated \/ stack \/ real +p90 +p99 +sim-stack: p50, gap +stack-tcp: p50, gap +sim-tcp: p50, gap\n/)
  // Real peers take 5 ms longer than the 81 to 86 ms of the other two.
  t.regex(text, /idle +response +plain +8\d\.\d ms \/ 8\d\.\d ms \/ 8\d\.\d ms .* 0%, 0\.00 +-5\.\d%, (?:0\.\d\d|1\.00) +-5\.\d%, (?:0\.\d\d|1\.00)\n/)
  t.regex(text, /FAIL  idle: response-p50 of plain simulated within 1 ms of real; found 5(\.00)? ms/)
  const { stdout } = await runCli(directory, [...args, '--out', 'json', '--json'], { machinery: unkept() })
  const { agreements, beliefs, believed, agreementThresholds } = JSON.parse(stdout) as RunOutput
  t.is(believed, 'The simulation can be believed for this question: all 2 metrics agree with real peers in medians and effects.')
  t.deepEqual(agreements.slice(0, 3).map(({ model, reference, seeds, quantiles }) => [model, reference, seeds, quantiles.map(({ probability }) => probability)]), [
    ['sim', 'stack', 2, [0.5, 0.9, 0.99]], ['stack', 'tcp', 2, [0.5, 0.9, 0.99]], ['sim', 'tcp', 2, [0.5, 0.9, 0.99]]
  ])
  t.like(beliefs[0], { case: 'idle', metric: 'response-p50', model: 'sim', reference: 'tcp', belief: 'all', text: 'believe' })
  t.regex(beliefs[0].cause ?? '', /^computing and the kernel \(simulated against stack 0%, stack against real -5\.\d%\)$/)
  t.like(agreementThresholds[0], { model: 'sim', reference: 'tcp', holds: false })
})

test.serial('validate lets the stack do without cryptography, and its command says so', async t => {
  const directory = await temporaryDirectory(t)
  const asked: unknown[] = []
  const stack = new FakeWire('stack')
  const { exitCode } = await runCli(directory, ['validate', 'queueing', '--seeds', '1', '--stack-seeds', '1', '--tcp-seeds', '0', '--stack-cipher', 'null', '--out', 'here'], {
    machinery: { ...fakeMachinery(), createStackWire: async options => { asked.push(options); return stack } }
  })
  t.is(exitCode, 0)
  t.deepEqual(asked, [{ cipher: 'null' }])
  t.is((await manifestOf(join(directory, 'here'))).command, 'twinwire validate queueing --seed twinwire --seeds 1 --stack-seeds 1 --tcp-seeds 0 --stack-cipher null')
})

test.serial('a wire with no seeds is not loaded, and nothing is missing without it', async t => {
  const directory = await temporaryDirectory(t)
  const notWanted = async (): Promise<never> => await Promise.reject(new Error('nobody asked for this wire'))
  const { exitCode } = await runCli(directory, ['validate', 'queueing', '--seeds', '2', '--stack-seeds', '0', '--tcp-seeds', '0', '--out', 'here'], {
    machinery: { ...fakeMachinery(), createStackWire: notWanted, createTcpWire: notWanted }
  })
  t.is(exitCode, 0)
  const { command, plan, status } = await manifestOf(join(directory, 'here'))
  t.is(command, 'twinwire validate queueing --seed twinwire --seeds 2 --stack-seeds 0 --tcp-seeds 0')
  t.deepEqual(plan, [{ wire: 'sim', seeds: ['twinwire/0', 'twinwire/1'] }])
  t.is(status, 'complete')
})

test.serial('an experiment that the simulation cannot carry is refused by run and validated on the other wires', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/stack-only/', import.meta.url) }
  const refused = await runCli(directory, ['run', 'real-protocol'], { machinery })
  t.is(refused.exitCode, 2)
  t.regex(refused.stderr, /^error \[ERR_UNSUPPORTED\]: no case of real-protocol runs on sim; at experiment; expected validate, with seeds on stack or tcp\n$/)
  t.deepEqual(await readdir(directory), [])
  const { exitCode } = await runCli(directory, ['validate', 'real-protocol', '--stack-seeds', '2', '--tcp-seeds', '2', '--out', 'here'], { machinery })
  t.is(exitCode, 0)
  const { status, units } = await manifestOf(join(directory, 'here'))
  t.is(status, 'complete')
  t.deepEqual([...new Set(units.map(({ wire }) => wire))], ['stack', 'tcp'])
})

test.serial('validate joins real peers by the network that is named, and a machine without it says so before anything runs', async t => {
  const directory = await temporaryDirectory(t)
  const args = ['validate', 'queueing', '--seeds', '1', '--stack-seeds', '0', '--tcp-seeds', '1', '--tcp-network', 'namespaces', '--out', 'here']
  const asked: unknown[] = []
  const poor = { ...fakeMachinery(), createTcpWire: async () => { throw new TwinwireError('ERR_UNSUPPORTED', 'no namespaces', { expected: 'Linux' }) } }
  const refused = await runCli(directory, args, { machinery: poor })
  t.is(refused.exitCode, 2)
  t.regex(refused.stderr, /^error \[ERR_UNSUPPORTED\]: no namespaces; expected Linux\n$/)
  t.deepEqual(await readdir(directory), [])
  const tcp = new FakeWire('tcp')
  await runCli(directory, args, { machinery: { ...fakeMachinery(), createTcpWire: async network => { asked.push(network); return tcp } } })
  t.deepEqual(asked, ['namespaces'])
  t.is(tcp.stopped, 1)
  t.is((await manifestOf(join(directory, 'here'))).command, 'twinwire validate queueing --seed twinwire --seeds 1 --stack-seeds 0 --tcp-seeds 1 --tcp-network namespaces')
})

test.serial('simulation that is farther from real peers than promised makes the exit code 1', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout } = await runCli(directory, ['validate', 'far-off', '--seeds', '2', '--tcp-seeds', '2', '--json'], { machinery: unkept() })
  t.is(exitCode, 1)
  const { agreementThresholds, thresholds } = JSON.parse(stdout) as RunOutput
  t.like(agreementThresholds, [{ case: 'idle', metric: 'response-p50', arm: 'plain', limitMs: 1, checked: true, holds: false }])
  t.true(thresholds.every(({ holds }) => holds))
})

test.serial('real runs that mostly wait share the machine, where that has 4 GB or more eight of them; the others have it alone', async t => {
  const directory = await temporaryDirectory(t)
  const tcp = new FakeWire('tcp')
  await runCli(directory, ['validate', 'queueing', '--seeds', '1', '--tcp-seeds', '4', '--set', 'unitTimeMs=20'], { machinery: fakeMachinery(tcp) })
  const busy = tcp.beside.filter(running => running.some(id => id.startsWith('busy')))
  t.is(busy.length, 8)
  t.true(busy.every(({ length }) => length === 1))
  const idle = tcp.beside.filter(running => running.every(id => id.startsWith('idle')))
  t.is(Math.max(...idle.map(({ length }) => length)), 8)
})

test.serial('the stack runs as many at a time as there are jobs, and never beside what is measured in real time', async t => {
  const directory = await temporaryDirectory(t)
  const [tcp, stack] = [new FakeWire('tcp'), new FakeWire('stack')]
  await runCli(directory, ['validate', 'queueing', '--seeds', '1', '--stack-seeds', '2', '--tcp-seeds', '1', '--jobs', '3', '--set', 'unitTimeMs=20'], { machinery: fakeMachinery(tcp, stack) })
  t.is(stack.beside.length, 8)
  t.is(Math.max(...stack.beside.map(({ length }) => length)), 3)
  t.true(stack.lastEndedMs <= tcp.firstBeganMs)
})

class InterruptingWire extends FakeWire {
  readonly #interrupt: AbortController
  #busyLeft: number

  constructor (interrupt: AbortController, busyRuns: number) {
    super('tcp')
    this.#interrupt = interrupt
    this.#busyLeft = busyRuns
  }

  override async run (request: RunRequest): Promise<RunOutcome> {
    const outcome = super.run(request)
    if (request.parameters['case'] === 'busy' && --this.#busyLeft === 0) {
      this.#interrupt.abort()
    }
    return await outcome
  }
}

test.serial('interrupted, a run keeps and marks what is finished', async t => {
  const directory = await temporaryDirectory(t)
  const interrupt = new AbortController()
  // When simulation is over, and the second of the real runs that have the machine alone begins.
  const tcp = new InterruptingWire(interrupt, 2)
  const { exitCode, stdout, stderr } = await runCli(directory, ['validate', 'queueing', '--seeds', '1', '--stack-seeds', '0', '--tcp-seeds', '3', '--set', 'unitTimeMs=100', '--json', '--out', 'here'], {
    machinery: fakeMachinery(tcp), signal: interrupt.signal
  })
  t.is(exitCode, 130)
  t.regex(stderr, /interrupted, stopping: what is finished is kept/)
  const output = JSON.parse(stdout) as RunOutput
  t.is(output.status, 'partial')
  const { status, units } = await manifestOf(join(directory, 'here'))
  t.is(status, 'partial')
  t.true(units.length > 0 && units.length < 16)
  t.is(output.holes.length, 16 - units.length)
  t.true(output.holes.every(({ code }) => code === 'ERR_RESULTS_INCOMPLETE'))
  t.is(tcp.stopped, 1)
})

test.serial('interrupted before anything is finished, a run still leaves results that say so', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode } = await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'here'], { signal: AbortSignal.abort() })
  t.is(exitCode, 130)
  t.is((await manifestOf(join(directory, 'here'))).status, 'partial')
})

test.serial('interrupted before anything is finished, a run leaves what an earlier one left as it is, and says so', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'here'])
  const earlier = await manifestOf(join(directory, 'here'))
  const { exitCode, stdout, stderr } = await runCli(directory, ['run', 'queueing', '--seeds', '2', '--out', 'here'], { signal: AbortSignal.abort() })
  t.is(exitCode, 130)
  t.is(stdout, '')
  t.regex(stderr, /\nnothing is finished: here still has the results of an earlier run\n$/)
  t.deepEqual(await manifestOf(join(directory, 'here')), earlier)
})

test.serial('where a wire cannot be made, a run leaves what ran before it, marked as partial', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = { ...fakeMachinery(), createTcpWire: async () => { throw new TwinwireError('ERR_UNSUPPORTED', 'this machine has no relay') } }
  const { exitCode, stderr } = await runCli(directory, ['validate', 'queueing', '--seeds', '2', '--stack-seeds', '1', '--tcp-seeds', '1', '--out', 'here'], { machinery })
  t.is(exitCode, 2)
  t.regex(stderr, /\nerror \[ERR_UNSUPPORTED\]: this machine has no relay\n$/)
  const { status, units } = await manifestOf(join(directory, 'here'))
  t.is(status, 'partial')
  t.deepEqual([...new Set(units.map(({ wire }) => wire))], ['sim', 'stack'])
  t.is(units.length, 2 * 2 * (2 + 1))
})

test.serial('the tour lists what is there, validates connection-setup and says where the report is', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/tour/', import.meta.url) }
  const { exitCode, stdout } = await runCli(directory, ['start'], { machinery })
  t.is(exitCode, 0)
  t.regex(stdout, /^connection-setup: Queueing[^]*Agreement of the wires[^]*p50: simulated \/ stack \/ real[^]*The simulation can be believed for this question[^]*Report: results\/connection-setup-[\d-]+\/report\.html\n$/)
})
