import * as z from 'zod'
import { sleep, timeoutSignal } from '../src/core/clock.ts'
import type { RandomStream } from '../src/core/random.ts'
import { TwinwireError } from '../src/core/errors.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { Arm, Case, Claim, Experiment, Metric } from '../src/experiment/definition.ts'
import { plainRequest, serveRequests } from '../src/optim/index.ts'
import type { Multiaddr, OptimizedNetworkOptions } from '../src/optim/index.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { COMPUTING_PER_EVENT_MS } from '../src/workload/computing.ts'
import { recordSample } from '../src/workload/measure.ts'
import { messagesOver, onHeldStream, onKeptStream, onStreamEach, receiveMessages, receiveMessagesOver } from '../src/workload/messages.ts'
import type { MessageSender } from '../src/workload/messages.ts'
import { libp2pWith, modulesOfArm, networkWith } from '../src/workload/modules.ts'
import { jsonPayload, randomPayload } from '../src/workload/payloads.ts'
import { servingNetwork } from '../src/workload/serve.ts'
import { wireBytes } from '../src/workload/wire-bytes.ts'

const parameters = z.object({
  rttMs: z.number().positive().default(40).describe('Round trip between client and server, ms'),
  rateBitsPerSecond: z.number().positive().default(100e6).describe('Rate of the path, bits per second each way'),
  messagesPerSecond: z.number().positive().default(200).describe('Arrivals at each size, Poisson'),
  maximumLoadBitsPerSecond: z.number().positive().default(20e6).describe('Fewer messages arrive where their payload would be more than this, bits per second'),
  durationMs: z.number().positive().default(3_000).describe('How long messages arrive, ms; longer where fewer than 50 would, shorter where more than 2,500'),
  deadlineMs: z.number().positive().default(10_000).describe('What a message may take at most, the same in all arms, ms')
})

const arms: readonly Arm[] = [
  { name: 'kept-stream', title: 'Kept stream', description: 'Plain libp2p as a competent user has it: one stream, each message a frame on it. Nothing is acknowledged above TCP.' },
  { name: 'stream-each', title: 'A stream a message', description: 'Plain libp2p as its examples have it: each message opens a stream on the connection that there is, and closes it.' },
  { name: 'held-stream', title: 'Batches by hand', description: 'The same by somebody who batches: what comes within 10 ms of a first message, as long as the module waits at most, is written with it at one go. Nothing is acknowledged or compressed.' },
  { name: 'batching', title: 'Batching', description: 'Message batching alone, with its defaults. Each message is acknowledged. Of the codecs Snappy alone, so that lengths are the same on all machines.', modules: ['messageBatching'] },
  { name: 'all', title: 'All modules', description: 'All five modules with their defaults; of the codecs Snappy alone.', modules: MODULES }
]

const OPTIONS: OptimizedNetworkOptions = { messageBatching: { codecs: ['snappy'] } }

/** How long a user who batches by hand holds messages back, ms: as long as the module does at most. */
const HELD_MS = 10

/** Of the sweep, bytes. */
const SIZES = [32, 100, 256, 1_024, 4_096, 16_384, 65_536] as const
/** Of the other, messages a second. */
const RATES = [5, 50, 1_000, 5_000] as const
const RATES_BYTES = 100
const SPARSE_RATE = RATES[0]
const DENSE_RATE = RATES[3]
/** Of the sweep of both: levels that neither of the others has, and no load above `maximumLoadBitsPerSecond`. */
const GRID_RATES = [10, 50, 250, 1_000] as const
const GRID_SIZES = [50, 200, 800] as const
const JSON_BYTES = 256
/** Without delay. */
const LAN_SIZES = [100, 1_024] as const
/** Of those with a delay, what real peers have, one run after the other: the promised ones, and both ends of the rates. */
const REAL_CASES: ReadonlySet<string> = new Set(['size-100', 'size-1024', 'rate-5', 'rate-1000', 'rate-5000', 'json'])
/** Of a run: enough for its median, and no more than it takes. */
const MINIMUM_MESSAGES = 50
const MAXIMUM_MESSAGES = 2_500

/** What arrives in a case. */
interface Load {
  readonly bytes: number
  /** Absent: what the parameters say for sizes. */
  readonly perSecond?: number
  readonly content: 'random' | 'json'
}

