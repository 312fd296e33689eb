import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Interruption } from '../../src/cli/interruption.ts'
import { TwinwireError } from '../../src/core/errors.ts'
import type { SummaryData } from '../../src/report/summary-data.ts'
import { readResults } from '../../src/results/files.ts'
import type { RunOutcome, RunRequest } from '../../src/wires/wire.ts'
import { FakeWire } from '../fixtures/fake-wire.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const FEW = ['--seeds', '4', '--stack-seeds', '1', '--tcp-seeds', '1']

async function summaryOf (directory: string): Promise<SummaryData> {
  return JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8')) as SummaryData
}

test.serial('all experiments are run, each into a folder of its own, and summed up on pages that are made again from the folders alone', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all', '--pages', 'pages'])
  t.is(exitCode, 0)
  t.deepEqual(await readdir(join(directory, 'all')), ['queueing'])
  t.deepEqual((await readdir(join(directory, 'pages'))).sort(), ['index.html', 'queueing.html', 'summary.json'])
  t.regex(stdout, /queueing +\d+ s +24 +2 of 2 hold\nSummary: pages\/index\.html\n$/)
  // Two cases, two arms, six seeds; and the median and the worst simulation of each case and arm again.
  t.regex(stderr, /queueing in virtual time \(1 of 1\), 28\/28 runs\nreal peers that share the machine \(1 experiment\), 2\/2 runs\nreal peers of queueing \(1 of 1\), 2\/2 runs/)
  const again = await runCli(directory, ['summary', 'all/queueing', '--out', 'again'])
  t.is(again.exitCode, 0)
  for (const file of ['index.html', 'queueing.html', 'summary.json']) {
    t.is(await readFile(join(directory, 'again', file), 'utf8'), await readFile(join(directory, 'pages', file), 'utf8'), file)
  }
  const { experiments: [experiment] } = await summaryOf(join(directory, 'pages'))
  t.like(experiment, { name: 'queueing', report: 'queueing.html', seeds: { sim: 4, stack: 1, tcp: 1 }, holes: 0, passed: true })
  t.true(experiment.tookSeconds >= 0)
})

test.serial('a threshold that does not hold fails the whole; how long the others will take is told from what they took the last time', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url) }
  const first = await runCli(directory, ['experiments', ...FEW, '--out', 'all'], { machinery })
  t.is(first.exitCode, 1)
  t.regex(first.stderr, /hasty in virtual time \(1 of 2\)[^]*patient in virtual time \(2 of 2\)[^]*real peers that share the machine \(2 experiments\)[^]*real peers of hasty \(1 of 2\)[^]*real peers of patient \(2 of 2\)/)
  t.regex(first.stdout, /hasty +\d+ s +24 +0 of 1 hold\npatient +\d+ s +24 +2 of 2 hold/)
  await mkdir(join(directory, 'pages'))
  await writeFile(join(directory, 'pages', 'summary.json'), JSON.stringify({ tookSeconds: 190, experiments: [{ name: 'patient', tookSeconds: 150 }, { name: 'lasting', tookSeconds: 150 }] }))
  // One that is older than the time of all has the sum of the others' as the best guess.
  await mkdir(join(directory, 'old'))
  await writeFile(join(directory, 'old', 'summary.json'), JSON.stringify({ experiments: [{ name: 'patient', tookSeconds: 150 }, { name: 'hasty', tookSeconds: 30 }] }))
  t.regex((await runCli(directory, ['experiments', ...FEW, '--out', 'all', '--pages', 'old'], { machinery })).stderr, /hasty in virtual time \(1 of 2, all done in about (3 min|2 min 5\d s)/)
  // One named twice is run once.
  const second = await runCli(directory, ['experiments', 'hasty', 'patient', 'hasty', ...FEW, '--out', 'all', '--pages', 'pages'], { machinery })
  // Of 300 s of two experiments a part went side by side: all took 190 s.
  t.regex(second.stderr, /hasty in virtual time \(1 of 2, all done in more than 1 min 3\d s\)/)
})

/** Interrupts when its nth run begins. */
class InterruptingWire extends FakeWire {
  readonly #interrupt: AbortController
  #left: number

