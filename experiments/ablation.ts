import * as z from 'zod'
import { sleep, timeoutSignal } from '../src/core/clock.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { Arm, Case, Experiment, Metric, ModuleName } from '../src/experiment/definition.ts'
import type { OptimizedNetworkOptions } from '../src/optim/index.ts'
import type { AddressInput, PathDirectionInput, ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Peer, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { COMPUTING_PER_EVENT_MS } from '../src/workload/computing.ts'
import { keptFleet } from '../src/workload/fleet.ts'
import { hedged } from '../src/workload/hedged.ts'
import { hostNames } from '../src/workload/host-names.ts'
import { LINE_PAYLOAD_SHARE } from '../src/workload/line-share.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm, requestersWith } from '../src/workload/modules.ts'
import type { Requesters } from '../src/workload/modules.ts'
import { requestPayloads } from '../src/workload/request-reply.ts'
import type { Requester } from '../src/workload/requester.ts'
import { serveWith } from '../src/workload/serve.ts'
import { refusingSilent } from '../src/workload/silent-peers.ts'
import { TUNED_LIBP2P } from '../src/workload/tuned-libp2p.ts'
import { wireBytes } from '../src/workload/wire-bytes.ts'

const parameters = z.object({
  rttMs: z.number().positive().default(80).describe('Round trip between client and servers, ms'),
  durationMs: z.number().positive().default(5_000).describe('How long requests arrive, ms'),
  deadlineMs: z.number().positive().default(10_000).describe('What a user waits for an answer at most, the same in all arms, ms'),
  nextPeerMs: z.number().positive().default(2_000).describe('Where any of several peers would do: after so long, or a failure, the user asks the next one, in all arms, ms'),
  loss: z.number().min(0).max(1).default(0.01).describe('Of the case with loss: of packets, each way, a probability'),
  slowShare: z.number().min(0).max(1).default(0.02).describe('Of the case with slow answers: how many are, a share'),
  slowMs: z.number().positive().default(1_000).describe('... and how long they take, ms'),
  thinBitsPerSecond: z.number().positive().default(10e6).describe('Rate of the thin uplink, bits per second'),
  bulkPerSecond: z.number().positive().default(3).describe('Uploads of 256 KiB beside requests on the thin uplink, Poisson')
})

const arm = (name: string, module: ModuleName, title: string): Arm => ({ name, title, description: `${title} alone, with its defaults${module === 'bandwidthManager' ? ', and told the line\'s rate where there is bulk, unless a case says that it is not' : ''}; all others off.`, modules: [module] })

const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'dial() reuses the connection, each request opens a stream: what js-libp2p does by itself, with its connection monitor.' },
  { name: 'by-hand', title: 'Plain, with care', description: 'The same by a careful user, and the fair rival: streams that were answered on are used again, four tries of a quarter of the deadline each, 100 ms between them, behind one that timed out the next dials with `force`, the addresses of a peer are raced, and libp2p\'s limit for an address is 1.5 s, which is room for a lost SYN, and 2 s for its monitor\'s pings. Where some answers are slow he asks a second time after a round trip and a half and takes the first answer, and where any server would do he passes over one that was silent for half a minute. He does not shape, and is no rival where that is what helps.' },
  arm('pool', 'connectionPool', 'Connection pool'),
  arm('batching', 'messageBatching', 'Message batching'),
  arm('bandwidth', 'bandwidthManager', 'Bandwidth manager'),
  arm('timeouts', 'adaptiveTimeouts', 'Adaptive timeouts'),
  arm('health', 'networkHealth', 'Network health'),
  { name: 'all', title: 'All modules', description: 'All five modules with their defaults, which are those of `createOptimizedNetwork`; the bandwidth manager is told the line\'s rate where there is bulk, unless a case says that it is not.', modules: MODULES }
]