const LOADS = new Map<unknown, Load>([
  ...SIZES.map((bytes): [string, Load] => [`size-${bytes}`, { bytes, content: 'random' }]),
  ...RATES.map((perSecond): [string, Load] => [`rate-${perSecond}`, { bytes: RATES_BYTES, perSecond, content: 'random' }]),
  ...GRID_SIZES.flatMap(bytes => GRID_RATES.map((perSecond): [string, Load] => [`size-${bytes}-rate-${perSecond}`, { bytes, perSecond, content: 'random' }])),
  ['json', { bytes: JSON_BYTES, content: 'json' }],
  ...LAN_SIZES.map((bytes): [string, Load] => [`lan-${bytes}`, { bytes, content: 'random' }])
])

const metrics: readonly Metric[] = [
  { name: 'efficiency', title: 'Payload of all bytes on the wire', sample: 'efficiency', statistic: 'mean', unit: 'share', better: 'higher', minimumEffect: 0.05 },
  { name: 'efficiency-stream-each', title: 'The same, against a stream a message', sample: 'efficiency', statistic: 'mean', unit: 'share', better: 'higher', baseline: 'stream-each', minimumEffect: 0.05 },
  { name: 'efficiency-held', title: 'The same, against batches by hand', sample: 'efficiency', statistic: 'mean', unit: 'share', better: 'higher', baseline: 'held-stream', minimumEffect: 0.05 },
  { name: 'delay-p50', title: 'Way of a message, median', sample: 'delay', statistic: 'p50', unit: 'ms', better: 'lower', role: 'cost', minimumEffect: 0.05 },
  // Of 50 at the least.
  { name: 'delay-p90', title: 'Way of a message, p90', sample: 'delay', statistic: 'p90', unit: 'ms', better: 'lower', role: 'cost', minimumEffect: 0.05 },
  { name: 'attempts', title: 'Attempts a message', sample: 'attempts', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.01 },
  { name: 'missing', title: 'Messages that did not arrive', sample: 'missing', statistic: 'mean', unit: 'share', better: 'lower', role: 'cost', minimumEffect: 0.01 }
]

/** No arm there opens a stream a message, and where batching pays asks for no slowest tenth. */
const GRID_WITHOUT: ReadonlySet<string> = new Set(['efficiency-stream-each', 'delay-p90'])

const cases: readonly Case[] = [
  ...SIZES.map(bytes => messages({
    name: `size-${bytes}`,
    title: `${bytes} B`,
    description: `Messages of ${bytes} bytes that nothing compresses, to one peer.`,
    sweep: { name: 'size', levels: { bytes } },
    ...bytes === 65_536 && { noGain: ['messageBatching'] }
  })),
  ...RATES.map(perSecond => messages({
    name: `rate-${perSecond}`,
    title: `${perSecond} messages a second`,
    description: `Messages of ${RATES_BYTES} bytes that nothing compresses, ${perSecond} a second.${perSecond === SPARSE_RATE ? ' Each is under way alone, and there is nothing to join it with: what batching costs.' : ''}${perSecond === DENSE_RATE ? ' Real peers on two processors cannot open a stream for each: they have the other arms (docs/experiments/bandwidth-efficiency.md).' : ''}`,
    sweep: { name: 'rate', levels: { perSecond } },
    // More streams than they open: the run had no result in four whole runs (ERR_PACKETS_LOST).
    ...perSecond === DENSE_RATE && { realArms: arms.map(({ name }) => name).filter(name => name !== 'stream-each') },
    ...perSecond === SPARSE_RATE && { noGain: ['messageBatching'], busyProcessors: 0.05 }
  })),
  ...GRID_SIZES.flatMap(bytes => GRID_RATES.map(perSecond => messages({
    name: `size-${bytes}-rate-${perSecond}`,
    title: `${bytes} B, ${perSecond} a second`,
    description: `Messages of ${bytes} bytes that nothing compresses, ${perSecond} a second. In simulation only: the stack and real peers have size and rate each in a sweep of its own.`,
    wires: ['sim'],
    arms: ['kept-stream', 'held-stream', 'batching'],
    sweep: { name: 'rate-and-size', levels: { perSecond, bytes } },
    metrics: metrics.filter(({ name }) => !GRID_WITHOUT.has(name))
  }))),
  messages({ name: 'json', title: 'JSON', description: `Messages of ${JSON_BYTES} bytes of JSON with repeated names and drawn values, as applications send them: several in a batch compress. Payload counts as it was before.` }),
  ...LAN_SIZES.map(bytes => messages({
    name: `lan-${bytes}`,
    title: `${bytes} B without delay`,
    description: `Messages of ${bytes} bytes on a path without delay: each has arrived before the next one comes, and there is nothing to join it with.`,
    delayMs: 0,
    noGain: ['messageBatching']
  }))
]