  constructor (interrupt: AbortController, nth: number) {
    super('tcp')
    this.#interrupt = interrupt
    this.#left = nth
  }

  override async run (request: RunRequest): Promise<RunOutcome> {
    if (--this.#left === 0) {
      this.#interrupt.abort()
    }
    return await super.run(request)
  }
}

test.serial('interrupted, it says where the finished results are and with which commands their reports are made, which work', async t => {
  const directory = await temporaryDirectory(t)
  const interrupt = new AbortController()
  const machinery = {
    // Of each of the two experiments a case with two arms has the machine alone; those of the others are before them.
    ...fakeMachinery(new InterruptingWire(interrupt, 7)),
    experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url)
  }
  const { exitCode, stderr, stdout } = await runCli(directory, ['experiments', ...FEW, '--out', 'all of them', '--pages', 'pages'], { machinery, signal: interrupt.signal })
  t.is(exitCode, 130)
  t.is(stdout, '')
  t.true(stderr.endsWith(`
Results: all of them/hasty, all of them/patient
twinwire summary 'all of them/hasty' 'all of them/patient' --out pages makes reports and the summary of what they have.
`), stderr)
  t.is((await runCli(directory, ['summary', 'all of them/hasty', 'all of them/patient', '--out', 'pages'])).exitCode, 0)
  t.deepEqual((await summaryOf(join(directory, 'pages'))).experiments.map(({ name, holes }) => [name, holes]), [['hasty', 0], ['patient', 1]])
})

test.serial('experiments share the processes of real peers, which end with the command', async t => {
  const directory = await temporaryDirectory(t)
  const tcp = new FakeWire('tcp')
  let made = 0
  const machinery = {
    ...fakeMachinery(),
    experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url),
    createTcpWire: async () => {
      made++
      return tcp
    }
  }
  await runCli(directory, ['experiments', ...FEW, '--out', 'all'], { machinery })
  // Two cases and two arms each.
  t.is(tcp.beside.length, 8)
  t.is(made, 1)
  t.is(tcp.stopped, 1)
})

/** Its runs take a while. */
class LastingWire extends FakeWire {
  readonly #whenBegun: (begun: number) => Promise<unknown>
  #begun = 0
  #underWay = 0
  /** At a time. */
  most = 0

  constructor (whenBegun: (begun: number) => Promise<unknown> = async () => {}) {
    super('tcp')
    this.#whenBegun = whenBegun
  }

  override async run (request: RunRequest): Promise<RunOutcome> {
    await this.#whenBegun(++this.#begun)
    this.most = Math.max(this.most, ++this.#underWay)
    const outcome = await super.run({ ...request, parameters: { ...request.parameters, unitTimeMs: 50 } })
    this.#underWay--
    return outcome
  }
}

test.serial('what several experiments find in parts is what each finds by itself, byte by byte; their real runs that share the machine go side by side', async t => {
  const directory = await temporaryDirectory(t)
  const tcp = new LastingWire()
  const machinery = { ...fakeMachinery(tcp), experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url) }
  await runCli(directory, ['experiments', ...FEW, '--out', 'all'], { machinery })
  // Of each experiment a case with two arms shares the machine.
  t.is(tcp.most, 4)
  for (const name of ['hasty', 'patient']) {
    await runCli(directory, ['validate', name, ...FEW, '--out', name], { machinery })
    for (const file of ['samples.parquet', 'summary.csv']) {
      t.deepEqual(await readFile(join(directory, 'all', name, file)), await readFile(join(directory, name, file)), `${name}: ${file}`)
    }
  }
})