/** What one client asks of its servers. */
interface Workload {
  readonly servers: number
  readonly perSecond: number
  /** Absent: the parameters' duration. */
  readonly durationMs?: number
  readonly requestBytes: number
  readonly replyBytes: number
  /** False where nobody is connected before. Absent: each server was asked once, which is not measured. */
  readonly warm?: false
  /** True where any server would do, so that the user asks another one after a failure. Absent: each request is for one server. */
  readonly any?: true
  readonly bulk?: true
}

const SMALL = { requestBytes: 100, replyBytes: 100 } as const
const BULK_BYTES = 256 * 1024

const WORKLOADS = {
  'small-requests': { servers: 3, perSecond: 150, ...SMALL },
  'beside-bulk': { servers: 1, perSecond: 20, bulk: true, ...SMALL },
  'beside-bulk-untold': { servers: 1, perSecond: 20, bulk: true, ...SMALL },
  'slow-answers': { servers: 3, perSecond: 20, durationMs: 12_000, ...SMALL },
  'dead-peer': { servers: 6, perSecond: 30, durationMs: 12_000, any: true, ...SMALL },
  'silent-death': { servers: 1, perSecond: 5, durationMs: 16_000, ...SMALL },
  'first-address-dead': { servers: 3, perSecond: 3, durationMs: 10_000, warm: false, ...SMALL },
  loss: { servers: 3, perSecond: 60, ...SMALL },
  cold: { servers: 5, perSecond: 1, warm: false, ...SMALL },
  'one-at-a-time': { servers: 1, perSecond: 4, durationMs: 10_000, ...SMALL },
  'large-messages': { servers: 1, perSecond: 2, durationMs: 10_000, requestBytes: 512 * 1024, replyBytes: 100 },
  'fast-line': { servers: 1, perSecond: 1, durationMs: 10_000, requestBytes: 2 * 1024 * 1024, replyBytes: 100 },
  lan: { servers: 1, perSecond: 100, ...SMALL }
} as const satisfies Record<string, Workload>

const metrics: readonly Metric[] = [
  { name: 'p50', title: 'Request, median', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.05 },
  { name: 'attempts', title: 'Attempts a request', sample: 'attempts', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.02 },
  { name: 'wire-bytes', title: 'Bytes on the wire a request', sample: 'wire-bytes', statistic: 'mean', unit: 'bytes', better: 'lower', role: 'cost', minimumEffect: 0.05 }
]

/** Less than a try has: who gives up both at once never comes to the second address. */
const BY_HAND_ADDRESS_MS = 1_500
/** How long he waits before he asks a second time, where some answers are slow: nearly all others have come. */
const BY_HAND_HEDGE_ROUND_TRIPS = 1.5
/** For how long he passes over a server that was silent, where any would do. */
const BY_HAND_SILENT_MS = 30_000

/** Against what a user without modules does by hand. */
const againstHand = (metric: Metric): Metric => ({ ...metric, name: `${metric.name}-by-hand`, title: `${metric.title}, against care by hand`, baseline: 'by-hand' })

/** The farthest into the tail that a run's requests allow: of fewer than two hundred, a p99 would be the slowest of them. */
function tailOf (requests: number): Metric {
  const [statistic, title] = requests >= 200 ? ['p99', 'p99'] as const : requests >= 40 ? ['p90', 'p90'] as const : ['maximum', 'slowest'] as const
  return { name: statistic, title: `Request, ${title}`, sample: 'request', statistic, unit: 'ms', better: 'lower', minimumEffect: 0.05 }
}

/** Of those who meet the dead server there are more. */
const SLOWEST_TENTH: Metric = { name: 'p90', title: 'Request, p90', sample: 'request', statistic: 'p90', unit: 'ms', better: 'lower', minimumEffect: 0.05 }

const UPLOADS: readonly Metric[] = [{ name: 'bulk-p50', title: 'Upload, median', sample: 'bulk', statistic: 'p50', unit: 'ms', better: 'lower', role: 'cost', minimumEffect: 0.05 }]

/** Of cases about the bandwidth manager's default rate, which the other modules do not touch. */
const WITH_MANAGER = ['plain', 'by-hand', 'bandwidth', 'all'] as const