/** The cases that the promise is read in. */
const PROMISED = ['size-100', 'size-1024', 'rate-1000', 'json'] as const
const PROMISE = 'bandwidth efficiency from 60% to 85%'
/** From 60% to 85% is as much again as 0.25/0.6. */
const PROMISED_CHANGE = 0.25 / 0.6

export const experiment: Experiment = {
  name: 'bandwidth-efficiency',
  title: 'Bandwidth efficiency',
  question: 'How many of the bytes on the wire are payload, with all headers and acknowledgements of both directions, and what does batching add to that and to a message\'s way?',
  expected: 'Below 1 kB plain libp2p pays more for headers than for payload: a kept stream 16% at 32 B, a stream a message a few per cent. Batching joins what arrives within some milliseconds: at 200 messages a second twos and threes, at 5,000 dozens, and only there 85%. Above 16 KiB there is nothing to gain, and at 5 a second acknowledgements make it worse than a kept stream. Over size and rate at once the rate decides whether batching gains on a kept stream, at 10 a second nowhere and at 1,000 everywhere, and the size how much: the smaller the more. Batches by hand do as well, and better where the module acknowledges: what it has beyond them is that, and Snappy.',
  parameters,
  arms,
  cases,
  sweeps: [
    { name: 'size', title: 'Size of a message', description: 'The same number of messages at every size, but above 12 kB, where they would load the path.', factors: [{ name: 'bytes', title: 'Size', unit: 'bytes', scale: 'log' }] },
    { name: 'rate', title: 'Messages a second', description: `Messages of ${RATES_BYTES} bytes.`, factors: [{ name: 'perSecond', title: 'Messages a second', unit: 'count', scale: 'log' }] },
    {
      name: 'rate-and-size',
      title: 'Rate and size',
      description: 'Where batching pays: a batch joins what arrives within some milliseconds, and how many these are is the rate\'s; what joining one more message saves is the same at all sizes, and a smaller part of a larger one.',
      factors: [{ name: 'perSecond', title: 'Messages a second', unit: 'count', scale: 'log' }, { name: 'bytes', title: 'Size', unit: 'bytes', scale: 'log' }]
    }
  ],
  promises: [
    ...PROMISED.map((name): Claim => ({ ...claimOf(name), reading: `${titleOf(name)}: 85% reached`, metric: 'efficiency', target: { value: 0.85 } })),
    ...PROMISED.flatMap((name): Claim[] => [
      { ...claimOf(name), reading: `${titleOf(name)}: as much again as 85 is of 60, against a kept stream`, metric: 'efficiency', target: { change: PROMISED_CHANGE } },
      { ...claimOf(name), reading: `${titleOf(name)}: the same, against batches by hand`, metric: 'efficiency-held', target: { change: PROMISED_CHANGE } },
      { ...claimOf(name), reading: `${titleOf(name)}: the same, against a stream a message`, metric: 'efficiency-stream-each', target: { change: PROMISED_CHANGE } }
    ])
  ],
  // Nothing is lost there, and each message is acknowledged.
  thresholds: PROMISED.map(name => ({ case: name, metric: 'missing', arm: 'all', limit: 0, direction: 'at-most' })),
  repetitions: { stack: 1, tcp: 1 },
  precision: { halfWidth: 0.05, maximumSeeds: 30, targets: PROMISED.map(name => ({ case: name, metric: 'efficiency', arm: 'all' })) },
  // A relay passes on bytes and sees no packets.
  tcpNetwork: 'namespaces'
}

