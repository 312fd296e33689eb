import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import type { RandomStream } from '../src/core/random.ts'
import type { Arm, Case, Experiment, Metric, Threshold } from '../src/experiment/definition.ts'
import { MODULES } from '../src/experiment/definition.ts'
import { randomRegularGraph } from '../src/sim/graph.ts'
import { drawRegionalPlaces, oneWayMsBetween, REGIONS } from '../src/sim/topology-regions.ts'
import type { PathDirectionInput, Scenario, ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters, WireName } from '../src/wires/wire.ts'
import { Flood, keptStreamLinks, overModules } from '../src/workload/flood.ts'
import type { FloodLinks } from '../src/workload/flood.ts'
import { LINE_PAYLOAD_SHARE } from '../src/workload/line-share.ts'
import { recordSample } from '../src/workload/measure.ts'
import { networkWith } from '../src/workload/modules.ts'
import { completeEdges, gridEdges, lineEdges, neighboursOf, shortestTimes, treeEdges } from '../src/workload/overlay.ts'

/** Neighbours of each peer, of which it dials a half in the mean: gossipsub's D. */
const DEGREE = 8

/** Peers join within a second. A dial and a stream are four round trips, of 440 ms at most between regions. */
const JOINED_MS = 1_000
const PUBLISH_FROM_MS = 4_000

/** A small message on the wire: with its length (2 bytes), yamux's header (12), Noise's length and tag (18), TCP/IP's with timestamps (52). */
const SMALL_PACKET_BYTES = 1_000 + 2 + 12 + 18 + 52
const ACKNOWLEDGEMENT_BYTES = 52
/** Of the topology's two rates, of a host's line each way. */
const SLOWER_LINE_BITS_PER_SECOND = 50e6

/** What is published in a case: message k by peer k n / messages, `spacingMs` after the one before. */
interface Publication {
  readonly bytes: number
  readonly messages: number
  readonly spacingMs: number
  /** Whether each time is held against the shortest path: not where chance is in the links. */
  readonly bounded: boolean
}

/**
 * Longest stable latencies that Maelstrom publishes of its broadcast, 25 nodes, in ms (jepsen-io/maelstrom,
 * doc/03-broadcast/02-performance.md). It sees a message when it reads, twice a second a node, which hides some of it.
 */
export const MAELSTROM = {
  'line-10': { edges: lineEdges(25), latencyMs: 10, publishedMaximumMs: 224 },
  'grid-10': { edges: gridEdges(5), latencyMs: 10, publishedMaximumMs: 72 },
  'grid-100': { edges: gridEdges(5), latencyMs: 100, publishedMaximumMs: 791 },
  'grid-100-exponential': { edges: gridEdges(5), latencyMs: 100, publishedMaximumMs: 630 },
  'total-100': { edges: completeEdges(25), latencyMs: 100, publishedMaximumMs: 97 },
  'tree4-100': { edges: treeEdges(25, 4), latencyMs: 100, publishedMaximumMs: 505 }
} as const

type MaelstromName = keyof typeof MAELSTROM

const SMALL: Publication = { bytes: 1_000, messages: 3, spacingMs: 2_000, bounded: true }
const BLOCK: Publication = { bytes: 128_000, messages: 1, spacingMs: 5_000, bounded: false }
const BROADCAST: Publication = { bytes: 100, messages: 25, spacingMs: 1_000, bounded: true }

const PUBLICATIONS: Readonly<Record<string, Publication>> = {
  small: SMALL,
  block: BLOCK,
  'small-many': { ...SMALL, messages: 2 },
  ...Object.fromEntries(Object.keys(MAELSTROM).map(name => [name, { ...BROADCAST, bounded: name !== 'grid-100-exponential' }]))
}

/** Those of which the analysis knows how long they take. */
const CONSTANT = ['line-10', 'grid-10', 'grid-100', 'total-100', 'tree4-100'] as const satisfies readonly MaelstromName[]

/**
 * Of those, where what Maelstrom publishes is a lower bound: it is when a read last missed a message, counted from the
 * broadcast's acknowledgement, and the last node has the message no sooner than that. An upper bound it is nowhere: a node is
 * read twice a second. Not the tree's 505 ms, which is more than its five hops: its nodes' computing is in it, which simulation
 * does without.
 */