/** With a drop-tail queue of four bandwidth-delay products. */
function thinUplink ({ thinBitsPerSecond, rttMs }: RunParameters): Partial<PathDirectionInput> {
  return { rateBitsPerSecond: Number(thinBitsPerSecond), queue: { limitBytes: 4 * Number(thinBitsPerSecond) / 8e3 * Number(rttMs) } }
}

const cases: readonly Case[] = [
  ablation({
    name: 'small-requests',
    title: 'Many small requests',
    description: 'Requests and replies of 100 B, 50 a second to each of three servers: what batching is for, and what kept streams save a round trip of.'
  }),
  ablation({
    name: 'beside-bulk',
    title: 'Beside bulk',
    rival: false,
    description: 'Small requests beside uploads of 256 KiB on a thin uplink, two thirds full, with a queue of four bandwidth-delay products. The bandwidth manager is told the uplink\'s rate less what headers take.',
    // What waits in front of a relay waits above TCP.
    wires: ['sim', 'stack'],
    // Uploads begin on an idle line.
    warmUpMs: 'mser-5',
    extra: UPLOADS,
    path: thinUplink
  }),
  ablation({
    name: 'beside-bulk-untold',
    title: 'Beside bulk, rate untold',
    rival: false,
    description: 'The same, but nobody tells the bandwidth manager the uplink\'s rate: its default of 80 Mbit/s is eight times what the line carries, so that the queue stands in the router as without it.',
    wires: ['sim'],
    arms: WITH_MANAGER,
    warmUpMs: 'mser-5',
    extra: UPLOADS,
    path: thinUplink
  }),
  ablation({
    name: 'slow-answers',
    busyProcessors: 0.15,
    title: 'Some answers are slow',
    description: 'Two answers in a hundred take a second longer, whichever server they are from: a garbage collection, a disk. A second attempt beside the first most likely meets none.',
    role: 'slow-server'
  }),
  ablation({
    name: 'dead-peer',
    busyProcessors: 0.2,
    title: 'One of six servers dies',
    description: 'Any of six servers would do; the user asks the next one after two seconds. One of them falls silent for good after a fifth of the time.',
    extra: [SLOWEST_TENTH, againstHand(SLOWEST_TENTH)],
    faults: run => [{ kind: 'black-hole', from: 'client', to: 'server-0', atMs: beginMs(run) + durationMs(run) / 5, scope: 'all' }]
  }),
  ablation({
    name: 'silent-death',
    busyProcessors: 0.05,
    title: 'Silently dead connection',
    description: 'The open connection stops carrying anything, without a word, while new ones would work (a NAT that forgot it).',
    faults: (run, phaseMs) => [{ kind: 'black-hole', from: 'client', to: 'server-0', atMs: beginMs(run) + phaseMs, scope: 'existing' }]
  }),
  ablation({
    name: 'first-address-dead',
    busyProcessors: 0.05,
    title: 'First addresses dead',
    description: 'Each of three servers has two addresses, and packets to its first one vanish. Nobody is connected when requests begin to arrive: few, for of more than ten streams that are opened at once on a new connection libp2p resets all.',
    addresses: [{ state: 'black-hole' }, {}]
  }),
  ablation({
    name: 'loss',
    title: 'Packets are lost',
    description: 'One packet in a hundred is lost, each way.',
    // A relay above TCP cannot lose packets.
    wires: ['sim', 'stack'],
    path: run => ({ loss: { model: 'bernoulli', probability: Number(run.loss) } })
  }),
  ablation({
    name: 'cold',
    busyProcessors: 0.05,
    title: 'First requests',
    description: 'The first request to each of five servers that nobody is connected to: handshakes take the round trips that they take. Batching asks each server whether it takes batches.',
    noGain: MODULES
  }),
  ablation({
    name: 'one-at-a-time',
    busyProcessors: 0.05,
    title: 'One request at a time',
    description: 'Small requests to one server, far apart: there is nothing to batch and nothing to share, and nothing fails.',
    noGain: ['messageBatching', 'bandwidthManager', 'adaptiveTimeouts', 'networkHealth']
  }),
  ablation({
    name: 'large-messages',
    busyProcessors: 0.1,
    title: 'Large messages',
    description: 'Requests of 512 KiB, one flow on a path of 100 Mbit/s, of which nothing else wants a share: they are too large for batches, and the bandwidth manager has only its default rate of 80 Mbit/s to hold them to.',
    noGain: ['messageBatching', 'bandwidthManager', 'adaptiveTimeouts', 'networkHealth'],
    path: () => ({ rateBitsPerSecond: 100e6 })
  }),
  ablation({
    name: 'fast-line',
    title: 'A fast line, rate untold',
    description: 'Requests of 2 MiB on a path of 1 Gbit/s and 10 ms, and nobody tells the bandwidth manager: its default holds them to 80 Mbit/s.',
    wires: ['sim', 'stack'],
    arms: WITH_MANAGER,
    noGain: ['bandwidthManager'],
    path: () => ({ rateBitsPerSecond: 1e9, delayMs: 5 })
  }),
  ablation({
    name: 'lan',
    title: 'A stable LAN',
    description: 'Small requests on a path of 1 ms on which nothing ever goes wrong: timeouts and probes can only cost. Simulated peers compute here, for as long as was measured apart.',
    noGain: ['adaptiveTimeouts', 'networkHealth', 'bandwidthManager'],
    computes: true,
    path: () => ({ delayMs: 0.5 })
  })
]

