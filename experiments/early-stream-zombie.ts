import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { Arm, Case, Experiment, Metric } from '../src/experiment/definition.ts'
import type { OptimizedNetworkOptions } from '../src/optim/index.ts'
import { RequestStream } from '../src/optim/index.ts'
import type { PathDirectionInput, ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm, requesterWith } from '../src/workload/modules.ts'
import { REQUEST_REPLY_PROTOCOL, requestPayloads } from '../src/workload/request-reply.ts'
import type { Requester } from '../src/workload/requester.ts'
import { serveWith } from '../src/workload/serve.ts'

const parameters = z.object({
  rttMs: z.number().positive().default(80).describe('Round trip between client and server, ms, where the server computes in no time'),
  nearRttMs: z.number().positive().default(1).describe('The same where it is busy, ms'),
  nearRateBitsPerSecond: z.number().positive().default(1e9).describe('Rate of the path there, bits per second each way'),
  busyMs: z.number().positive().default(60).describe('What a busy server takes each time that a connection has something to tell, ms'),
  deadlineMs: z.number().positive().default(5_000).describe('What a user waits for an answer at most, the same in all arms, ms'),
  laterPerSecond: z.number().positive().default(4).describe('Requests a second that go on arriving after the first ones, Poisson'),
  observedMs: z.number().positive().default(15_000).describe('How long they do, ms')
})

const MESSAGE_BYTES = 100
/** Of the retries by hand: the wait before the first, drawn evenly up to twice as much, and doubled with each. */
const BACKOFF_MS = 50
/** Streams opened at once: libp2p's muxer takes 10 that arrive before it listens. */
const LEVELS = [1, 5, 8, 9, 10, 11, 20, 40, 100] as const
/** On the stack a run has a thread of its own, and with real peers it lasts as long as it says: some levels are held to them. */
const STACK_LEVELS: readonly number[] = [8, 9, 11, 40]
const BUSY_LEVELS = [5, 9, 10, 11, 40] as const
const BUSY_STACK_LEVELS: readonly number[] = [10, 11, 40]
const REAL_LEVELS: readonly number[] = [11, 40]
const TITLES = { streams: '', busy: ', busy server' } as const

const MODULE_OPTIONS: OptimizedNetworkOptions = { messageBatching: { codecs: ['snappy'] } }

const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'dial(), which requests made at once share, and a stream for each request.' },
  { name: 'plain-retry', title: 'Plain, retries by hand', description: 'A request that failed is made again on a new connection, dialled with `force`, until its deadline, after 50 to 100 ms at first and twice as much each time.' },
  { name: 'plain-one-first', title: 'Plain, one first', description: 'The first request goes alone; the others wait for its end. What somebody does who knows of the limit.' },
  { name: 'pool', title: 'Connection pool', description: 'The pool alone: of a connection on which no stream was acknowledged yet, 8 are opened at a time.', modules: ['connectionPool'] },
  { name: 'full', title: 'Full stack', description: 'All five modules at both ends: requests share a batch. libp2p\'s own monitor is off.', modules: MODULES }
]

const GOALS: readonly Metric[] = [
  { name: 'first-failed', title: 'Failed first requests', sample: 'first', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.01 },
  { name: 'first', title: 'First requests, median', sample: 'first', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'first-last', title: 'First requests, the last', sample: 'first', statistic: 'maximum', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'later-failed', title: 'Failed later requests', sample: 'later', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.01 },
  { name: 'outage', title: 'Until the peer answers', sample: 'outage', statistic: 'mean', unit: 'ms', better: 'lower', minimumEffect: 0.05 }
]
/** Each goal, and the same against those who know of the limit. */
const metrics: readonly Metric[] = [
  ...GOALS.flatMap((goal): Metric[] => [
    goal,
    { ...goal, name: `${goal.name}-one-first`, title: `${goal.title}, against one first`, baseline: 'plain-one-first' },
    { ...goal, name: `${goal.name}-retry`, title: `${goal.title}, against retries by hand`, baseline: 'plain-retry' }
  ]),
  { name: 'connections', title: 'Connections opened', sample: 'connections', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 }
]

