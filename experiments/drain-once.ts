import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import { TwinwireError } from '../src/core/errors.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { Arm, Experiment, Metric } from '../src/experiment/definition.ts'
import { FrameStream } from '../src/optim/frame-stream.ts'
import { MAXIMUM_FRAME_BYTES } from '../src/optim/index.ts'
import type { Connection, OptimizedNetwork, OptimizedNetworkOptions, Stream } from '../src/optim/index.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { LINE_PAYLOAD_SHARE } from '../src/workload/line-share.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm, networkWith } from '../src/workload/modules.ts'
import { Ballast } from '../src/workload/payloads.ts'
import { REQUEST_REPLY_PROTOCOL, requestPayloads } from '../src/workload/request-reply.ts'
import { overNetwork, plainLibp2p } from '../src/workload/requester.ts'
import { serveWith } from '../src/workload/serve.ts'

const parameters = z.object({
  rttMs: z.number().positive().default(40).describe('Round trip between client and server, ms'),
  rateBitsPerSecond: z.number().positive().default(20e6).describe('Rate of the path, bits per second each way'),
  bulkBytes: z.int().positive().default(16_000_000).describe('What the bulk sender has to send, all of it at hand, bytes'),
  requestsPerSecond: z.number().positive().default(10).describe('Arrivals of small requests on the same connection meanwhile, Poisson'),
  deadlineMs: z.number().positive().default(30_000).describe('What a user waits for an answer at most, the same in all arms, ms')
})

/** Small requests begin to arrive a little after the bulk and end before it does. */
const ASKING_FROM_MS = 500
const SINK = '/twinwire/sink/1.0.0'
/** What is handed over at a time, in all arms: a chunk of a stream or a message. What is buffered at least is one. */
const CHUNK_BYTES = 32 * 1024
/** Of messages, how many are under way at a time: 1 MiB, five times what the path holds. */
const MESSAGES_AT_A_TIME = 32
const SMALL_BYTES = 100
const SAMPLED_EVERY_MS = 50
/** Packets that may wait at the path: half a round trip's. */
const QUEUE_PACKETS = 64

const arms: readonly Arm[] = [
  { name: 'drain-event', title: 'The drain event', description: 'Chunks of 32 KiB; whenever send() answers false, the next `drain` event is waited for: what works in js-libp2p today.' },
  { name: 'on-drain', title: 'onDrain()', description: 'Whenever send() answers false, the promise of `stream.onDrain()` is waited for, as the documentation says. It is made once.' },
  { name: 'no-back-pressure', title: 'No back-pressure', description: 'What send() answers is not looked at.' },
  { name: 'window', title: 'A window, by hand', description: 'Messages of 32 KiB on one stream, whose drain event is heeded; each is acknowledged, and 32 are under way at most: the window of the arms with modules, without them.' },
  { name: 'batching', title: 'Message batching', description: 'Messages of 32 KiB through the batching module, `bulk`, 32 at a time.', modules: ['messageBatching'] },
  { name: 'batching-at-once', title: 'Message batching, all at once', description: 'The same with all messages offered at once; such as the module refuses with ERR_QUEUE_FULL are offered again when the next one was acknowledged. What is buffered then is what the module holds back with its defaults, 4 MiB a peer.', modules: ['messageBatching'] },
  { name: 'full', title: 'Full stack', description: 'As message batching, through all five modules. The bandwidth manager is told the path\'s rate, less what headers take.', modules: MODULES }
]

const BUFFERED: Metric = { name: 'buffered', title: 'Buffered at the sender at most', sample: 'buffered', statistic: 'maximum', unit: 'bytes', better: 'lower', minimumEffect: 0.1 }
const REQUEST: Metric = { name: 'request', title: 'Request beside it, median', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 }
/** What a module does beyond a window by hand. */
const againstWindow = (metric: Metric): Metric => ({ ...metric, name: `${metric.name}-window`, title: `${metric.title}, against a window by hand`, baseline: 'window' })

const metrics: readonly Metric[] = [
  BUFFERED,
  againstWindow(BUFFERED),
  REQUEST,
  againstWindow(REQUEST),
  { name: 'request-p90', title: 'Request beside it, p90', sample: 'request', statistic: 'p90', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.01 },
  { name: 'goodput', title: 'Goodput of the bulk', sample: 'goodput', statistic: 'mean', unit: 'bit/s', better: 'higher', role: 'cost', minimumEffect: 0.05 },
  { name: 'resident-growth', title: 'What the process grew by at most', sample: 'resident-growth', statistic: 'maximum', unit: 'bytes', better: 'lower', wireSpecific: true, minimumEffect: 0.1 }
]

