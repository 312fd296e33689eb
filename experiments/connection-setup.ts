import * as z from 'zod'
import type { RandomStream } from '../src/core/random.ts'
import type { Arm, Case, Claim, Experiment, Metric } from '../src/experiment/definition.ts'
import type { Host, Peer, Role, RunParameters } from '../src/wires/wire.ts'
import type { AddressInput, PathDirectionInput, ScenarioInput } from '../src/wires/scenario.ts'
import { RequestStream } from '../src/optim/index.ts'
import { UNLIMITED_SESSION } from '../src/sim/session/options.ts'
import { quantile } from '../src/stats/quantile.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { DialCosts } from '../src/workload/dial-costs.ts'
import { modularFleet, plainFleet, racedFleet, requesterFleet, warmFleet } from '../src/workload/fleet.ts'
import type { Fleet } from '../src/workload/fleet.ts'
import { keptStreams } from '../src/workload/kept-streams.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm } from '../src/workload/modules.ts'
import { dialEachTime } from '../src/workload/requester.ts'
import { REQUEST_REPLY_PROTOCOL, requestPayloads, serveRequestReply } from '../src/workload/request-reply.ts'
import { TUNED_LIBP2P } from '../src/workload/tuned-libp2p.ts'

const parameters = z.object({
  rttMs: z.number().positive().default(80).describe('Round trip between client and server, ms; first requests meet peers at half to twice as much'),
  rateBitsPerSecond: z.number().positive().default(50e6).describe('Rate of the path, bits per second each way'),
  loss: z.number().min(0).max(1).default(0).describe('Packet loss each way, a probability; in simulation only, as a relay above TCP cannot lose packets'),
  requestBytes: z.int().min(4).max(1_000_000).default(100).describe('Size of a request, bytes'),
  replyBytes: z.int().min(0).max(1_000_000).default(100).describe('Size of a reply, bytes'),
  deadlineMs: z.number().positive().default(10_000).describe('What a user waits for an answer at most, the same in all arms, ms'),
  coldDials: z.int().positive().default(8).describe('Peers that are asked for the first time, a run, all of whose addresses are good'),
  deadDials: z.int().positive().default(40).describe('The same where addresses are dead'),
  tailDials: z.int().positive().default(200).describe('The same, as many as a p99 needs'),
  dialsPerSecond: z.number().positive().default(4).describe('How many of them are asked a second, evenly'),
  deadShare: z.number().min(0).max(1).default(0.33).describe('Of a peer\'s two to four addresses the first is dead, and of those between it and the last so many, a probability'),
  warmRequestsPerSecond: z.number().positive().default(10).describe('Arrivals of the warm case, Poisson'),
  warmDurationMs: z.number().positive().default(5_000).describe('How long the warm case lasts, ms'),
  deathRequestsPerSecond: z.number().positive().default(4).describe('Arrivals of the silent-death case, Poisson'),
  deathObservedMs: z.number().positive().default(20_000).describe('How long requests keep arriving after the connection died, ms'),
  roundTripRepeats: z.int().positive().default(5).describe('Dials, echoes and warm echoes at each distance, a run')
})