export const experiment: Experiment = {
  name: 'ablation',
  title: 'Each module alone',
  question: 'What does each of the five modules give by itself, and all of them together, over plain js-libp2p, and what does each cost where it can give nothing?',
  expected: 'The pool halves warm requests and spares them dead addresses; batching halves them too, for fewer bytes; the bandwidth manager keeps requests from behind uploads; timeouts and hedges shorten slow answers, dead connections and lost packets for up to a fifth more attempts; health spares users a dead peer. Where nothing can be gained none costs more than a few per cent, but for large messages on lines that are faster than the rate that the bandwidth manager holds them to, and first requests, where batching asks in vain or waits for its stream.',
  parameters,
  arms,
  cases,
  thresholds: [
    // A round trip on a kept stream and a tenth, five on none, and no limit of an address's dial.
    ...(['pool', 'all'] as const).map(arm => ({ case: 'one-at-a-time', metric: 'p50', arm, limit: 88, direction: 'at-most' as const })),
    { case: 'cold', metric: 'p50', arm: 'all', limit: 440, direction: 'at-most' },
    { case: 'first-address-dead', metric: 'maximum', arm: 'pool', limit: 1_000, direction: 'at-most' }
  ],
  repetitions: { stack: 1, tcp: 1 },
  precision: {
    halfWidth: 0.05,
    maximumSeeds: 24,
    targets: [
      { case: 'small-requests', metric: 'p50', arm: 'all' },
      { case: 'beside-bulk', metric: 'p50', arm: 'bandwidth' },
      { case: 'slow-answers', metric: 'p99', arm: 'timeouts' },
      { case: 'dead-peer', metric: 'p99', arm: 'health' }
    ]
  }
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async (host, run) => { await serveWith(host, modulesOfArm(arms, run), optionsOf(run)) } },
  'slow-server': {
    setUp: async (host, run) => {
      const slow = host.random.fork('slow')
      await serveWith(host, modulesOfArm(arms, run), optionsOf(run), async () => {
        if (slow.next() < Number(run.slowShare)) {
          await sleep(host.clock, Number(run.slowMs), host.signal)
        }
      })
    }
  },
  client: { run: askServers }
}

