import { Option } from 'commander'
import type { Command } from 'commander'
import { show, TwinwireError } from '../core/errors.ts'
import { SETUP_LIMIT_S } from '../path/bulk-flow.ts'
import { runBulk, summarizeBulk, WARM_UP_S } from '../path/bulk.ts'
import { runConnect, summarizeConnect } from '../path/connect.ts'
import { LIMIT_S, runFct, summarizeFct } from '../path/fct.ts'
import { fluidRow, runFluidBulk, runFluidFct, runFluidPair } from '../path/fluid.ts'
import type { PathOptions } from '../path/options.ts'
import { LATE_S, runPair, summarizePair } from '../path/pair.ts'
import type { PathOnlooker } from '../path/path.ts'
import type { Row } from '../path/summary.ts'
import type { CongestionName } from '../path/tcp.ts'
import type { CliContext } from './context.ts'
import { interruptedExitCode } from './interruption.ts'
import { countOf, DEFAULT_SEED, ExitCode } from './options.ts'
import { linkFiles, readLinks, withLinkOptions } from './path-link-options.ts'
import type { LinkFlags } from './path-link-options.ts'
import { readBufferBdp, readCongestion, readDurationS, readGso, readLevel, readLossDirection, readPair, readPath, readSize } from './path-options.ts'
import type { Level, PathFlags } from './path-options.ts'
import { namingFlags } from './path-places.ts'
import { pathTable } from './path-table.ts'
import { withTcpOptions } from './path-tcp-options.ts'
import { TraceFiles, withTraceOptions } from './trace-files.ts'
import type { TraceFlags } from './trace-files.ts'

interface Flags extends PathFlags, LinkFlags, TraceFlags {
  readonly json: boolean
  /** Absent where there is the packet level only. */
  readonly level?: Level
}

interface LevelFlags extends Flags {
  readonly level: Level
}

interface BulkFlags extends LevelFlags {
  readonly congestion: CongestionName
  readonly duration: number
  readonly seeds: number
}

interface ConnectFlags extends Flags {
  readonly congestion: CongestionName
  readonly repeat: number
}

interface FctFlags extends LevelFlags {
  readonly congestion: CongestionName
  readonly size: number
  readonly repeat: number
}

interface PairFlags extends LevelFlags {
  readonly congestion: readonly [CongestionName, CongestionName]
  readonly duration: number
  readonly seeds: number
}

/**
 * Adds `path` and its commands: TCP measured over one simulated path, as iperf3 does over a real one. Each writes one
 * JSON object, or a table for a reader.
 */
export function addPathCommand (program: Command, context: CliContext, finish: (exitCode: number) => void): void {
  const path = program.command('path')
    .description('measures TCP over one simulated path: queue, serialiser, loss and delay, in this order')
    .addHelpText('afterAll', EXIT_CODES)

  /** Measures as often as asked, traces the first repetition, and writes the row that `summarize` makes of all. */
  const measure = async <Run>(flags: Flags, command: Command, { count, needs, run, summarize }: Measurement<Run>): Promise<void> => await namingFlags(flags, async () => {
    if (flags.level === 'fluid') {
      checkFluid(command)
    }
    const options = readPath(flags, await readLinks(flags, context.workingDirectory))
    const traces = new TraceFiles(context.workingDirectory, flags, linkFiles(flags))
    const runs: Run[] = []
    try {
      runs.push(await run(options, 0, ({ network, labels, forwardLink }) => traces.observe({ network, labels, linkOf: () => forwardLink })))
      traces.commit()
      for (let repetition = 1; repetition < count; repetition++) {
        runs.push(await run(options, repetition))
      }
    } catch (error) {
      traces.discard()
      if (!context.signal.aborted) {
        throw error
      }
      context.stderr.write('interrupted\n')
      finish(interruptedExitCode(context.signal))
      return
    }
    if (options.ecn === true && options.tcp.ecn !== 'on') {
      context.stderr.write(`note: --queue ${flags.queue ?? ''} marks only packets of connections that ask for ECN: --ecn on\n`)
    }
    const row = flags.level === 'fluid' ? fluidRow(summarize(options, runs)) : summarize(options, runs)
    context.stdout.write(flags.json ? `${JSON.stringify(row)}\n` : `${pathTable(row)}\n`)
    if (row.n === 0) {
      context.stderr.write(`nothing was measured: of ${count} repetitions none came about (each needs ${needs} of simulated time)\n`)
    }
    finish(row.n === 0 ? ExitCode.failed : ExitCode.ok)
  })

  withLevel(path.command('bulk'), { rtt: '80ms', rate: '10mbit', lossDirection: 'forward' })
    .description('goodput, window, round trips and losses of one transfer that never ends')
    .option('--congestion <name>', 'reno, cubic or bbr', readCongestion, 'cubic')
    .addOption(durationOption(`of a transfer, from the return of connect: more than ${WARM_UP_S}s, which are left out`, '30s'))
    .option('--seeds <n>', 'transfers, each with a seed of its own', countOf('--seeds', 10_000), 5)
    .action(async (flags: BulkFlags, command: Command) => {
      const runs = { packet: runBulk, fluid: runFluidBulk }[flags.level]
      const bulk = { congestion: flags.congestion, durationS: flags.duration }
      await measure(flags, command, {
        count: flags.seeds,
        needs: CONNECTED,
        run: async (path, repetition, onlooker) => await runs(path, bulk, repetition, context.signal, onlooker),
        summarize: (path, runs) => summarizeBulk(path, bulk, runs)
      })
    })

  withLevel(path.command('fct'), { rtt: '80ms', rate: '10mbit', lossDirection: 'both' })
    .description('flow completion time: from connect to an answer of one byte to so many bytes')
    .option('--congestion <name>', 'reno, cubic or bbr', readCongestion, 'cubic')
    .option('--size <bytes>', 'sent by the client: a whole number, or with a unit (100KiB)', readSize, 102_400)
    .option('--repeat <n>', 'exchanges, each on a connection of its own', countOf('--repeat', 1_000_000), 100)
    .action(async (flags: FctFlags, command: Command) => {
      const runs = { packet: runFct, fluid: runFluidFct }[flags.level]
      const fct = { congestion: flags.congestion, sizeBytes: flags.size }
      await measure(flags, command, {
        count: flags.repeat,
        needs: `an answer within ${LIMIT_S} s`,
        run: async (path, repetition, onlooker) => await runs(path, fct, repetition, context.signal, onlooker),
        summarize: (path, runs) => summarizeFct(path, fct, runs)
      })
    })

  withPathOptions(path.command('connect'), { rtt: '80ms', rate: '10mbit', lossDirection: 'both' })
    .description('how long connect takes, by attempts')
    .option('--congestion <name>', 'reno, cubic or bbr', readCongestion, 'cubic')
    .option('--repeat <n>', 'connections', countOf('--repeat', 1_000_000), 2000)
    .action(async (flags: ConnectFlags, command: Command) => {
      await measure(flags, command, {
        count: flags.repeat,
        needs: CONNECTED,
        run: async (path, repetition, onlooker) => await runConnect(path, flags.congestion, repetition, context.signal, onlooker),
        summarize: summarizeConnect
      })
    })

  withLevel(path.command('pair'), { rtt: '40ms', rate: '20mbit', lossDirection: 'forward' })
    .description('how two transfers share the path; which starts first alternates')
    .option('--congestion <a,b>', 'two of reno, cubic and bbr', readPair, ['cubic', 'cubic'])
    .addOption(durationOption(`from the first start: more than ${LATE_S}s, which are left out`, '40s'))
    .option('--seeds <n>', 'repetitions, each with a seed of its own', countOf('--seeds', 10_000), 8)
    .action(async (flags: PairFlags, command: Command) => {
      const runs = { packet: runPair, fluid: runFluidPair }[flags.level]
      const pair = { congestion: flags.congestion, durationS: flags.duration }
      await measure(flags, command, {
        count: flags.seeds,
        needs: CONNECTED,
        run: async (path, repetition, onlooker) => await runs(path, pair, repetition, context.signal, onlooker),
        summarize: (path, runs) => summarizePair(path, pair, runs)
      })
    })
}