const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'dial() reuses the connection, each request opens a stream: what js-libp2p does by itself.' },
  { name: 'dial-every-request', title: 'Dial every request', description: 'A new connection a request, closed afterwards. A straw man, shown because it is often what is compared with.' },
  { name: 'kept-streams', title: 'Kept streams', description: 'Plain libp2p as those use it who know that a stream costs a round trip: streams that were answered on are kept and used again.' },
  { name: 'plain-tuned', title: 'Tuned libp2p', description: 'Plain libp2p with three options set: addressDialTimeout, and the connection monitor\'s pingInterval and least pingTimeout, at 2 s instead of 6, 10 and 5: room for a lost SYN, which TCP sends again after 1 s, and for the handshake at 300 ms of round trip.' },
  { name: 'raced-dials', title: 'Addresses raced by hand', description: 'Plain libp2p by a user who dials a peer\'s addresses himself, a quarter of a second apart (RFC 8305), keeps the first connection and gives the other dials up. libp2p joins the dials of one peer and tries its addresses one after the other, so that all but the first must not name the peer. Where a first address is dead.' },
  { name: 'redial-retries', title: 'Retries that redial', description: 'Plain libp2p with what a careful user writes around it: four tries, 1 s each, which is TCP\'s own wait for a lost SYN (RFC 6298), 100 ms between them; behind one that timed out the next dials with `force`.' },
  { name: 'pool', title: 'Pool', description: 'The connection pool alone: kept streams, racing of addresses, replacement of suspect connections.', modules: ['connectionPool'] },
  { name: 'pool-timeouts', title: 'Pool + timeouts', description: 'The connection pool under adaptive timeouts; requests are idempotent and may be tried again.', modules: ['connectionPool', 'adaptiveTimeouts'] }
]

/** The distances at which simulation and reality are compared, ms of round trip. */
const DISTANCES_MS = [20, 80, 200] as const

/** What is done at each distance, and how many round trips it takes by design. */
const OPERATIONS = [
  { name: 'dial', title: 'Dial' },
  { name: 'stream-echo', title: 'New stream + echo' },
  { name: 'warm-echo', title: 'Warm echo' }
] as const

/** When measured arrivals begin, after a first request: a cold one takes five round trips. */
function warmAfterMs ({ rttMs }: RunParameters): number {
  return Math.max(1_000, 10 * Number(rttMs))
}

/** Real faults begin a little late: what arrives within this after a death may still get through on the old connection. */
const DEATH_SKEW_MS = 50
/** A try by hand that dials anew behind it. */
const REDIAL_MS = 1_000

const latency = (over: Partial<Metric> & Pick<Metric, 'name' | 'title' | 'sample'>): Metric => ({ statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05, ...over })

const cost = (name: string, title: string, unit: Metric['unit'] = 'count'): Metric => ({ name, title, sample: name, statistic: 'mean', unit, better: 'lower', role: 'cost', minimumEffect: 0.02 })
const COSTS = [cost('attempts', 'Attempts a request'), cost('connections', 'Connections opened for each request that was answered'), cost('addresses', 'Addresses dialled for each request that was answered'), cost('wire-bytes', 'Bytes on the wire for each request that was answered', 'bytes')] as const