test.serial('interrupted among real runs of several experiments, it keeps what each has by then', async t => {
  const directory = await temporaryDirectory(t)
  const interrupt = new AbortController()
  const tcp = new LastingWire(async begun => {
    if (begun === 4) {
      setTimeout(() => interrupt.abort(new Interruption('SIGTERM')), 10)
    }
  })
  const machinery = { ...fakeMachinery(tcp), experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url) }
  const { exitCode, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all', '--pages', 'pages'], { machinery, signal: interrupt.signal })
  t.is(exitCode, 143)
  t.regex(stderr, /\nResults: all\/hasty, all\/patient\ntwinwire summary all\/hasty all\/patient --out pages makes reports/)
  for (const name of ['hasty', 'patient']) {
    // Two cases, two arms, four seeds in simulation and one on the stack; real runs that were cut short are none.
    t.is((await readResults(join(directory, 'all', name))).units.length, 2 * 2 * (4 + 1))
  }
})

test.serial('where a folder is broken while others have the machine, what came after is kept beside it, and the others are summed up', async t => {
  const directory = await temporaryDirectory(t)
  const tcp = new LastingWire(async () => await writeFile(join(directory, 'all', 'hasty', 'samples.parquet'), ''))
  const machinery = { ...fakeMachinery(tcp), experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url) }
  const { exitCode, stdout, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all'], { machinery })
  t.is(exitCode, 1)
  t.regex(stderr, /error \[ERR_RESULTS_INCOMPLETE\]: hasty failed: what was written before cannot be read any more; the rest is in [^\n]*hasty-rest/)
  t.regex(stdout, /\nhasty +failed *\npatient +\d+ s +24 +2 of 2 hold/)
  t.deepEqual((await readResults(join(directory, 'all', 'hasty-rest'))).units.map(({ wire, case: name }) => [wire, name]), [['tcp', 'idle'], ['tcp', 'idle']])
})

test.serial('an experiment whose real peers cannot be made fails alone: the others go on, and what it has is summed up with its holes', async t => {
  const directory = await temporaryDirectory(t)
  let made = 0
  const machinery = {
    ...fakeMachinery(),
    experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url),
    createTcpWire: async () => {
      made++
      if (made === 1) {
        throw Object.assign(new Error('no more processes'), { code: 'EAGAIN' })
      }
      return new FakeWire('tcp')
    }
  }
  const { exitCode, stdout, stderr } = await runCli(directory, ['experiments', 'hasty', 'patient', ...FEW, '--out', 'all', '--pages', 'pages'], { machinery })
  t.is(exitCode, 1)
  t.regex(stderr, /\nerror \[EAGAIN\]: hasty failed: no more processes\nreal peers that share the machine \(1 experiment\), 2\/2 runs\nreal peers of patient \(1 of 1\)/)
  t.regex(stdout, /\nhasty +\d+ s +failed, 20, 4 without a result +0 of 1 hold\npatient +\d+ s +24 +2 of 2 hold\nSummary: pages\/index\.html\n$/)
  t.deepEqual((await readdir(join(directory, 'pages'))).sort(), ['hasty.html', 'index.html', 'patient.html', 'summary.json'])
  t.deepEqual((await summaryOf(join(directory, 'pages'))).experiments.map(({ name, holes }) => [name, holes]), [['hasty', 4], ['patient', 0]])
  const { units } = await readResults(join(directory, 'all', 'hasty'))
  // Two cases, two arms, four seeds in simulation and one on the stack.
  t.is(units.length, 2 * 2 * (4 + 1))
})

test.serial('where every experiment fails before it has a run there is nothing to sum up, and what an earlier command left stays', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/stack-only/', import.meta.url) }
  await runCli(directory, ['experiments', ...FEW, '--out', 'all'], { machinery })
  const failing = { ...machinery, createStackWire: async () => { throw new Error('no more memory') } }
  const { exitCode, stdout, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all', '--pages', 'pages'], { machinery: failing })
  t.is(exitCode, 1)
  t.is(stdout, '')
  t.regex(stderr, /\nerror \[Error\]: real-protocol failed: no more memory\n$/)
  t.deepEqual(await readdir(join(directory, 'pages')), [])
  // Two cases, two arms, a seed on the stack and one on real peers.
  t.is((await readResults(join(directory, 'all', 'real-protocol'))).units.length, 2 * 2 * 2)
})