/** Answers how many different messages have come. */
const COUNT_PROTOCOL = '/bandwidth-efficiency/count/1.0.0'
const NUMBER_BYTES = 4
const NOT_MEASURED = 0xffff_ffff

export const roles: Readonly<Record<string, Role>> = {
  receiver: { setUp: receive },
  sender: { run: send }
}

async function receive (host: Host, run: RunParameters): Promise<void> {
  const arrived = new Set<number>()
  let counted = false
  const onMessage = (payload: Uint8Array): void => {
    const view = new DataView(payload.buffer, payload.byteOffset)
    const number = view.getUint32(0)
    // What comes when it was asked how many have come was missing, and is recorded as that.
    if (number !== NOT_MEASURED && !arrived.has(number) && !counted) {
      arrived.add(number)
      recordSample(host, 'delay', host.clock.now() - view.getFloat64(NUMBER_BYTES))
    }
  }
  await host.node.handle(COUNT_PROTOCOL, async stream => await serveRequests(stream, () => {
    counted = true
    return numbered(NUMBER_BYTES, arrived.size)
  }))
  const modules = modulesOfArm(arms, run)
  if (modules.length === 0) {
    await receiveMessages(host.node, onMessage)
  } else {
    await receiveMessagesOver(servingNetwork(host, modules, OPTIONS), onMessage)
  }
}

/** What is counted lies between two fixed times, the same in all arms: before the first arrival, and when all is quiet again. */
async function send (host: Host, run: RunParameters): Promise<void> {
  const load = loadOf(run)
  const deadlineMs = Number(run.deadlineMs)
  const beginMs = warmUpMs(run)
  const { addresses } = host.peer('receiver')
  const { sender, attempts } = await senderOf(host, run)
  const contentOf = (random: RandomStream): Uint8Array => (load.content === 'json' ? jsonPayload : randomPayload)(random, load.bytes - HEAD_BYTES)
  await using _ = sender
  {
    using limit = timeoutSignal(host.clock, beginMs, host.signal)
    await sender.send(message(NOT_MEASURED, 0, contentOf(host.random.fork('warm-up'))), limit.signal)
  }
  await sleep(host.clock, beginMs - host.clock.now(), host.signal)
  const [before, attemptsBefore] = [host.traffic(), attempts()]
  const arrivals = poissonArrivals(host.random.fork('arrivals'), perSecondOf(run), durationMs(run))
  const payloads = host.random.fork('payloads')
  let sent = 0
  await openLoop(host.clock, arrivals.map(timeMs => beginMs + timeMs), async scheduledMs => {
    using limit = timeoutSignal(host.clock, deadlineMs, host.signal)
    // One that fails is missed by the receiver.
    await sender.send(message(sent++, scheduledMs, contentOf(payloads)), limit.signal).catch(() => {})
  }, host.signal)
  await sleep(host.clock, Math.max(0, beginMs + durationMs(run) + drainMs(run) - host.clock.now()), host.signal)
  const after = host.traffic()
  recordSample(host, 'attempts', 1 + (attempts() - attemptsBefore - arrivals.length) / arrivals.length)
  const arrived = await plainRequest(host.node, [...addresses], COUNT_PROTOCOL, numbered(NUMBER_BYTES, 0), { signal: host.signal, clock: host.clock, deadlineMs })
  const count = new DataView(arrived.buffer, arrived.byteOffset).getUint32(0)
  recordSample(host, 'missing', 1 - count / arrivals.length)
  for (let missing = arrivals.length - count; missing > 0; missing--) {
    recordSample(host, 'delay', deadlineMs, new TwinwireError('ERR_DEADLINE', 'the message did not arrive'))
  }
  if (before !== undefined && after !== undefined) {
    recordSample(host, 'efficiency', count * load.bytes / (wireBytes(after) - wireBytes(before)))
  }
}

