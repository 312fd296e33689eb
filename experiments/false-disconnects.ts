import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import type { RandomStream } from '../src/core/random.ts'
import type { Arm, Case, Experiment, Metric } from '../src/experiment/definition.ts'
import { PING_PROTOCOL } from '../src/optim/ping.ts'
import { askOnNewStream } from '../src/optim/plain-request.ts'
import type { Connection, OptimizedNetwork } from '../src/optim/index.ts'
import type { PathDirectionInput, ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Peer, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { hostNames } from '../src/workload/host-names.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { networkWith } from '../src/workload/modules.ts'
import { PingMonitor } from '../src/workload/ping-monitor.ts'
import type { PingMonitorOptions } from '../src/workload/ping-monitor.ts'
import { REQUEST_REPLY_PROTOCOL, requestPayloads, serveRequestReply, serveRequestReplyOver } from '../src/workload/request-reply.ts'

const parameters = z.object({
  peers: z.int().positive().max(50).default(4).describe('Peers that a host is connected to; the field had five hosts'),
  durationMs: z.number().positive().default(600_000).describe('How long connections are watched, ms; rates are scaled to an hour'),
  busyDurationMs: z.number().positive().default(200_000).describe('The same where they are busy, ms'),
  deadDurationMs: z.number().positive().default(1_200_000).describe('The same where they die, ms: more than TCP waits for an answer, 924 s'),
  shortDurationMs: z.number().positive().default(180_000).describe('The same in the cases that real peers play, too, ms'),
  rttMs: z.number().positive().default(250).describe('Round trip between continents, ms'),
  requestsPerMinute: z.number().positive().default(3).describe('Small requests to each peer, Poisson'),
  bulkRateBitsPerSecond: z.number().positive().default(1e6).describe('Rate of the thin path, bits per second each way'),
  bulkQueueBytes: z.int().positive().default(500_000).describe('Room in front of the thin path, bytes'),
  bulkBytes: z.int().positive().max(4_000_000).default(1_000_000).describe('Size of a bulk reply, bytes'),
  bulkPerMinute: z.number().positive().default(1.5).describe('Bulk requests to each peer, Poisson'),
  meanUntilPauseMs: z.number().positive().default(180_000).describe('Mean time between two pauses of one host, ms'),
  shortMeanUntilPauseMs: z.number().positive().default(45_000).describe('The same in the case that real peers play, ms'),
  pauseMs: z.number().positive().default(8_000).describe('The longest pause, ms; the shortest is a quarter of it'),
  loss: z.number().min(0).max(1).default(0.03).describe('Packet loss of the bad path each way, a probability'),
  jitterMs: z.number().min(0).default(100).describe('Mean jitter of the bad path each way, Pareto, ms'),
  deadlineMs: z.number().positive().default(30_000).describe('Of a request, ms')
})

/** Monitors of the arms that libp2p does not have. */
const MONITORS: Readonly<Record<string, PingMonitorOptions>> = {
  'silence-gated': { staleMs: 60_000 },
  'three-strikes': { strikes: 3 }
}
const HOUR_MS = 3_600_000
/** Connections are open by then. */
const WARM_MS = 10_000
/** In simulation halfway between two probes of those that come every 10 s: a life cut short has one too many as often as one too few. */
const COUNTED_FROM_MS = 5_000

const PROBES: readonly Metric[] = [
  { name: 'probes', title: 'Probes a minute of an open connection, of one end', sample: 'probes', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 }
]
/** What libp2p's monitor could be without ours: as js-libp2p #3504 proposes, and as three failures in a row. */
const RIVALS = [{ baseline: 'silence-gated', title: 'a silence of 60 s' }, { baseline: 'three-strikes', title: 'three strikes' }] as const
const withRivals = (metric: Metric): readonly Metric[] => [
  metric,
  ...RIVALS.map(({ baseline, title }): Metric => ({ ...metric, name: `${metric.name}-${baseline}`, title: `The same, against ${title}`, baseline }))
]
const DISCONNECTS: Metric = { name: 'disconnects', title: 'Disconnects an hour a host, all needless', sample: 'disconnects', statistic: 'mean', unit: 'count', better: 'lower', minimumEffect: 0.1 }
const OTHERS: readonly Metric[] = [
  { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.1 },
  ...PROBES,
  { name: 'opened', title: 'Connections opened an hour, to replace others', sample: 'opened', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 }
]
const metrics: readonly Metric[] = [...withRivals(DISCONNECTS), ...OTHERS]

const arms: readonly Arm[] = [
  { name: 'upstream', title: 'libp2p\'s monitor', description: 'As libp2p 3.3 comes: a ping on each connection every 10 s, at both ends, and an abort where one fails within an adaptive time-out of at least 5 s.' },
  { name: 'off', title: 'No monitor', description: 'connectionMonitor: { enabled: false }: TCP\'s own retransmissions have to find out.' },
  { name: 'silence-gated', title: 'Silence of 60 s', description: 'What js-libp2p #3504 proposes: the same pings, and an abort only where one fails and nothing was read for a minute. Modelled: what answers to pings and requests brought counts as read, of which each end sees its own.' },
  { name: 'three-strikes', title: 'Three strikes', description: 'The same pings, with libp2p\'s adaptive time-out, and an abort after three failed ones in a row.' },
  { name: 'health', title: 'Health monitor', description: 'networkHealth with its defaults at both ends, libp2p\'s own monitor off: docs/modules.md asks for one prober. Where a peer is dead its connection is replaced, and the old one aborted if it is still silent.', modules: ['networkHealth'] }
]

const cases: readonly Case[] = [
  {
    name: 'busy',
    title: 'Healthy and busy',
    description: 'Bulk replies on the connection itself, over a thin path with a deep queue: a ping waits behind what was sent before it, on its way and on the way of its stream\'s negotiation.',
    wires: ['sim', 'stack'],
    metrics,
    scenario: run => scenarioOf(run, { rateBitsPerSecond: Number(run.bulkRateBitsPerSecond), queue: { limitBytes: Number(run.bulkQueueBytes) } })
  },
  {
    name: 'pauses',
    title: 'Event-loop pauses',
    description: 'Each host stands still for 2 to 8 s every three minutes or so, as in a long computation or collection of garbage. Afterwards its timers are first, and then what has arrived.',
    wires: ['sim'],
    metrics,
    scenario: (run, random) => scenarioOf(run, {}, pauses(run, random, Number(run.meanUntilPauseMs)))
  },
  {
    name: 'pauses-short',
    title: 'Event-loop pauses, on real peers, too',
    description: 'The same for three minutes, with pauses every 45 s or so: what real peers can be watched at. Their processes are stopped for as long as a pause lasts, while their kernels go on.',
    busyProcessors: 0.05,
    wires: ['sim', 'tcp'],
    metrics,
    scenario: (run, random) => scenarioOf(run, {}, pauses(run, random, Number(run.shortMeanUntilPauseMs)))
  },
  {
    name: 'bad-path',
    title: 'Long, jittery, lossy path',
    description: 'Between continents, 3% of the packets lost each way, and a heavy tail of delays.',
    wires: ['sim', 'stack'],
    metrics,
    scenario: run => scenarioOf(run, {
      loss: { model: 'bernoulli', probability: Number(run.loss) }, jitter: { distribution: 'pareto', scaleMs: Number(run.jitterMs), shape: 2 }
    })
  },
  {
    name: 'quiet',
    title: 'Nothing wrong',
    description: 'The same hosts and requests on a path without fault: there is nothing to gain, and probes are what monitors cost.',
    wires: ['sim', 'stack'],
    noGain: ['networkHealth'],
    metrics: [DISCONNECTS, ...OTHERS],
    scenario: run => scenarioOf(run)
  },
  dying(100_000, {
    name: 'dead',
    title: 'Truly dead',
    description: 'Idle connections stop carrying anything without a word, each at a time of its own, while new ones would work. A monitor that never kills is no good here: without one TCP ends them after a quarter of an hour.',
    wires: ['sim', 'stack']
  }),
  dying(60_000, {
    name: 'dead-short',
    busyProcessors: 0.05,
    title: 'Truly dead, on real peers, too',
    description: 'The same for three minutes, with all deaths in the first: long enough for every monitor, and not for TCP without one.',
    wires: ['sim', 'stack', 'tcp'],
    arms: arms.map(({ name }) => name).filter(name => name !== 'off')
  })
]

export const experiment: Experiment = {
  name: 'false-disconnects',
  title: 'False disconnects',
  question: 'How many healthy connections does a monitor kill an hour, when they are busy, when event loops pause and when the path is bad; and how soon does it find one that is truly dead?',
  expected: 'Off: none, and a dead connection stays for a quarter of an hour. Upstream: tens an hour where pings wait behind bulk or a pause, as in the field (25 to 62 an hour a host), and a dead connection found in 10 to 15 s. Gated by a silence of a minute: none, and found in a minute. Three strikes: few, and found in 25 to 42 s. Ours: none, and found in less than 22 s.',
  parameters,
  arms,
  cases,
  thresholds: [
    ...['busy', 'pauses', 'bad-path', 'quiet'].map(name => ({ case: name, metric: 'disconnects', arm: 'health', limit: 0, direction: 'at-most' as const })),
    { case: 'dead', metric: 'detect', arm: 'health', limit: 22_000, direction: 'at-most' }
  ],
  // Of real peers a run is three minutes; all share the machine.
  repetitions: { stack: 1, tcp: 1 },
  precision: {
    // What is found at once either way differs little: as precise as the least change that counts.
    halfWidth: 0.1,
    maximumSeeds: 60,
    targets: ['dead', 'dead-short'].map(name => ({ case: name, metric: 'detect', arm: 'health' }))
  }
}

export const roles: Readonly<Record<string, Role>> = {
  host: { run: watchConnections },
  peer: { setUp: serve }
}

/** The monitor of one end, whichever it is; libp2p's own is the node's. */
interface Monitor {
  readonly network: OptimizedNetwork | undefined
  readonly pings: PingMonitor | undefined
}

function monitorOf (host: Host, { arm }: RunParameters): Monitor {
  const options = MONITORS[String(arm)]
  const pings = options && new PingMonitor(host.node, host.clock, options)
  void pings?.run(host.signal)
  return { network: arm === 'health' ? networkWith(host, ['networkHealth']) : undefined, pings }
}

async function serve (host: Host, run: RunParameters): Promise<void> {
  const { network, pings } = monitorOf(host, run)
  if (network !== undefined) {
    await serveRequestReplyOver(network)
  } else {
    await serveRequestReply(host.node, {
      onStream (stream, { remotePeer }) {
        // A request was read, or that the other end has read what was sent and has room again.
        pings?.heard(remotePeer)
        stream.addEventListener('drain', () => pings?.heard(remotePeer))
      }
    })
  }
}

async function watchConnections (host: Host, run: RunParameters): Promise<void> {
  const probesPerMinute = countProbes(host)
  const monitor = monitorOf(host, run)
  const peers = peerNames(run).map(name => host.peer(name))
  await Promise.all(peers.map(async ({ id, addresses }) => { await host.node.peerStore.merge(id, { multiaddrs: [...addresses] }) }))
  await Promise.all(peers.map(async peer => { await dialUntilConnected(host, peer) }))
  await sleep(host.clock, Math.max(0, WARM_MS - host.clock.now()), host.signal)
  const watchedMs = durationOf(run)
  const endMs = WARM_MS + watchedMs
  if (host.scenario.faults.some(({ kind }) => kind === 'black-hole')) {
    await recordDeaths(host, peers, endMs)
  } else {
    let [opened, closed] = [0, 0]
    host.node.addEventListener('connection:open', () => { opened++ })
    host.node.addEventListener('connection:close', () => { closed++ })
    await Promise.all(peers.map(async peer => { await askThroughout(host, run, monitor, peer) }))
    await sleep(host.clock, endMs - host.clock.now(), host.signal)
    recordSample(host, 'disconnects', closed * HOUR_MS / watchedMs)
    recordSample(host, 'opened', opened * HOUR_MS / watchedMs)
  }
  recordSample(host, 'probes', probesPerMinute())
  await monitor.network?.stop()
}

/** On the bad path a handshake in a hundred is not over when libp2p's patience is. */
async function dialUntilConnected (host: Host, { addresses }: Peer): Promise<void> {
  for (;;) {
    try {
      await host.node.dial([...addresses], { signal: host.signal })
      return
    } catch (error) {
      if (host.signal.aborted) {
        throw error
      }
    }
  }
}

/**
 * Of all monitors in the same way, for libp2p's own keeps no count: each probe asks for a stream of libp2p's ping, which
 * nothing else here speaks. Where a connection has ended there is none to probe.
 *
 * @returns what the rate has been until it is called
 */
function countProbes ({ node, clock }: Host): () => number {
  const openedMs = new Map<Connection, number>()
  let [probes, closedMs] = [0, 0]
  const openMs = (sinceMs: number): number => Math.max(0, clock.now() - Math.max(COUNTED_FROM_MS, sinceMs))
  node.addEventListener('connection:open', ({ detail: connection }) => {
    openedMs.set(connection, clock.now())
    const newStream = connection.newStream.bind(connection)
    connection.newStream = (protocol, options) => {
      probes += protocol === PING_PROTOCOL && clock.now() >= COUNTED_FROM_MS ? 1 : 0
      return newStream(protocol, options)
    }
  })
  node.addEventListener('connection:close', ({ detail: connection }) => {
    closedMs += openMs(openedMs.get(connection) ?? clock.now())
    openedMs.delete(connection)
  })
  return () => {
    const allMs = [...openedMs.values()].reduce((sum, sinceMs) => sum + openMs(sinceMs), closedMs)
    return allMs === 0 ? 0 : probes * 60_000 / allMs
  }
}

/** Small requests to one peer, and bulk where the case has any, until the end; all arms meet the same. */
async function askThroughout (host: Host, run: RunParameters, monitor: Monitor, peer: Peer): Promise<void> {
  const random = host.random.fork(`arrivals:${peer.name}`)
  const durationMs = durationOf(run) - Number(run.deadlineMs)
  const smallOf = requestPayloads(100, 100)
  const bulkOf = requestPayloads(100, Number(run.bulkBytes))
  const ask = async (payload: Uint8Array, scheduledMs: number): Promise<void> => {
    // A failure is a sample, too.
    await measure(host, 'request', Number(run.deadlineMs), async signal => { await request(host, monitor, peer, payload, signal) }, scheduledMs).catch(() => {})
  }
  const arrivals = (stream: string, perMinute: number): number[] => poissonArrivals(random.fork(stream), perMinute / 60, durationMs).map(timeMs => WARM_MS + timeMs)
  await Promise.all([
    openLoop(host.clock, arrivals('small', Number(run.requestsPerMinute)), async scheduledMs => { await ask(smallOf(), scheduledMs) }, host.signal),
    run.case === 'busy' ? openLoop(host.clock, arrivals('bulk', Number(run.bulkPerMinute)), async scheduledMs => { await ask(bulkOf(), scheduledMs) }, host.signal) : undefined
  ])
}

async function request ({ node }: Host, { network, pings }: Monitor, { id, addresses }: Peer, payload: Uint8Array, signal: AbortSignal): Promise<void> {
  if (network !== undefined) {
    await network.request(id, REQUEST_REPLY_PROTOCOL, payload, { signal })
  } else {
    await askOnNewStream(node, [...addresses], REQUEST_REPLY_PROTOCOL, payload, { signal, connecting () {}, opening () {}, sent () {}, progress: () => pings?.heard(id) })
  }
}

/** From the death of each connection until it has ended here, or has been replaced. */
async function recordDeaths (host: Host, peers: readonly Peer[], endMs: number): Promise<void> {
  const found = new Set<string>()
  const deaths = new Map(host.scenario.faults.flatMap(fault => fault.kind === 'black-hole' ? [[host.peer(fault.to).id.toString(), fault.atMs] as const] : []))
  const onChange = (remotePeer: { toString(): string }): void => {
    const peer = remotePeer.toString()
    const diedMs = deaths.get(peer) ?? Infinity
    if (!found.has(peer) && host.clock.now() > diedMs) {
      found.add(peer)
      recordSample(host, 'detect', host.clock.now() - diedMs)
    }
  }
  host.node.addEventListener('connection:close', ({ detail: { remotePeer } }) => onChange(remotePeer))
  host.node.addEventListener('connection:open', ({ detail: { remotePeer } }) => onChange(remotePeer))
  await sleep(host.clock, endMs - host.clock.now(), host.signal)
  for (const { id } of peers.filter(({ id }) => !found.has(id.toString()))) {
    recordSample(host, 'detect', endMs - (deaths.get(id.toString()) ?? 0), new Error('still open'))
  }
}

/** Of the cases that have one of their own. */
const DURATIONS: Readonly<Record<string, string>> = { busy: 'busyDurationMs', 'pauses-short': 'shortDurationMs', dead: 'deadDurationMs', 'dead-short': 'shortDurationMs' }

function durationOf (run: RunParameters): number {
  return Number(run[DURATIONS[String(run.case)] ?? 'durationMs'])
}

/** A case in which every connection dies. @param latestMs when the last may, counted from when connections are open */
function dying (latestMs: number, over: Pick<Case, 'name' | 'title' | 'description' | 'wires' | 'arms' | 'busyProcessors'>): Case {
  return {
    ...over,
    metrics: [
      ...withRivals({ name: 'detect', title: 'Death to the connection\'s end, or its replacement', sample: 'detect', statistic: 'mean', unit: 'ms', better: 'lower', minimumEffect: 0.1 }),
      { name: 'detect-last', title: 'Death to the last connection\'s end, or its replacement', sample: 'detect', statistic: 'maximum', unit: 'ms', better: 'lower', minimumEffect: 0.1 },
      ...PROBES
    ],
    scenario: (run, random) => scenarioOf(run, {}, peerNames(run).map(to => (
      { kind: 'black-hole', from: 'host', to, atMs: WARM_MS + random.uniform(10_000, latestMs), scope: 'existing' }
    )))
  }
}

function peerNames ({ peers }: RunParameters): string[] {
  return hostNames('peer', Number(peers))
}

function scenarioOf (run: RunParameters, over: Partial<PathDirectionInput> = {}, faults: ScenarioInput['faults'] = []): ScenarioInput {
  const libp2p = { connectionMonitor: run.arm === 'upstream' }
  const names = peerNames(run)
  return {
    hosts: [{ name: 'host', role: 'host', libp2p }, ...names.map(name => ({ name, role: 'peer', libp2p }))],
    paths: names.map(to => ({ from: 'host', to, forward: { delayMs: Number(run.rttMs) / 2, rateBitsPerSecond: 20e6, ...over } })),
    faults,
    limitMs: 2 * WARM_MS + durationOf(run) + Number(run.deadlineMs)
  }
}

function pauses (run: RunParameters, random: RandomStream, meanUntilPauseMs: number): NonNullable<ScenarioInput['faults']> {
  return ['host', ...peerNames(run)].flatMap(host => {
    const own = random.fork(host)
    const arrivals = poissonArrivals(own, 1_000 / meanUntilPauseMs, durationOf(run))
    return arrivals.map(timeMs => ({ kind: 'freeze' as const, host, atMs: WARM_MS + timeMs, durationMs: own.uniform(Number(run.pauseMs) / 4, Number(run.pauseMs)) }))
  })
}