async function askServers (host: Host, run: RunParameters): Promise<void> {
  const { servers, perSecond, requestBytes, replyBytes, warm, any, bulk }: Workload = workloadOf(run)
  const peers = hostNames('server', servers, 0).map(name => host.peer(name))
  const deadlineMs = Number(run.deadlineMs)
  const patienceMs = any === true ? Number(run.nextPeerMs) : deadlineMs
  await using requesters = run.arm === 'by-hand' ? requestersByHand(host, run, peers) : await requestersWith(host, peers, patienceMs, modulesOfArm(arms, run), optionsOf(run))
  const payloadOf = requestPayloads(requestBytes, replyBytes)
  const uploadOf = requestPayloads(BULK_BYTES, 100)
  if (warm !== false) {
    await warmUp(host, run, requesters, payloadOf())
  }
  await sleep(host.clock, Math.max(0, beginMs(run) - host.clock.now()), host.signal)
  const [before, attemptsBefore] = [host.traffic(), requesters.attempts()]
  const choice = host.random.fork('choice')
  const uploads = bulk === true ? poissonArrivals(host.random.fork('uploads'), Number(run.bulkPerSecond), durationMs(run)) : []
  const arrivals = arrivalsOf(host, run, perSecond)
  await Promise.all([
    openLoop(host.clock, arrivals.map(timeMs => beginMs(run) + timeMs), async (scheduledMs) => {
      const first = choice.integer(servers)
      await measure(host, 'request', deadlineMs, async signal => {
        await askOneAfterTheOther(host, requesters, { first, count: any === true ? servers : 1, patienceMs, payload: payloadOf(), signal })
      }, scheduledMs).catch(() => {})
    }, host.signal),
    openLoop(host.clock, uploads.map(timeMs => beginMs(run) + timeMs), async (scheduledMs) => {
      await measure(host, 'bulk', deadlineMs, async signal => { await requesters.each[0].request(uploadOf(), signal) }, scheduledMs).catch(() => {})
    }, host.signal)
  ])
  const after = host.traffic()
  const requests = arrivals.length + uploads.length
  recordSample(host, 'attempts', (requesters.attempts() - attemptsBefore) / requests)
  if (before !== undefined && after !== undefined) {
    recordSample(host, 'wire-bytes', (wireBytes(after) - wireBytes(before)) / requests)
  }
}

function requestersByHand (host: Host, run: RunParameters, peers: readonly Peer[]): Requesters {
  const deadlineMs = Number(run.deadlineMs)
  const fleet = keptFleet(host, { deadlineMs, attempts: 4, attemptMs: deadlineMs / 4, redials: true, races: true })
  const careful = (requester: Requester): Requester => {
    const hedging = run.case === 'slow-answers' ? hedged(requester, host.clock, BY_HAND_HEDGE_ROUND_TRIPS * Number(run.rttMs)) : requester
    return workloadOf(run).any === true ? refusingSilent(hedging, host.clock, BY_HAND_SILENT_MS) : hedging
  }
  return {
    each: peers.map(peer => careful({ request: async (payload, signal) => await fleet.ask([peer], payload, signal), async [Symbol.asyncDispose] () {} })),
    attempts: () => fleet.attempts,
    [Symbol.asyncDispose]: async () => await fleet[Symbol.asyncDispose]()
  }
}

/** Where nobody was connected to the servers, each is asked at least once. */
function arrivalsOf (host: Host, run: RunParameters, perSecond: number): number[] {
  const random = host.random.fork('arrivals')
  return run.case === 'cold' ? hostNames('server', workloadOf(run).servers, 0).map((_, index) => index * 1_000 / perSecond + random.uniform(0, 100)) : poissonArrivals(random, perSecond, durationMs(run))
}

interface Asking {
  readonly first: number
  /** How many servers may be asked. */
  readonly count: number
  readonly patienceMs: number
  readonly payload: Uint8Array
  readonly signal: AbortSignal
}

/** The first server, and after a failure or when patience is at its end the next, as long as there are any and the deadline allows. */
async function askOneAfterTheOther ({ clock }: Host, { each }: Requesters, { first, count, patienceMs, payload, signal }: Asking): Promise<void> {
  for (let asked = 1; ; asked++) {
    using patience = timeoutSignal(clock, patienceMs, signal)
    try {
      await each[(first + asked - 1) % each.length].request(payload, patience.signal)
      return
    } catch (error) {
      if (signal.aborted || asked === count) {
        throw error
      }
    }
  }
}