export const experiment: Experiment = {
  name: 'drain-once',
  title: 'Back-pressure that works once',
  question: 'How much does a bulk sender over a slow path hold in memory, and what do requests beside it wait for, with each way of heeding back-pressure?',
  expected: 'With onDrain(), from its second call on, as much as with no back-pressure at all: the rest of the transfer. With the drain event a chunk, with or without a window of acknowledged messages by hand, which no module can better: a module holds what it was given and has not sent, 32 messages here, and as much as its own limit where nobody keeps a window. Requests on the same connection wait for what lies below the streams; the bandwidth manager keeps that short, for some goodput.',
  parameters,
  arms,
  cases: [{
    name: 'bulk',
    title: 'A bulk sender over a slow path',
    description: 'One stream has 16 MB to send over 20 Mbit/s, and small requests arrive on the same connection. Buffered is what the streams of the connection have not handed to the muxer, and what waits in queues of the modules.',
    busyProcessors: 0.45,
    scenario: run => ({
      hosts: [{ name: 'client', role: 'client', freshProcess: true, libp2p: libp2pWith(modulesOfArm(arms, run)) }, { name: 'server', role: 'server', libp2p: libp2pWith(modulesOfArm(arms, run)) }],
      paths: [{ from: 'client', to: 'server', forward: { delayMs: Number(run.rttMs) / 2, rateBitsPerSecond: Number(run.rateBitsPerSecond), queue: { limitPackets: QUEUE_PACKETS } } }],
      limitMs: 5 * transferMs(run) + 2 * Number(run.deadlineMs)
    }),
    metrics
  }],
  thresholds: [{ case: 'bulk', metric: 'buffered', arm: 'drain-event', limit: 1e6, direction: 'at-most' }],
  // Of real peers a run is ten seconds.
  repetitions: { stack: 1, tcp: 1 },
  // A relay's kernels hold megabytes, in which requests would wait.
  tcpNetwork: 'namespaces'
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: serveSink },
  client: { run: sendAndAsk }
}

/** Streams are read to their end and answered with a byte; messages are taken. */
async function serveSink (host: Host, run: RunParameters): Promise<void> {
  const network = await serveWith(host, modulesOfArm(arms, run), optionsOf(run))
  if (network === undefined) {
    await host.node.handle(SINK, stream => {
      stream.addEventListener('message', () => {})
      stream.addEventListener('remoteCloseWrite', () => {
        stream.send(Uint8Array.of(1))
        stream.close().catch(() => {})
      })
    })
  } else {
    await network.handle(SINK, () => undefined)
  }
}

async function sendAndAsk (host: Host, run: RunParameters): Promise<void> {
  const server = host.peer('server')
  const modules = modulesOfArm(arms, run)
  const connection = await host.node.dial([...server.addresses], { signal: host.signal })
  const network = modules.length === 0 ? undefined : networkWith(host, modules, optionsOf(run))
  const peer = { node: host.node, clock: host.clock, peer: server.id, addresses: server.addresses, deadlineMs: Number(run.deadlineMs) }
  await using requester = network === undefined ? plainLibp2p(peer) : overNetwork(network, peer)
  const payloadOf = requestPayloads(SMALL_BYTES, SMALL_BYTES)
  const startMs = host.clock.now()
  const watch = watchBuffers(host, connection, network)
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.requestsPerSecond), transferMs(run) - ASKING_FROM_MS)
  await Promise.all([
    sendBulk(host, run, connection, network, watch.look).then(() => {
      recordSample(host, 'goodput', Number(run.bulkBytes) * 8e3 / (host.clock.now() - startMs))
      watch.stop()
    }),
    openLoop(host.clock, arrivals.map(timeMs => startMs + ASKING_FROM_MS + timeMs), async scheduledMs => {
      // A failure is a sample, too.
      await measure(host, 'request', Number(run.deadlineMs), async signal => { await requester.request(payloadOf(), signal) }, scheduledMs).catch(() => {})
    }, host.signal)
  ])
}

/** Resolves when the far side has all. `look` is to be called whenever something was handed over. */
async function sendBulk (host: Host, run: RunParameters, connection: Connection, network: OptimizedNetwork | undefined, look: () => void): Promise<void> {
  const bytes = Number(run.bulkBytes)
  if (network !== undefined) {
    await sendMessages(host, network, run, look)
    return
  }
  if (run.arm === 'window') {
    await sendInWindow(connection, bytes, host.signal, look)
    return
  }
  const stream = await connection.newStream(SINK, { signal: host.signal })
  const answered = next(stream, 'message')
  const ballast = new Ballast()
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    const canSendMore = stream.send(ballast.take(Math.min(left, CHUNK_BYTES)))
    look()
    if (!canSendMore && run.arm === 'on-drain') {
      await (stream as DrainingStream).onDrain({ signal: host.signal })
    } else if (!canSendMore && run.arm === 'drain-event') {
      await next(stream, 'drain')
    }
  }
  await stream.close({ signal: host.signal })
  await answered
}