const FIRST_FAILED: Metric = { name: 'failed', title: 'Failed first requests', sample: 'first-request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.1 }

const cases: readonly Case[] = [
  {
    name: 'round-trips',
    title: 'Round trips',
    description: 'No optimisation: what a dial (3 round trips), a new stream with an echo (2) and an echo on an open stream (1) cost at three distances. It says how far the simulation may be believed. Real peers compute, simulated ones do not: what they take on a path without delay is their processing, and network time is what remains without it.',
    arms: ['plain'],
    scenario: run => ({
      hosts: [{ name: 'client', role: 'prober' }, ...[0, ...DISTANCES_MS].map(rttMs => ({ name: `server-${rttMs}`, role: 'server' }))],
      paths: [0, ...DISTANCES_MS].map(rttMs => ({ from: 'client', to: `server-${rttMs}`, forward: direction(rttMs, run) })),
      limitMs: 120_000
    }),
    metrics: [
      ...OPERATIONS.map(({ name, title }) => latency({ name: `${name}-processing`, title: `${title}, processing`, sample: `${name}-0`, wireSpecific: true })),
      ...DISTANCES_MS.flatMap(rttMs => OPERATIONS.flatMap(({ name, title }) => [
        latency({ name: `${name}-${rttMs}`, title: `${title} at ${rttMs} ms`, sample: `${name}-${rttMs}` }),
        latency({ name: `${name}-${rttMs}-network`, title: `${title} at ${rttMs} ms, network time`, sample: `${name}-${rttMs}-network` })
      ]))
    ]
  },
  {
    name: 'cold-dial',
    title: 'Cold dial',
    description: 'First requests to peers at distances drawn from half to twice the round trip: no connection, good addresses. Nothing is expected to help here: the handshake takes the round trips it takes. Arms that make a first request as plain libp2p does are left out.',
    arms: ['plain', 'pool', 'pool-timeouts'],
    scenario: (run, random) => peersScenario(run, random, Number(run.coldDials), () => [{}]),
    metrics: [latency({ name: 'first-request', title: 'First request', sample: 'first-request' }), ...COSTS]
  },
  {
    name: 'warm-request',
    title: 'Warm request',
    description: 'Requests to a peer that is connected already, arriving whether or not earlier ones are answered.',
    arms: ['plain', 'dial-every-request', 'kept-streams', 'pool', 'pool-timeouts'],
    busyProcessors: 0.1,
    scenario: run => pairScenario(run, 'warm-client'),
    metrics: [
      latency({ name: 'request-p50', title: 'Request, median', sample: 'request' }),
      latency({ name: 'request-p50-kept', title: 'The same, against kept streams', sample: 'request', baseline: 'kept-streams' }),
      latency({ name: 'request-p50-dialling', title: 'The same, against dialling every time', sample: 'request', baseline: 'dial-every-request' }),
      latency({ name: 'request-p90', title: 'Request, p90', sample: 'request', statistic: 'p90' }),
      { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.05 },
      ...COSTS
    ]
  },
  {
    name: 'first-address-dead',
    title: 'First address dead',
    description: 'First requests to peers of two to four addresses, at distances drawn as before. Packets to the first address vanish, and to a third of those behind it; the last one is good. Stale and filtered addresses are in every list of addresses in the field. Addresses that were dialled count also where a deadline ended the dial: the pool says which it dialled, and libp2p dials one after the other, each for as long as its limit.',
    arms: ['plain', 'plain-tuned', 'raced-dials', 'pool', 'pool-timeouts'],
    busyProcessors: 0.15,
    scenario: (run, random) => peersScenario(run, random, Number(run.deadDials), () => partlyDead(run, random)),
    metrics: [
      latency({ name: 'first-request', title: 'First request, median', sample: 'first-request', minimumEffect: 0.1 }),
      latency({ name: 'first-request-tuned', title: 'The same, against tuned libp2p', sample: 'first-request', baseline: 'plain-tuned', minimumEffect: 0.1 }),
      latency({ name: 'first-request-raced', title: 'The same, against addresses raced by hand', sample: 'first-request', baseline: 'raced-dials', minimumEffect: 0.1 }),
      latency({ name: 'first-request-p90', title: 'First request, p90', sample: 'first-request', statistic: 'p90', minimumEffect: 0.1 }),
      latency({ name: 'first-request-p90-tuned', title: 'The same, against tuned libp2p', sample: 'first-request', statistic: 'p90', baseline: 'plain-tuned', minimumEffect: 0.1 }),
      latency({ name: 'first-request-p90-raced', title: 'The same, against addresses raced by hand', sample: 'first-request', statistic: 'p90', baseline: 'raced-dials', minimumEffect: 0.1 }),
      FIRST_FAILED,
      { ...FIRST_FAILED, name: 'failed-tuned', title: 'The same, against tuned libp2p', baseline: 'plain-tuned' },
      { ...FIRST_FAILED, name: 'failed-raced', title: 'The same, against addresses raced by hand', baseline: 'raced-dials' },
      ...COSTS
    ]
  },
  {
    name: 'first-address-dead-tail',
    title: 'First address dead, the slowest',
    description: 'The same with as many peers as it takes to speak of the slowest in a hundred. In simulation only: so many real peers dial each other\'s processor time away.',
    arms: ['plain', 'plain-tuned', 'raced-dials', 'pool'],
    wires: ['sim'],
    scenario: (run, random) => peersScenario(run, random, Number(run.tailDials), () => partlyDead(run, random)),
    metrics: [
      latency({ name: 'first-request-p99', title: 'First request, p99', sample: 'first-request', statistic: 'p99', minimumEffect: 0.1 }),
      latency({ name: 'first-request-p99-tuned', title: 'The same, against tuned libp2p', sample: 'first-request', statistic: 'p99', baseline: 'plain-tuned', minimumEffect: 0.1 }),
      latency({ name: 'first-request-p99-raced', title: 'The same, against addresses raced by hand', sample: 'first-request', statistic: 'p99', baseline: 'raced-dials', minimumEffect: 0.1 }),
      FIRST_FAILED,
      ...COSTS
    ]
  },
  {
    name: 'silent-death',
    title: 'Silently dead connection',
    description: 'The open connection stops carrying anything, without a word (a NAT that forgot it), while new connections would work. Requests keep arriving. Kept streams are on the same connection and no better off than plain libp2p.',
    arms: ['plain', 'plain-tuned', 'redial-retries', 'pool', 'pool-timeouts'],
    busyProcessors: 0.05,
    scenario: (run, random) => {
      // At a random phase of libp2p's 10 s ping, the same in all arms of a seed.
      const atMs = warmAfterMs(run) + random.uniform(1_000, 11_000)
      return { ...pairScenario(run, 'death-client'), faults: [{ kind: 'black-hole', from: 'client', to: 'server', atMs, scope: 'existing' }] }
    },
    metrics: [
      latency({ name: 'outage', title: 'Outage: death to the first answer to a later request', sample: 'outage', minimumEffect: 0.1 }),
      latency({ name: 'outage-tuned', title: 'The same, against tuned libp2p', sample: 'outage', baseline: 'plain-tuned', minimumEffect: 0.1 }),
      latency({ name: 'outage-redial', title: 'The same, against retries that redial', sample: 'outage', baseline: 'redial-retries', minimumEffect: 0.1 }),
      { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.1 },
      latency({ name: 'request-p90', title: 'Request, p90', sample: 'request', statistic: 'p90', minimumEffect: 0.1 }),
      ...COSTS
    ]
  }
]

const PROMISE = 'connection set-up 10 times faster (500 to 50 ms)'
const TENTH = { change: -0.9 } as const

/** All that "connection set-up" may mean to a request. */
const promises: readonly Claim[] = [
  { promise: PROMISE, reading: 'first request to a peer, no connection, good address', case: 'cold-dial', metric: 'first-request', arm: 'pool', target: TENTH },
  { promise: PROMISE, reading: 'first request where the first address is dead, p99', case: 'first-address-dead-tail', metric: 'first-request-p99', arm: 'pool', target: TENTH },
  { promise: PROMISE, reading: 'the same, against libp2p with a shorter time limit for an address', case: 'first-address-dead-tail', metric: 'first-request-p99-tuned', arm: 'pool', target: TENTH },
  { promise: PROMISE, reading: 'the same, against addresses raced by hand', case: 'first-address-dead-tail', metric: 'first-request-p99-raced', arm: 'pool', target: TENTH },
  { promise: PROMISE, reading: 'half-open recovery: outage after the connection died silently', case: 'silent-death', metric: 'outage', arm: 'pool-timeouts', target: TENTH },
  { promise: PROMISE, reading: 'the same, against retries by hand that redial', case: 'silent-death', metric: 'outage-redial', arm: 'pool-timeouts', target: TENTH },
  { promise: PROMISE, reading: 'request on a warm connection', case: 'warm-request', metric: 'request-p50', arm: 'pool', target: TENTH },
  { promise: PROMISE, reading: 'the same, against streams kept by hand', case: 'warm-request', metric: 'request-p50-kept', arm: 'pool', target: TENTH },
  {
    promise: PROMISE,
    reading: 'request on a warm connection, against a connection dialled for every request: a straw man, for plain libp2p reuses its connections',
    case: 'warm-request',
    metric: 'request-p50-dialling',
    arm: 'pool',
    target: TENTH
  }
]

export const experiment: Experiment = {
  name: 'connection-setup',
  title: 'Connection set-up',
  question: 'How long does a request wait for its connection, cold, warm, with a dead address and with a dead connection, and what do a connection pool and adaptive timeouts change?',
  expected: 'Cold: no change, 5 round trips for all. Warm: 1 round trip with kept streams, by hand or the pool\'s, against 2. First address dead: about 6 s for plain libp2p, which tries addresses one after the other, and about 2 s where that is its limit, against well under 1 s; who races addresses by hand has that, too. Silent death: an outage of 5 to 15 s until the connection monitor notices, 2 to 5 s where it is tuned, against a few time-outs; retries by hand that redial are back within one of theirs.',
  parameters,
  arms,
  subject: 'pool',
  cases,
  promises,
  thresholds: [
    { case: 'warm-request', metric: 'request-p50', arm: 'pool', limit: 90, direction: 'at-most' },
    { case: 'first-address-dead', metric: 'first-request', arm: 'pool', limit: 1_000, direction: 'at-most' },
    { case: 'silent-death', metric: 'outage', arm: 'pool-timeouts', limit: 2_000, direction: 'at-most' }
  ],
  repetitions: { stack: 1, tcp: 3 },
  precision: {
    // A few runs have outages that are ten times as long as most, and decide the mean.
    halfWidth: 0.1,
    maximumSeeds: 80,
    targets: ['outage', 'outage-redial'].map(metric => ({ case: 'silent-death', metric, arm: 'pool-timeouts' }))
  },
  // A tenth of a round trip, on top of what real peers take to compute.
  agreement: DISTANCES_MS.flatMap(rttMs => OPERATIONS.map(({ name }) => (
    { case: 'round-trips', metric: `${name}-${rttMs}-network`, arm: 'plain', limitMs: rttMs / 10 }
  )))
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async host => { await serveRequestReply(host.node) } },
  prober: { run: probe },
  'first-client': { run: firstRequests },
  'warm-client': { run: warmRequests },
  'death-client': { run: requestsAcrossDeath }
}