/** Each server once, not measured. An arm that fails here meets the arrivals cold. */
async function warmUp (host: Host, run: RunParameters, { each }: Requesters, payload: Uint8Array): Promise<void> {
  using limit = timeoutSignal(host.clock, beginMs(run), host.signal)
  await Promise.all(each.map(async requester => { await requester.request(payload, limit.signal).catch(() => {}) }))
}

function optionsOf (run: RunParameters): OptimizedNetworkOptions {
  return {
    // So that lengths are the same on all machines.
    messageBatching: { codecs: ['snappy'] },
    ...run.case === 'beside-bulk' && { bandwidthManager: { uploadBitsPerSecond: Number(run.thinBitsPerSecond) * LINE_PAYLOAD_SHARE } }
  }
}

function workloadOf (run: RunParameters): Workload {
  const workload = (WORKLOADS as Readonly<Record<string, Workload>>)[String(run.case)]
  if (workload === undefined) {
    throw new Error(`no workload of the case ${String(run.case)}`)
  }
  return workload
}

function durationMs (run: RunParameters): number {
  return workloadOf(run).durationMs ?? Number(run.durationMs)
}

/** A first request takes five round trips, one with loss a timeout or two more. */
function beginMs ({ rttMs }: RunParameters): number {
  return Math.max(2_000, 10 * Number(rttMs))
}

/** As many as are to be expected in a run with the defaults. */
function requestsOf (name: keyof typeof WORKLOADS): number {
  const { perSecond, servers, durationMs = parameters.parse({}).durationMs }: Workload = WORKLOADS[name]
  return name === 'cold' ? servers : perSecond * durationMs / 1_000
}

interface AblationCase extends Pick<Case, 'title' | 'description' | 'noGain' | 'wires' | 'arms' | 'warmUpMs' | 'busyProcessors'> {
  readonly name: keyof typeof WORKLOADS
  readonly role?: string
  /** True where computing takes as long as the network, and is modelled. */
  readonly computes?: true
  /** What differs from a path that is as fast as can be, with half the parameters' round trip. */
  readonly path?: (run: RunParameters) => Partial<PathDirectionInput>
  readonly addresses?: AddressInput[]
  /** `phaseMs`: somewhere in the first 4 s, the same in all arms of a seed. */
  readonly faults?: (run: RunParameters, phaseMs: number) => ScenarioInput['faults']
  readonly extra?: readonly Metric[]
  /** False where what helps is nothing that the careful user does: to be better than he is would be to be better than nobody. */
  readonly rival?: boolean
}

function ablation ({ role = 'server', computes, path, addresses = [{}], faults, extra = [], rival = true, ...over }: AblationCase): Case {
  const servers = hostNames('server', WORKLOADS[over.name].servers, 0)
  const [median, ...others] = metrics
  const goals = [median, tailOf(requestsOf(over.name)), ...others.filter(({ role }) => role !== 'cost')]
  return {
    ...over,
    scenario (parameters, random) {
      const run: RunParameters = { ...parameters, case: over.name }
      const peer = { libp2p: { ...libp2pWith(modulesOfArm(arms, run)), ...run.arm === 'by-hand' && { ...TUNED_LIBP2P, addressDialTimeoutMs: BY_HAND_ADDRESS_MS } }, ...computes && { processing: { perEventMs: COMPUTING_PER_EVENT_MS, ofRealPeers: true } } }
      return {
        hosts: [{ name: 'client', role: 'client', ...peer }, ...servers.map(name => ({ name, role, addresses, ...peer }))],
        paths: servers.map(name => ({ from: 'client', to: name, forward: { delayMs: Number(run.rttMs) / 2, ...path?.(run) } })),
        ...faults && { faults: faults(run, random.uniform(0, 4_000)) },
        limitMs: beginMs(run) + durationMs(run) + 3 * Number(run.deadlineMs)
      }
    },
    metrics: [...goals, ...rival ? goals.map(againstHand) : [], ...metrics.filter(({ role }) => role === 'cost'), ...extra]
  }
}