const SEEN_MISSING = ['line-10', 'grid-10', 'grid-100', 'total-100'] as const satisfies readonly MaelstromName[]

const parameters = z.object({
  peers: z.int().min(DEGREE + 1).max(10_000).default(50).describe('Peers of the overlays between regions'),
  deadlineMs: z.number().positive().default(10_000).describe('What a message to one neighbour may take at most in the arms with modules, ms')
})

export const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'A stream to each neighbour that is opened once and stays: as js-libp2p\'s gossipsub does it.' },
  { name: 'pool', title: 'Pool', description: 'A message is a request with an empty reply on a stream that the connection pool keeps.', modules: ['connectionPool'] },
  { name: 'full', title: 'All five modules', description: 'The same through all modules, as urgent; the bandwidth manager is told the rate of the peer\'s own line, less what headers take.', modules: MODULES }
]

const delivery = (over: Pick<Metric, 'name' | 'title' | 'statistic'>): Metric => ({ ...over, sample: 'delivery', unit: 'ms', better: 'lower', minimumEffect: 0.05 })

/** Over all peers but the publishers, and all messages. */
const DELIVERY_METRICS: readonly Metric[] = [
  delivery({ name: 'half', title: 'Until 50% of the peers have it', statistic: 'p50' }),
  delivery({ name: 'most', title: 'Until 95% have it', statistic: 'p95' }),
  delivery({ name: 'nearly-all', title: 'Until 99% have it', statistic: 'p99' }),
  delivery({ name: 'all', title: 'Until all have it', statistic: 'maximum' }),
  { ...delivery({ name: 'missed', title: 'Peers that did not get it', statistic: 'failed-share' }), unit: 'share' }
]

const COST_METRICS: readonly Metric[] = [
  { name: 'amplification', title: 'Bytes of messages sent a peer, over the message\'s', sample: 'amplification', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 },
  { name: 'duplicates', title: 'Copies that came again, a peer and message', sample: 'duplicates', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 }
]

const HOPS: Metric = { name: 'hops', title: 'Hops of the farthest', sample: 'hops', statistic: 'maximum', unit: 'count', better: 'lower', minimumEffect: 0.05 }
const RATIO: Metric = { name: 'over-shortest-path', title: 'Time taken over that of the shortest path', sample: 'over-shortest-path', statistic: 'p50', unit: 'count', better: 'lower', minimumEffect: 0.05 }

export const experiment: Experiment = {
  name: 'dissemination',
  title: 'One message to all peers',
  question: 'How long does a message take to all peers of a world-wide overlay, small and as large as a block, and do the modules change it? And does the simulation give what Maelstrom publishes of broadcasts?',
  expected: 'A small message takes the shortest path by latency, 200 to 400 ms, and no module can be faster than light: kept streams leave nothing to gain. A block of 128 kB takes several round trips a hop while TCP\'s window opens, and its seven copies 150 ms of a line of 50 Mbit/s; shaping at what the line carries gains nothing either. Maelstrom\'s longest latencies are reached exactly: diameter times latency.',
  parameters,
  arms,
  cases: [
    regionsCase('small', '1 kB', 'A message of 1 kB over a random 8-regular overlay of hosts in eight regions, 20% behind 1024 and 80% behind 50 Mbit/s. Three publishers, two seconds apart. Few enough peers for real libp2p in virtual time.', 'peers', ['sim', 'stack']),
    regionsCase('block', '128 kB', 'The same with 128 kB, one publisher: the size of a block, where the lines of 50 Mbit/s matter.', 'peers', ['sim', 'stack']),
    maelstromCase('line-10', 'Maelstrom: line, 10 ms', ['sim', 'stack', 'tcp']),
    maelstromCase('grid-10', 'Maelstrom: grid, 10 ms', ['sim', 'stack']),
    maelstromCase('grid-100', 'Maelstrom: grid, 100 ms', ['sim', 'stack', 'tcp']),
    maelstromCase('grid-100-exponential', 'Maelstrom: grid, 100 ms in the mean', ['sim', 'stack']),
    maelstromCase('total-100', 'Maelstrom: all with all, 100 ms', ['sim', 'stack']),
    maelstromCase('tree4-100', 'Maelstrom: tree, 100 ms', ['sim', 'stack'])
  ],
  thresholds: [...maelstromThresholds(), ...smallThresholds('small', arms)],
  // Chance is in the overlays alone; a stack of 50 peers takes seconds of the processor for each of its six runs.
  repetitions: { sim: 20, stack: 1, tcp: 1 },
  // A hop, for 24 and 8 of them: real peers compute at each.
  agreement: [
    { case: 'line-10', metric: 'half', arm: 'plain', limitMs: 10 },
    { case: 'grid-100', metric: 'half', arm: 'plain', limitMs: 100 }
  ]
}