/** Dial, new stream with an echo, and warm echo, at each distance in turn; the path without delay first. */
async function probe (host: Host, run: RunParameters): Promise<void> {
  const processingMs = await probeAt(host, run, 0)
  for (const rttMs of DISTANCES_MS) {
    await probeAt(host, run, rttMs, processingMs)
  }
}

/** Answers the median of each operation; with the processing known, network times are recorded as well. */
async function probeAt (host: Host, { roundTripRepeats, deadlineMs, requestBytes }: RunParameters, rttMs: number, processingMs?: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, number>> {
  const payloadOf = requestPayloads(Number(requestBytes), Number(requestBytes))
  const { addresses } = host.peer(`server-${rttMs}`)
  const taken = new Map<string, number[]>(OPERATIONS.map(({ name }) => [name, []]))
  const timed = async <T> (operation: typeof OPERATIONS[number]['name'], action: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const startMs = host.clock.now()
    const result = await measure(host, `${operation}-${rttMs}`, Number(deadlineMs), action, startMs)
    const tookMs = host.clock.now() - startMs
    taken.get(operation)?.push(tookMs)
    if (processingMs !== undefined) {
      recordSample(host, `${operation}-${rttMs}-network`, tookMs - (processingMs.get(operation) ?? 0))
    }
    return result
  }
  for (let i = 0; i < Number(roundTripRepeats); i++) {
    const connection = await timed('dial', async signal => await host.node.dial([...addresses], { signal }))
    const stream = await timed('stream-echo', async signal => {
      const opened = RequestStream.of(await connection.newStream(REQUEST_REPLY_PROTOCOL, { signal }))
      await opened.request(payloadOf(), { signal })
      return opened
    })
    await timed('warm-echo', async signal => { await stream.request(payloadOf(), { signal }) })
    await connection.close()
  }
  return new Map([...taken].map(([operation, values]) => [operation, quantile(values, 0.5)]))
}

/** One to each peer, whether or not earlier ones are answered. */
async function firstRequests (host: Host, run: RunParameters): Promise<void> {
  const peers = host.scenario.paths.map(({ to }) => host.peer(to))
  const costs = costsOf(host, run)
  await using fleet = await fleetOf(host, run, peers, costs)
  const payloadOf = payloadsOf(run)
  const unasked = peers.values()
  let answered = 0
  await openLoop(host.clock, peers.map((_, index) => index * 1_000 / Number(run.dialsPerSecond)), async scheduledMs => {
    const { value: peer } = unasked.next()
    if (peer === undefined) {
      return
    }
    if (await ask(host, run, fleet, { peer, payload: payloadOf(), metric: 'first-request', scheduledMs })) {
      answered++
    } else {
      costs.givenUp(peer.id.toString(), host.clock.now() - scheduledMs)
    }
  }, host.signal)
  recordSample(host, 'attempts', fleet.attempts / peers.length)
  costs.record(answered)
}

async function warmRequests (host: Host, run: RunParameters): Promise<void> {
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.warmRequestsPerSecond), Number(run.warmDurationMs))
  await requestsWhenWarm(host, run, arrivals, () => {})
}

