import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Option } from 'commander'
import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import { randomStream } from '../core/random.ts'
import { nsToMs, parseDuration, parseRate } from '../core/units.ts'
import type { PathInput } from '../path/options.ts'
import { meanBitsPerSecond, OPPORTUNITY_BYTES } from '../sim/rate-trace.ts'
import type { RateTrace } from '../sim/rate-trace.ts'
import { PANTHEON_PATHS, pantheonPath } from '../sim/topology-paths.ts'
import { traceFromFile } from '../wires/input-files.ts'
import { collect, FILE_NAME, textOf } from './options.ts'
import { jitterFileName, parseBytes, readJitter, readPolicer, readProbability, readQueue, readTraffic } from './path-link-values.ts'
import type { NamedFiles } from './trace-files.ts'

/** What commander gives for the options of the path's links; those not given are absent. */
export interface LinkFlags {
  readonly delayBackward?: string
  readonly rateBackward?: string
  readonly trace?: string
  readonly traceBackward?: string
  readonly queue?: string
  readonly jitter?: string
  readonly reorder?: boolean
  readonly duplicate?: string
  readonly corrupt?: string
  readonly mtu?: string
  readonly policer?: string
  readonly crossTraffic?: readonly string[]
  readonly path?: string
}

/** What `--path` says in place of the user. */
export const PRESET_FLAGS: readonly string[] = ['--rate', '--rtt', '--loss', '--loss-direction', '--buffer-bdp', '--queue', '--rate-backward', '--delay-backward', '--trace', '--trace-backward']

/** Adds the options of the path's links to one measurement, in groups of their own. */
export function withLinkOptions (command: Command): Command {
  return command
    .optionsGroup('Rate and delay, beside --rate and --rtt:')
    .option('--rate-backward <rate>', 'of the way back (default: --rate)')
    .option('--delay-backward <time>', 'one way, of the round trip; the rest is the way forward (default: half)')
    .addOption(new Option('--trace <file>', 'opportunities to deliver, forward, in place of a rate: a mahimahi file').argParser(textOf('--trace', FILE_NAME)).conflicts('rate'))
    .addOption(new Option('--trace-backward <file>', 'the same for the way back').argParser(textOf('--trace-backward', FILE_NAME)).conflicts('rateBackward'))
    .addOption(new Option('--path <preset>', `rate, delay, loss and queue of an Internet path: pantheon:<name>, of ${PANTHEON_PATHS.join(', ')}`)
      .conflicts(PRESET_FLAGS.map(flag => new Option(flag).attributeName())))
    .optionsGroup('Queue, forward:')
    .option('--queue <discipline>', 'droptail, red, codel or fq-codel; :ecn behind it marks instead of dropping (default: droptail)')
    .option('--policer <rate,burst>', 'a token bucket before the queue drops what exceeds it: 5mbit,32KiB')
    .option('--cross-traffic <kind>', 'what shares the queue: poisson:5mbit, on-off:5mbit,200ms,300ms (mean burst, mean silence), or transfers without end, bulk:bbr,2 (controller, how many); may be repeated', (text: string, before?: string[]) => collect(text, before ?? []))
    .optionsGroup('What befalls packets, in the direction of --loss-direction:')
    .option('--jitter <what>', 'beside the delay of each packet: uniform:5ms (from 0), normal:5ms (deviation), pareto:5ms (mean; shape 3, or pareto:5ms,1.5), or a file of ms, one a line', textOf('--jitter', 'a distribution or the name of a file'))
    .option('--reorder', 'lets jitter reorder packets')
    .option('--duplicate <p>', 'probability that a packet arrives twice')
    .option('--corrupt <p>', 'probability that a packet is damaged, and dropped by the receiver')
    .option('--mtu <bytes>', 'of both directions; segments are 52 bytes shorter (default: 1500)')
}

/**
 * Reads the options of the links, and the files that they name.
 *
 * @throws ERR_INVALID_OPTION, ERR_INVALID_UNIT, ERR_INVALID_FILE
 */