/** What a repetition of a measurement over connections alone comes about by. */
const CONNECTED = `a connection within ${SETUP_LIMIT_S} s`

interface Measurement<Run> {
  readonly count: number
  /** What a repetition came about by; for where none did. */
  readonly needs: string
  readonly run: (path: PathOptions, repetition: number, onlooker?: PathOnlooker) => Promise<Run>
  readonly summarize: (path: PathOptions, runs: readonly Run[]) => Row
}

/** What is about single packets. */
const PACKETS_ONLY = ['gso', 'ecn', 'hystart', 'pacing', 'pcap', 'perfetto', 'probe', 'flows']

/** @throws ERR_UNSUPPORTED where something was asked for that flows do not have */
function checkFluid (command: Command): void {
  const name = PACKETS_ONLY.find(name => command.getOptionValueSource(name) === 'cli')
  if (name !== undefined) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no packets that this could be about', {
      path: `--${name}`, expected: 'no such option beside --level fluid', found: show(command.getOptionValue(name))
    })
  }
}

interface PathDefaults {
  readonly rate: string
  readonly rtt: string
  readonly lossDirection: PathOptions['lossDirection']
}

function durationOption (description: string, value: string): Option {
  return new Option('--duration <time>', description).argParser(readDurationS).default(readDurationS(value), value)
}

function withLevel (command: Command, defaults: PathDefaults): Command {
  return withPathOptions(command, defaults)
    .option('--level <name>', 'packet, or fluid: rates of flows in closed form, fast and rough (docs/fluid.md); without --gso, --ecn, --hystart, --pacing and traces', readLevel, 'packet')
}

function withPathOptions (command: Command, { rate, rtt, lossDirection }: PathDefaults): Command {
  return withTraceOptions(withTcpOptions(withLinkOptions(command
    .optionsGroup('Path:')
    .option('--rate <rate>', 'of the bottleneck, in IP bytes', rate)
    .option('--rtt <time>', 'twice the one-way delay, serialisation not counted', rtt)
    .option('--loss <p>', 'behind the serialiser: a probability a packet, ge:p,r,lossGood,lossBad, periodic:n (every n-th), or scripted:i,j,k (by number, from 0)', '0')
    .option('--loss-direction <which>', 'forward (client to server), or both, each on its own', readLossDirection, lossDirection)
    .option('--buffer-bdp <n>', 'what may wait in the forward queue, in bandwidth-delay products', readBufferBdp, 1))
    .optionsGroup('TCP:')
    .option('--gso <n>', "Linux's gso_max_segs: default bursts as the kernel does, 1 sends segments one at a time", readGso, 'default'))
    .optionsGroup('Measurement:')
    .option('--seed <text>', 'root of all chance: the same seed gives the same figures', DEFAULT_SEED)
    .option('--json', "one JSON object on stdout, with the reference data's names", false)
    .optionsGroup('Traces of the first repetition:'))
    // For what each measurement has of its own.
    .optionsGroup('Measurement:')
}

const EXIT_CODES = `
Exit codes: 0 at least one repetition came about (n; those that did not are n_fail); 1 none did; 2 the command cannot be
carried out as given; 130 interrupted, 143 terminated.`