export const roles: Readonly<Record<string, Role>> = { peer: { run: takePart } }

/** Eight regions, and a random regular overlay; both drawn from the seed. `peers` names the parameter that says how many. */
export function regionsCase (name: string, title: string, description: string, peers: string, wires: readonly WireName[]): Case {
  const { bounded } = publicationOf(name)
  return {
    name,
    title,
    description,
    wires,
    // Streams are kept in every arm: nothing to gain for what takes one packet. What shaping does to blocks is the question.
    ...publicationOf(name) !== BLOCK && { noGain: MODULES },
    scenario: (run, random) => regionsScenario(Number(run[peers]), publicationOf(name), random),
    metrics: [...DELIVERY_METRICS, HOPS, ...bounded ? [RATIO] : [], ...COST_METRICS]
  }
}

function regionsScenario (peers: number, publication: Publication, random: RandomStream): ScenarioInput {
  const { edges } = randomRegularGraph({ nodes: peers, degree: DEGREE }, random.fork('overlay'))
  return {
    hosts: overlayHosts(peers, edges),
    topology: { kind: 'regions', places: drawRegionalPlaces(peers, random.fork('places')) },
    limitMs: endMs(publication) + 60_000
  }
}

function maelstromCase (name: MaelstromName, title: string, wires: readonly WireName[]): Case {
  const { edges, latencyMs, publishedMaximumMs } = MAELSTROM[name]
  const exponential = name === 'grid-100-exponential'
  const forward: PathDirectionInput = exponential
    ? { delayMs: 0, jitter: { distribution: 'empirical', samplesMs: exponentialQuantiles(latencyMs) }, reorder: true }
    : { delayMs: latencyMs }
  return {
    name,
    title,
    description: `25 nodes, each of which broadcasts once; ${exponential ? `each of the two packets of a message takes an exponential time of ${latencyMs} ms in the mean` : `a message takes ${latencyMs} ms`} from neighbour to neighbour. Maelstrom publishes ${publishedMaximumMs} ms for the longest.`,
    arms: ['plain'],
    wires,
    // No `busyProcessors`: of ten hops each wait for a processor counts, and all are 10 ms and more.
    scenario: () => ({
      hosts: overlayHosts(25, edges),
      paths: edges.map(([a, b]) => ({ from: hostName(a), to: hostName(b), forward })),
      limitMs: endMs(BROADCAST) + 60_000
    }),
    metrics: [...DELIVERY_METRICS, HOPS, ...exponential ? [] : [RATIO], ...COST_METRICS]
  }
}

/**
 * Each node broadcasts, so the longest of all takes the most hops that any two are apart, times the latency. Nothing comes on
 * top: links have no rate, so nothing is serialised; hosts have no `processing`; streams are open, and no window is as small as
 * a message; instants and delays are whole milliseconds, so nothing is rounded. Where each packet takes a time by chance the
 * longest has no bound.
 */