async function requestsAcrossDeath (host: Host, run: RunParameters): Promise<void> {
  const [death] = host.scenario.faults
  const endMs = death.atMs + Number(run.deathObservedMs)
  let restoredMs: number | undefined
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.deathRequestsPerSecond), endMs - warmAfterMs(run))
  await requestsWhenWarm(host, run, arrivals, scheduledMs => {
    if (scheduledMs > death.atMs + DEATH_SKEW_MS) {
      restoredMs ??= host.clock.now()
    }
  })
  if (restoredMs === undefined) {
    recordSample(host, 'outage', host.clock.now() - death.atMs, new Error('no request was answered after the connection died'))
  } else {
    recordSample(host, 'outage', restoredMs - death.atMs)
  }
}

/**
 * A first request, not measured, and then those that arrive. They begin at a fixed time after it, the same in all arms; an
 * arm that fails at the first is not spared: it meets the arrivals cold.
 */
async function requestsWhenWarm (host: Host, run: RunParameters, arrivals: readonly number[], onAnswer: (scheduledMs: number) => void): Promise<void> {
  const peer = host.peer('server')
  const costs = costsOf(host, run)
  await using fleet = await fleetOf(host, run, [peer], costs)
  const payloadOf = payloadsOf(run)
  await warmFleet(fleet, host.clock, [peer], payloadOf(), warmAfterMs(run) - host.clock.now(), host.signal)
  const attemptsBefore = fleet.attempts
  let answered = 0
  costs.reset()
  await openLoop(host.clock, arrivals.map(timeMs => warmAfterMs(run) + timeMs), async scheduledMs => {
    if (await ask(host, run, fleet, { peer, payload: payloadOf(), metric: 'request', scheduledMs })) {
      answered++
      onAnswer(scheduledMs)
    }
  }, host.signal)
  recordSample(host, 'attempts', (fleet.attempts - attemptsBefore) / arrivals.length)
  costs.record(answered)
}