const EARLY = 'Streams that reach the far side before its muxer listens are kept, some ten of them: one more, and all are reset, while the connection stays open at the near side, where every next stream waits in vain.'

const cases: readonly Case[] = [
  ...LEVELS.map(streams => burst('streams', streams, {
    wires: ['sim', ...STACK_LEVELS.includes(streams) ? ['stack' as const] : [], ...REAL_LEVELS.includes(streams) ? ['tcp' as const] : []],
    // A tenth in the mean, half of which is the hub's; but what is asked at once is computed at once.
    ...REAL_LEVELS.includes(streams) && { busyProcessors: 0.3 },
    sweep: { name: 'streams', levels: { streams } },
    description: `No connection yet, and so many requests at one instant; then others go on arriving. ${EARLY} Here hardly any do: what ends the handshake and opens the first stream is nine segments of the first window's ten, so all other streams wait for a round trip, and a server that computes in no time listens by then.`,
    scenario: run => pair(run, { delayMs: Number(run.rttMs) / 2 })
  })),
  ...BUSY_LEVELS.map(streams => burst('busy', streams, {
    wires: ['sim', ...BUSY_STACK_LEVELS.includes(streams) ? ['stack' as const] : []],
    sweep: { name: 'busy', levels: { streams } },
    description: `The same near by, and the server's processor is busy with what came first, a length of two bytes, for longer than the streams are held back: for the 40 ms by which its kernel may delay an acknowledgement while no program reads, and a round trip. It reads the rest of the handshake and all streams at once. ${EARLY} Not on real peers, whose processors no scenario slows.`,
    scenario: run => pair(run, { delayMs: Number(run.nearRttMs) / 2, rateBitsPerSecond: Number(run.nearRateBitsPerSecond) }, { processing: { perEventMs: Number(run.busyMs) } })
  }))
]

const STREAMS = { name: 'streams', title: 'Requests at once', unit: 'count', scale: 'log' } as const

export const experiment: Experiment = {
  name: 'early-stream-zombie',
  title: 'Many streams right after a dial',
  question: 'What becomes of requests that are made at once to a peer without a connection, and of those after them?',
  expected: 'Up to ten, nothing. From eleven on plain libp2p loses all of them and those after them too, until its connection monitor ends the dead connection after ten seconds or more. Retries by hand work where they do not come together again. The pool opens eight at first and loses none, for one round trip more; batches share a stream. (Learned when simulated TCP began to count each small write as a segment: over a path, ten segments of the first window hold back all but one or two of the streams, and nobody is hurt unless the server is busy for longer than that.)',
  parameters,
  arms,
  cases,
  // On the stack the busy ones take a core seconds each, and real ones as long as they are observed.
  repetitions: { stack: 1, tcp: 1 },
  // A relay acknowledges at once: between its ends there is no first window.
  tcpNetwork: 'namespaces',
  // What a request that arrives during the dial decides, one run in some: it takes room of the first window, or is one stream too many.
  precision: {
    halfWidth: 0.03,
    maximumSeeds: 80,
    targets: [
      { case: 'streams-1', metric: 'first', arm: 'full' },
      { case: 'streams-8', metric: 'outage', arm: 'full' },
      { case: 'busy-9', metric: 'outage', arm: 'full' }
    ]
  },
  thresholds: ['streams-40', 'busy-40'].flatMap(name => (['pool', 'full'] as const).map(arm => ({ case: name, metric: 'first-failed', arm, limit: 0, direction: 'at-most' as const }))),
  sweeps: [
    { name: 'streams', title: 'Requests at once', description: 'From one request to a hundred, to a peer without a connection. At a hundred libp2p\'s own limit of 64 outbound streams of a protocol shows as well.', factors: [STREAMS] },
    { name: 'busy', title: 'Requests at once to a busy server', description: 'The same to one that is near and reads late.', factors: [STREAMS] }
  ]
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async (host, run) => { await serveWith(host, modulesOfArm(arms, run), MODULE_OPTIONS) } },
  client: { run: burstAndAskOn }
}