/** The streams of all wires have it; no module uses it. */
interface DrainingStream extends Stream {
  onDrain (options?: { signal?: AbortSignal }): Promise<void>
}

/** One after the other on one stream, whose drain event is heeded; the far side acknowledges each with an empty reply. */
async function sendInWindow (connection: Connection, bytes: number, signal: AbortSignal, look: () => void): Promise<void> {
  const messages = { underWay: 0 }
  const payloadOf = requestPayloads(CHUNK_BYTES, 0)
  let acknowledged = Promise.withResolvers<void>()
  const frames = new FrameStream(await connection.newStream(REQUEST_REPLY_PROTOCOL, { signal }), MAXIMUM_FRAME_BYTES, {
    onFrame () {
      messages.underWay--
      acknowledged.resolve()
    },
    onEnd: () => acknowledged.resolve()
  })
  const untilUnderWay = async (most: number): Promise<void> => {
    while (messages.underWay > most) {
      if (frames.ended) {
        throw new Error('the stream ended before all was acknowledged')
      }
      acknowledged = Promise.withResolvers()
      await acknowledged.promise
    }
  }
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    await untilUnderWay(MESSAGES_AT_A_TIME - 1)
    messages.underWay++
    const written = frames.write(payloadOf().subarray(0, Math.max(4, left)), signal)
    look()
    await written
  }
  await untilUnderWay(0)
}

/** As many at a time as the arm has it; one that is refused waits until another was acknowledged. */
async function sendMessages (host: Host, network: OptimizedNetwork, { arm, bulkBytes }: RunParameters, look: () => void): Promise<void> {
  const { id } = host.peer('server')
  const ballast = new Ballast()
  const refused: Array<() => void> = []
  const deliver = async (bytes: number): Promise<void> => {
    for (;;) {
      const sent = network.send(id, SINK, ballast.take(bytes), { class: 'bulk', deadlineMs: WITHOUT_DEADLINE_MS, signal: host.signal })
      look()
      try {
        await sent
        refused.shift()?.()
        return
      } catch (error) {
        if (!(error instanceof TwinwireError) || error.code !== 'ERR_QUEUE_FULL') {
          throw error
        }
        await new Promise<void>(resolve => { refused.push(resolve) })
      }
    }
  }
  let left = Number(bulkBytes)
  const atATime = arm === 'batching-at-once' ? Math.ceil(left / CHUNK_BYTES) : MESSAGES_AT_A_TIME
  await Promise.all(Array.from({ length: atATime }, async () => {
    while (left > 0) {
      const bytes = Math.min(left, CHUNK_BYTES)
      left -= bytes
      await deliver(bytes)
    }
  }))
}

/** The bulk is to arrive, however long it takes. */
const WITHOUT_DEADLINE_MS = 600_000

async function next (stream: Stream, type: 'message' | 'drain'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener(type, () => resolve(), { once: true })
    stream.addEventListener('close', ({ error }) => reject(error ?? new Error('the stream was closed')), { once: true })
  })
}

/** Records what is buffered, every 50 ms and whenever it is told to look. */
function watchBuffers (host: Host, connection: Connection, network: OptimizedNetwork | undefined): { readonly look: () => void, readonly stop: () => void } {
  const residentBytes = host.memory?.collected().residentBytes
  let mostBytes = 0
  const stopping = new AbortController()
  const look = (): void => {
    const inStreams = connection.streams.reduce((sum, stream) => sum + stream.writeBufferLength, 0)
    // What waits for its turn may be what waits for a batch.
    const inQueues = Math.max(network?.metrics.bandwidth?.waitingBytes ?? 0, network?.metrics.batching?.queuedBytes ?? 0)
    mostBytes = Math.max(mostBytes, inStreams + inQueues)
  }
  const sample = async (): Promise<void> => {
    for (;;) {
      look()
      recordSample(host, 'buffered', mostBytes)
      mostBytes = 0
      if (host.memory !== undefined && residentBytes !== undefined) {
        recordSample(host, 'resident-growth', host.memory.now().residentBytes - residentBytes)
      }
      await sleep(host.clock, SAMPLED_EVERY_MS, stopping.signal)
    }
  }
  // It ends with the signal's reason.
  sample().catch(() => {})
  return { look, stop: () => stopping.abort() }
}

function transferMs ({ bulkBytes, rateBitsPerSecond }: RunParameters): number {
  return Number(bulkBytes) * 8e3 / Number(rateBitsPerSecond)
}

function optionsOf ({ rateBitsPerSecond }: RunParameters): OptimizedNetworkOptions {
  return { messageBatching: { codecs: ['snappy'] }, bandwidthManager: { uploadBitsPerSecond: LINE_PAYLOAD_SHARE * Number(rateBitsPerSecond) } }
}