interface Ask {
  readonly peer: Peer
  readonly payload: Uint8Array
  readonly metric: string
  readonly scheduledMs: number
}

/** Asks once and records how long it took from `scheduledMs`; a failure is recorded too, and answered with false. */
async function ask (host: Host, run: RunParameters, fleet: Fleet, { peer, payload, metric, scheduledMs }: Ask): Promise<boolean> {
  try {
    await measure(host, metric, Number(run.deadlineMs), async signal => { await fleet.ask([peer], payload, signal) }, scheduledMs)
    return true
  } catch (error) {
    if (host.signal.aborted) {
      throw error
    }
    return false
  }
}

async function fleetOf (host: Host, run: RunParameters, peers: readonly Peer[], costs: DialCosts): Promise<Fleet> {
  const deadlineMs = Number(run.deadlineMs)
  switch (run.arm) {
    case 'plain':
    case 'plain-tuned':
      return plainFleet(host, { deadlineMs })
    case 'raced-dials':
      return racedFleet(host, deadlineMs, { onAddress: () => costs.dialled() })
    case 'redial-retries':
      return plainFleet(host, { deadlineMs, attempts: 4, attemptMs: REDIAL_MS, redials: true })
    case 'dial-every-request':
      return requesterFleet(dialEachTime({ node: host.node, addresses: peers[0].addresses }))
    case 'kept-streams':
      return requesterFleet(keptStreams({ node: host.node, addresses: peers[0].addresses }))
    default:
      return await modularFleet({ ...host, recorder: costs.recorder }, peers, deadlineMs, modulesOfArm(arms, run))
  }
}