function maelstromThresholds (): Threshold[] {
  return [
    ...CONSTANT.flatMap((name): Threshold[] => {
      const { edges, latencyMs } = MAELSTROM[name]
      return [
        { case: name, metric: 'all', arm: 'plain', limit: diameterOf(25, edges) * latencyMs, direction: 'at-most' },
        { case: name, metric: 'over-shortest-path', arm: 'plain', limit: 1, direction: 'at-most' },
        { case: name, metric: 'over-shortest-path', arm: 'plain', limit: 1, direction: 'at-least' }
      ]
    }),
    ...SEEN_MISSING.map((name): Threshold => ({ case: name, metric: 'all', arm: 'plain', limit: MAELSTROM[name].publishedMaximumMs, direction: 'at-least' }))
  ]
}

/** The most hops that it takes from one to another. */
function diameterOf (nodes: number, edges: ReadonlyArray<readonly [a: number, b: number]>): number {
  const neighbours = neighboursOf(nodes, edges)
  return Math.max(...neighbours.map((_, source) => Math.max(...shortestTimes(neighbours, () => 1, source))))
}

/**
 * Of a small message between regions. No arm is faster than light. With plain libp2p a hop takes its delay, and at most what
 * the sender's line and the receiver's take to serialise each eight copies and acknowledgements. Of the slower lines that is
 * 2.9 ms; the shortest delay is 2 ms, and no path has worse than such hops alone. Of what the modules send in addition no bound
 * was derived.
 */
export function smallThresholds (name: string, arms: readonly Arm[]): Threshold[] {
  const busyMs = DEGREE * (SMALL_PACKET_BYTES + ACKNOWLEDGEMENT_BYTES) * 8e3 / SLOWER_LINE_BITS_PER_SECOND
  const leastMs = Math.min(...REGIONS.flatMap(from => REGIONS.map(to => oneWayMsBetween(from, to))))
  return [
    ...arms.map((arm): Threshold => ({ case: name, metric: 'over-shortest-path', arm: arm.name, limit: 1, direction: 'at-least' })),
    { case: name, metric: 'over-shortest-path', arm: 'plain', limit: 1 + 2 * busyMs / leastMs, direction: 'at-most' }
  ]
}

/**
 * Hosts that know whom to dial: the first of an edge dials the second, and nobody else may. Without libp2p's connection
 * monitor, in all arms: its pings are no part of the question, and would be most of what happens.
 */
export function overlayHosts (peers: number, edges: ReadonlyArray<readonly [a: number, b: number]>): ScenarioInput['hosts'] {
  const diallers: string[][] = Array.from({ length: peers }, () => [])
  for (const [a, b] of edges) {
    diallers[b].push(hostName(a))
  }
  return diallers.map((reachableFrom, index) => ({
    name: hostName(index),
    role: 'peer',
    libp2p: { connectionMonitor: false },
    ...reachableFrom.length > 0 && { addresses: [{ reachableFrom }] }
  }))
}

function hostName (index: number): string {
  return `peer-${index}`
}

/** In the middle of each of a thousand parts. */
function exponentialQuantiles (mean: number): number[] {
  return Array.from({ length: 1000 }, (_, k) => -mean * Math.log(1 - (k + 0.5) / 1000))
}

function publicationOf (name: string): Publication {
  const publication = PUBLICATIONS[name]
  if (publication === undefined) {
    throw new Error(`nothing is published in the case ${name}`)
  }
  return publication
}

/** When the last message has had its time. */
function endMs ({ messages, spacingMs }: Publication): number {
  return PUBLISH_FROM_MS + messages * spacingMs
}

/** What follows from a scenario, for all of its hosts. */
interface Plan {
  /** By host: whom it dials. */
  readonly dials: ReadonlyMap<string, readonly string[]>
  /** By message: who publishes it. */
  readonly publishers: readonly number[]
  /** By message: the least that it can take to each peer, ms. */
  readonly boundsMs: readonly Float64Array[]
}

/** Made once a run: thousands of peers ask. */
const plans = new WeakMap<Scenario, Plan>()