export async function readLinks (flags: LinkFlags & { readonly seed: string }, workingDirectory: string): Promise<Partial<PathInput>> {
  const inDirectory = (file: string): string => resolve(workingDirectory, file)
  const trace = flags.trace === undefined ? undefined : await traceFromFile(inDirectory(flags.trace))
  return {
    ...flags.path !== undefined && presetOf(flags.path, flags.seed),
    ...trace !== undefined && withTrace(trace),
    ...flags.traceBackward !== undefined && { traceBackward: await traceFromFile(inDirectory(flags.traceBackward)) },
    ...flags.rateBackward !== undefined && { rateBackwardBitsPerSecond: parseRate(flags.rateBackward, '--rate-backward') },
    ...flags.delayBackward !== undefined && { delayBackwardMs: parseDuration(flags.delayBackward, '--delay-backward') },
    ...flags.queue !== undefined && readQueue(flags.queue),
    ...flags.policer !== undefined && { policer: readPolicer(flags.policer) },
    ...flags.crossTraffic !== undefined && { crossTraffic: flags.crossTraffic.map(readTraffic) },
    ...flags.jitter !== undefined && { jitter: await readJitter(flags.jitter, inDirectory) },
    ...flags.reorder !== undefined && { reorder: flags.reorder },
    ...flags.duplicate !== undefined && { duplication: readProbability(flags.duplicate, '--duplicate') },
    ...flags.corrupt !== undefined && { corruption: readProbability(flags.corrupt, '--corrupt') },
    ...flags.mtu !== undefined && { mtuBytes: parseBytes(flags.mtu, '--mtu') },
    ...written(flags)
  }
}

/** The names of the files that these options name. */
export function linkFiles ({ trace, traceBackward, jitter }: LinkFlags): NamedFiles {
  const files = { '--trace': trace, '--trace-backward': traceBackward, '--jitter': jitter === undefined ? undefined : jitterFileName(jitter) }
  return Object.fromEntries(Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function withTrace (trace: RateTrace): Partial<PathInput> {
  return { trace, rateBitsPerSecond: meanBitsPerSecond(trace) }
}

/** One of Pantheon's paths; a cellular one draws its opportunities from the seed, once for all repetitions. */
function presetOf (text: string, seed: string): Partial<PathInput> {
  const wanted = /^pantheon:(.*)$/.exec(text)?.[1] ?? ''
  const name = PANTHEON_PATHS.find(name => name === wanted)
  if (name === undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no such path', {
      path: '--path', expected: `pantheon:${nearestName(wanted, PANTHEON_PATHS) ?? `<name>, of ${PANTHEON_PATHS.join(', ')}`}`, found: show(text)
    })
  }
  const { forward, backward = forward } = pantheonPath(name, randomStream(seed).fork('pantheon'))
  const rttMs = nsToMs(forward.delayNs + backward.delayNs)
  const rate = forward.trace === undefined ? { rateBitsPerSecond: forward.rateBitsPerSecond ?? Infinity } : withTrace(forward.trace)
  const { queue } = forward
  const limitPackets = queue !== undefined && 'limitPackets' in queue ? queue.limitPackets ?? 0 : 0
  return {
    rttMs,
    delayBackwardMs: nsToMs(backward.delayNs),
    ...rate,
    ...backward.trace !== undefined && { traceBackward: backward.trace },
    loss: forward.loss?.model === 'bernoulli' ? forward.loss : { model: 'bernoulli', probability: 0 },
    lossDirection: 'forward',
    // Upwards, so that no packet less fits.
    bufferBdp: Math.ceil(limitPackets * OPPORTUNITY_BYTES * 8e3 / ((rate.rateBitsPerSecond ?? Infinity) * rttMs) * 1e6) / 1e6
  }
}

/** The columns that say what was asked for, each only where it was. */
function written (flags: LinkFlags): Partial<PathInput> {
  const columns = {
    path: flags.path,
    trace: flags.trace,
    trace_backward: flags.traceBackward,
    rate_backward_mbps: flags.rateBackward === undefined ? undefined : parseRate(flags.rateBackward, '--rate-backward') / 1e6,
    delay_backward_ms: flags.delayBackward === undefined ? undefined : parseDuration(flags.delayBackward, '--delay-backward'),
    queue: flags.queue,
    policer: flags.policer,
    cross_traffic: flags.crossTraffic?.join(' '),
    jitter: flags.jitter,
    reorder: flags.reorder === true ? 1 : undefined,
    duplicate: flags.duplicate === undefined ? undefined : Number(flags.duplicate),
    corrupt: flags.corrupt === undefined ? undefined : Number(flags.corrupt),
    mtu: flags.mtu === undefined ? undefined : parseBytes(flags.mtu, '--mtu')
  }
  const given = Object.entries(columns).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  return given.length === 0 ? {} : { written: Object.fromEntries(given) }
}