test.serial('where a page cannot be made there is no summary, and what makes it is said', async t => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'pages', 'queueing.html'), { recursive: true })
  const { exitCode, stdout, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all', '--pages', 'pages'])
  t.is(exitCode, 2)
  t.is(stdout, '')
  t.regex(stderr, /\ntwinwire summary all\/queueing --out pages makes reports and the summary of what they have\.\nerror \[ERR_INVALID_OPTION\]: [^\n]*queueing\.html[^\n]*\n$/)
})

/** Interrupts when the next thread is made after real peers have stopped, which is to make a page. */
class InterruptingPages extends FakeWire {
  readonly #interrupt: AbortController

  constructor (interrupt: AbortController) {
    super('tcp')
    this.#interrupt = interrupt
  }

  override async stop (): Promise<void> {
    await super.stop()
    process.once('worker', () => this.#interrupt.abort(new Interruption('SIGINT')))
  }
}

test.serial('interrupted while pages are made, it ends with 130 and whole pages only, and says what makes them', async t => {
  const directory = await temporaryDirectory(t)
  const interrupt = new AbortController()
  const { exitCode, stdout, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all', '--pages', 'pages'], {
    machinery: fakeMachinery(new InterruptingPages(interrupt)), signal: interrupt.signal
  })
  t.is(exitCode, 130)
  t.is(stdout, '')
  t.true(stderr.endsWith(`
Results: all/queueing
twinwire summary all/queueing --out pages makes reports and the summary of what they have.
`), stderr)
  t.deepEqual(await readdir(join(directory, 'pages')), [])
})

test.serial('a folder for pages that cannot be made is said before anything runs, with the option that named it', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'taken'), '')
  const tcp = new FakeWire('tcp')
  const { exitCode, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all', '--pages', 'taken/pages'], { machinery: fakeMachinery(tcp) })
  t.is(exitCode, 2)
  t.regex(stderr, /^error \[ERR_INVALID_OPTION\]: the folder cannot be made; at --pages; expected a folder, [^\n]*\(ENOTDIR\)\n$/)
  t.deepEqual(tcp.beside, [])
  t.deepEqual(await readdir(join(directory, 'all', 'queueing')), [])
  const summary = await runCli(directory, ['summary', 'all/queueing', '--out', 'taken/pages'])
  t.is(summary.exitCode, 2)
  t.regex(summary.stderr, /^error \[ERR_INVALID_OPTION\]: the folder cannot be made; at --out; /)
})

test.serial('interrupted before anything has begun, it leaves nothing and says nothing of results', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stderr } = await runCli(directory, ['experiments', ...FEW, '--out', 'all'], { signal: AbortSignal.abort() })
  t.is(exitCode, 130)
  t.is(stderr, '')
})

test.serial('where the machine has not the network for real peers, the rest is run, and that is said', async t => {
  const directory = await temporaryDirectory(t)
  const machinery = {
    ...fakeMachinery(),
    createTcpWire: async () => { throw new TwinwireError('ERR_UNSUPPORTED', 'this machine has no namespaces') }
  }
  const { stderr } = await runCli(directory, ['experiments', ...FEW, '--tcp-network', 'namespaces', '--out', 'all'], { machinery })
  t.regex(stderr, /queueing runs without real peers: this machine has no namespaces/)
  t.deepEqual((await summaryOf(join(directory, 'all'))).experiments[0].seeds, { sim: 4, stack: 1 })
})

test('what cannot be summed up is refused with its place', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'a'])
  await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'b'])
  const twice = await runCli(directory, ['summary', 'a', 'b', '--out', 'pages'])
  t.is(twice.exitCode, 2)
  t.regex(twice.stderr, /ERR_INVALID_OPTION.*two folders hold results of one experiment; at .*b; expected one folder an experiment; found queueing/)
  const nothing = await runCli(directory, ['summary', 'nowhere', '--out', 'pages'])
  t.is(nothing.exitCode, 2)
  t.regex(nothing.stderr, /ERR_RESULTS_INCOMPLETE/)
  const unknown = await runCli(directory, ['experiments', 'queuing', '--out', 'all'])
  t.is(unknown.exitCode, 2)
  t.regex(unknown.stderr, /ERR_UNKNOWN_EXPERIMENT.*expected queueing/)
})