/** How an arm sends, and how many attempts it has made. */
async function senderOf (host: Host, run: RunParameters): Promise<{ readonly sender: MessageSender, readonly attempts: () => number }> {
  const { id, addresses } = host.peer('receiver')
  const modules = modulesOfArm(arms, run)
  if (modules.length === 0) {
    let sent = 0
    const plain = await plainSenderOf(host, run, addresses)
    const sender: MessageSender = {
      async send (payload, signal) {
        sent++
        await plain.send(payload, signal)
      },
      [Symbol.asyncDispose]: async () => await plain[Symbol.asyncDispose]()
    }
    return { sender, attempts: () => sent }
  }
  await host.node.peerStore.merge(id, { multiaddrs: [...addresses] })
  const network = networkWith(host, modules, OPTIONS)
  return { sender: messagesOver(network, id, Number(run.deadlineMs)), attempts: () => network.metrics.timeouts?.attempts ?? network.metrics.requests }
}

async function plainSenderOf (host: Host, { arm }: RunParameters, addresses: readonly Multiaddr[]): Promise<MessageSender> {
  switch (arm) {
    case 'kept-stream':
      return onKeptStream(host.node, addresses)
    case 'held-stream':
      return onHeldStream(host, addresses, HELD_MS)
    default:
      return await onStreamEach(host.node, addresses)
  }
}

/** Before a payload of its own: its number, and when it was due. */
const HEAD_BYTES = NUMBER_BYTES + 8

function message (number: number, scheduledMs: number, content: Uint8Array): Uint8Array {
  const payload = numbered(HEAD_BYTES + content.byteLength, number)
  new DataView(payload.buffer).setFloat64(NUMBER_BYTES, scheduledMs)
  payload.set(content, HEAD_BYTES)
  return payload
}

function numbered (bytes: number, number: number): Uint8Array {
  const payload = new Uint8Array(bytes)
  new DataView(payload.buffer).setUint32(0, number)
  return payload
}

function loadOf (run: RunParameters): Load {
  const load = LOADS.get(run.case)
  if (load === undefined) {
    throw new Error(`no load of the case ${String(run.case)}`)
  }
  return load
}

function perSecondOf (run: RunParameters): number {
  const { bytes, perSecond = Number(run.messagesPerSecond) } = loadOf(run)
  return Math.min(perSecond, Number(run.maximumLoadBitsPerSecond) / 8 / bytes)
}

function durationMs (run: RunParameters): number {
  const messageMs = 1_000 / perSecondOf(run)
  return Math.min(MAXIMUM_MESSAGES * messageMs, Math.max(MINIMUM_MESSAGES * messageMs, Number(run.durationMs)))
}

/** A connection and a stream take five round trips. */
function warmUpMs ({ rttMs }: RunParameters): number {
  return Math.max(1_000, 10 * Number(rttMs))
}

/** The last message and its acknowledgements have come by then. */
function drainMs ({ rttMs }: RunParameters): number {
  return Math.max(500, 5 * Number(rttMs))
}

/** @param delayMs one way; absent: half the parameters' round trip */
function messages ({ delayMs, ...over }: Pick<Case, 'name' | 'title' | 'description' | 'sweep' | 'noGain'> & Partial<Pick<Case, 'arms' | 'realArms' | 'busyProcessors' | 'wires' | 'metrics'>> & { readonly delayMs?: number }): Case {
  return {
    metrics,
    // No `busyProcessors` where they are many: a message costs a millisecond of two.
    ...delayMs !== 0 && !REAL_CASES.has(over.name) && { wires: ['sim', 'stack'] as const },
    scenario: run => ({
      hosts: ['sender', 'receiver'].map(host => ({ name: host, role: host, libp2p: libp2pWith(modulesOfArm(arms, run)), ...delayMs === 0 && { processing: { perEventMs: COMPUTING_PER_EVENT_MS, ofRealPeers: true } } })),
      paths: [{ from: 'sender', to: 'receiver', forward: { delayMs: delayMs ?? Number(run.rttMs) / 2, rateBitsPerSecond: Number(run.rateBitsPerSecond) } }],
      limitMs: warmUpMs(run) + durationMs(run) + drainMs(run) + 3 * Number(run.deadlineMs)
    }),
    ...over
  }
}

function claimOf (name: string): Pick<Claim, 'promise' | 'case' | 'arm'> {
  return { promise: PROMISE, case: name, arm: 'all' }
}

function titleOf (name: string): string {
  const load = LOADS.get(name)
  return `${load?.bytes} B${load?.content === 'json' ? ' of JSON' : ''}${load?.perSecond === undefined ? '' : `, ${load.perSecond} a second`}`
}