function costsOf (host: Host, run: RunParameters): DialCosts {
  if (run.arm === 'raced-dials' || modulesOfArm(arms, run).includes('connectionPool')) {
    return new DialCosts(host)
  }
  const { hosts, paths } = host.scenario
  const deadFirst = new Map(hosts.map(({ name, addresses }) => [name, addresses.findIndex(({ state }) => state === 'reachable')]))
  const byPeer = new Map(paths.map(({ to }) => [host.peer(to).id.toString(), deadFirst.get(to)]))
  const { addressDialTimeoutMs } = hosts.find(({ name }) => name === host.name)?.libp2p ?? UNLIMITED_SESSION
  return new DialCosts(host, { deadFirst: peer => byPeer.get(peer) ?? 0, addressDialTimeoutMs })
}

function payloadsOf ({ requestBytes, replyBytes }: RunParameters): () => Uint8Array {
  return requestPayloads(Number(requestBytes), Number(replyBytes))
}

function pairScenario (run: RunParameters, role: string): ScenarioInput {
  return {
    hosts: [{ name: 'client', role, libp2p: libp2pOf(run) }, { name: 'server', role: 'server', libp2p: libp2pOf(run) }],
    paths: [{ from: 'client', to: 'server', forward: direction(Number(run.rttMs), run) }],
    limitMs: 120_000
  }
}

/** So many peers, at distances of half to twice the round trip. On real peers they share a process. */
function peersScenario (run: RunParameters, random: RandomStream, count: number, addressesOf: () => AddressInput[]): ScenarioInput {
  const servers = Array.from({ length: count }, (_, index) => ({
    name: `server-${index + 1}`, role: 'server', process: 'servers', libp2p: libp2pOf(run), addresses: addressesOf()
  }))
  return {
    hosts: [{ name: 'client', role: 'first-client', libp2p: libp2pOf(run) }, ...servers],
    paths: servers.map(({ name }) => ({ from: 'client', to: name, forward: direction(Number(run.rttMs) * random.uniform(0.5, 2), run) })),
    limitMs: 120_000
  }
}

function partlyDead ({ deadShare }: RunParameters, random: RandomStream): AddressInput[] {
  const between = Array.from({ length: random.integer(3) }, (): AddressInput => ({ state: random.next() < Number(deadShare) ? 'black-hole' : 'reachable' }))
  return [{ state: 'black-hole' }, ...between, { state: 'reachable' }]
}

function libp2pOf (run: RunParameters): NonNullable<ScenarioInput['hosts']>[number]['libp2p'] {
  return { ...libp2pWith(modulesOfArm(arms, run)), ...run.arm === 'plain-tuned' && TUNED_LIBP2P }
}

function direction (rttMs: number, { rateBitsPerSecond, loss }: RunParameters): PathDirectionInput {
  return { delayMs: rttMs / 2, rateBitsPerSecond: Number(rateBitsPerSecond), ...Number(loss) > 0 && { loss: { model: 'bernoulli', probability: Number(loss) } } }
}