async function burstAndAskOn (host: Host, run: RunParameters): Promise<void> {
  let connections = 0
  host.node.addEventListener('connection:open', () => { connections++ })
  await using requester = await requesterOf(host, run)
  // At a phase of libp2p's clocks that is the same in all arms of a seed.
  const startMs = host.random.fork('start').uniform(0, 1_000)
  await sleep(host.clock, startMs, host.signal)
  const payloadOf = requestPayloads(MESSAGE_BYTES, MESSAGE_BYTES)
  let answeredMs: number | undefined
  const ask = async (metric: 'first' | 'later', scheduledMs: number): Promise<void> => {
    try {
      await measure(host, metric, Number(run.deadlineMs), async signal => { await requester.request(payloadOf(), signal) }, scheduledMs)
      answeredMs ??= host.clock.now()
    } catch {
      // A sample, too.
    }
  }
  const later = poissonArrivals(host.random.fork('arrivals'), Number(run.laterPerSecond), Number(run.observedMs))
  await Promise.all([
    ...Array.from({ length: streamsOf(run) }, async () => await ask('first', startMs)),
    openLoop(host.clock, later.map(timeMs => startMs + timeMs), async scheduledMs => await ask('later', scheduledMs), host.signal)
  ])
  recordSample(host, 'outage', (answeredMs ?? host.clock.now()) - startMs, answeredMs === undefined ? new Error('no request was answered') : undefined)
  recordSample(host, 'connections', connections)
}

async function requesterOf (host: Host, run: RunParameters): Promise<Requester> {
  if (run.arm === 'plain-retry') {
    return retriedByHand(host)
  }
  const requester = await requesterWith(host, host.peer('server'), Number(run.deadlineMs), modulesOfArm(arms, run), MODULE_OPTIONS)
  return run.arm === 'plain-one-first' ? oneFirst(requester) : requester
}

/** What comes while the first request is under way waits for its end. */
function oneFirst (requester: Requester): Requester {
  let first: Promise<unknown> | undefined
  return {
    async request (payload, signal) {
      if (first === undefined) {
        const reply = requester.request(payload, signal)
        first = reply.catch(() => {})
        return await reply
      }
      await first
      return await requester.request(payload, signal)
    },
    async [Symbol.asyncDispose] () {
      await requester[Symbol.asyncDispose]()
    }
  }
}

/** On the connection that there is, and then on new ones until the caller's signal. */
function retriedByHand (host: Host): Requester {
  const { node, clock } = host
  const addresses = [...host.peer('server').addresses]
  const random = host.random.fork('backoff')
  return {
    async request (payload, signal) {
      for (let attempt = 0, waitMs = BACKOFF_MS; ; attempt++, waitMs *= 2) {
        const connection = await node.dial(addresses, { signal, force: attempt > 0 })
        try {
          const stream = await connection.newStream(REQUEST_REPLY_PROTOCOL, { signal })
          const reply = await RequestStream.of(stream).request(payload, { signal })
          await stream.close({ signal })
          return reply
        } catch {
          signal.throwIfAborted()
          await sleep(clock, waitMs * random.uniform(1, 2), signal)
        }
      }
    },
    async [Symbol.asyncDispose] () {}
  }
}

/** A case of so many requests at once, whose number ends its name. */
function burst (kind: 'streams' | 'busy', streams: number, rest: Pick<Case, 'description' | 'scenario' | 'wires' | 'sweep' | 'busyProcessors'>): Case {
  const title = streams === 1 ? 'One request' : `${streams} requests at once`
  return { ...rest, name: `${kind}-${streams}`, title: `${title}${TITLES[kind]}`, metrics }
}

function pair (run: RunParameters, forward: PathDirectionInput, server: Pick<ScenarioInput['hosts'][number], 'processing'> = {}): ScenarioInput {
  const libp2p = libp2pWith(modulesOfArm(arms, run))
  return {
    hosts: [{ name: 'client', role: 'client', libp2p }, { name: 'server', role: 'server', libp2p, ...server }],
    paths: [{ from: 'client', to: 'server', forward }],
    limitMs: Number(run.observedMs) + 3 * Number(run.deadlineMs)
  }
}

function streamsOf (run: RunParameters): number {
  return Number(String(run.case).split('-').at(-1))
}