function planOf (scenario: Scenario, { messages, bounded }: Publication): Plan {
  let plan = plans.get(scenario)
  if (plan === undefined) {
    const { hosts } = scenario
    const indices = new Map(hosts.map(({ name }, index) => [name, index]))
    const edges = hosts.flatMap(({ addresses }, to) => (addresses[0].reachableFrom ?? []).map((from): [number, number] => [indices.get(from) ?? 0, to]))
    const dials = new Map(hosts.map(({ name }): [string, string[]] => [name, []]))
    edges.forEach(([from, to]) => dials.get(hosts[from].name)?.push(hosts[to].name))
    const publishers = Array.from({ length: messages }, (_, message) => Math.floor(message * hosts.length / messages))
    const neighbours = neighboursOf(hosts.length, edges)
    const timeOf = oneWayMs(scenario)
    plan = { dials, publishers, boundsMs: bounded ? publishers.map(publisher => shortestTimes(neighbours, timeOf, publisher)) : [] }
    plans.set(scenario, plan)
  }
  return plan
}

/** What a packet takes at least from one host to the next. */
function oneWayMs ({ topology, paths, hosts }: Scenario): (from: number, to: number) => number {
  if (topology?.kind === 'regions') {
    const places = topology.places ?? []
    return (from, to) => oneWayMsBetween(places[from].region, places[to].region)
  }
  const delays = new Map(paths.flatMap(({ from, to, forward, backward = forward }) => [[`${from} ${to}`, forward.delayMs], [`${to} ${from}`, backward.delayMs]]))
  return (from, to) => delays.get(`${hosts[from].name} ${hosts[to].name}`) ?? Infinity
}

async function takePart (host: Host, run: RunParameters): Promise<void> {
  const publication = publicationOf(String(run.case))
  const { bytes, messages, spacingMs, bounded } = publication
  const { dials, publishers, boundsMs } = planOf(host.scenario, publication)
  const own = host.scenario.hosts.findIndex(({ name }) => name === host.name)
  const publishedMs = (message: number): number => PUBLISH_FROM_MS + message * spacingMs
  await using links = linksOf(host, run, own)
  const flood = new Flood(links, ({ message, hops }) => {
    if (publishers[message] !== own) {
      const tookMs = host.clock.now() - publishedMs(message)
      recordSample(host, 'delivery', tookMs)
      recordSample(host, 'hops', hops)
      if (bounded) {
        recordSample(host, 'over-shortest-path', tookMs / boundsMs[message][own])
      }
    }
  })
  await flood.serve()
  // Everybody serves by now, and nobody dials at the same instant.
  await sleep(host.clock, host.random.fork('join').uniform(JOINED_MS / 2, JOINED_MS), host.signal)
  await Promise.all((dials.get(host.name) ?? []).map(async name => { await links.connect(host.peer(name), host.signal) }))
  for (let message = 0; message < messages; message++) {
    await sleep(host.clock, publishedMs(message) - host.clock.now(), host.signal)
    if (publishers[message] === own) {
      flood.publish(message, bytes)
    }
  }
  await sleep(host.clock, endMs(publication) - host.clock.now(), host.signal)
  for (let message = 0; message < messages; message++) {
    if (!flood.has(message)) {
      recordSample(host, 'delivery', host.clock.now() - publishedMs(message), new Error('the message did not come'))
    }
  }
  recordSample(host, 'amplification', flood.copies / messages)
  recordSample(host, 'duplicates', flood.duplicates / messages)
}

function linksOf (host: Host, { arm, deadlineMs }: RunParameters, own: number): FloodLinks {
  switch (arm) {
    case 'plain':
      return keptStreamLinks(host.node)
    case 'pool':
      return overModules(networkWith(host, ['connectionPool']), host.node, Number(deadlineMs))
    default:
      return overModules(networkWith(host, MODULES, {
        // Whose output is the same on every machine.
        messageBatching: { codecs: ['snappy'] },
        ...lineOf(host.scenario, own)
      }), host.node, Number(deadlineMs))
  }
}

/** A node has to be told what its line carries of payload. */
function lineOf ({ topology }: Scenario, own: number): Parameters<typeof networkWith>[2] {
  const rate = topology?.kind === 'regions' ? topology.places?.[own].rateBitsPerSecond : undefined
  return rate === undefined ? {} : { bandwidthManager: { uploadBitsPerSecond: LINE_PAYLOAD_SHARE * rate, downloadBitsPerSecond: LINE_PAYLOAD_SHARE * rate } }
}
