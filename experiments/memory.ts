import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { Arm, Case, Experiment, Metric, ModuleName } from '../src/experiment/definition.ts'
import type { OptimizedNetworkOptions } from '../src/optim/index.ts'
import type { ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Peer, ProcessMemory, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { hostNames } from '../src/workload/host-names.ts'
import { dialAndLeave, keptStreams } from '../src/workload/kept-streams.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm, networkWith } from '../src/workload/modules.ts'
import { requestPayloads } from '../src/workload/request-reply.ts'
import { overNetwork, plainLibp2p } from '../src/workload/requester.ts'
import type { Requester } from '../src/workload/requester.ts'
import { serveWith } from '../src/workload/serve.ts'

export const parameters = z.object({
  peers: z.int().positive().max(1_000).default(200).describe('Peers of the process that is measured'),
  rttMs: z.number().positive().default(20).describe('Round trip, ms'),
  connectingMs: z.number().positive().default(3_000).describe('The time within which all peers connect, each at an instant of its own, ms'),
  loadMs: z.number().positive().default(10_000).describe('How long requests arrive, ms: by default until libp2p has pinged each peer'),
  requestsPerSecond: z.number().positive().default(0.5).describe('Of each peer, or to each, Poisson'),
  messageBytes: z.int().min(4).max(64_000).default(1_000).describe('Size of a request and of a reply, bytes'),
  deadlineMs: z.number().positive().default(5_000).describe('What a user waits for an answer at most, the same in all arms, ms')
})

/** More than any run has, in all arms. */
const RAISED = 100_000
const PEERS_A_PROCESS = 50
/** Until the process has nothing in its memory of what it was warmed up with: libp2p keeps a connection for the second that its close may take. */
const RESTING_MS = 1_000
/** Between the phases, for what is under way to come to its end. */
const SETTLING_MS = 500
const SAMPLED_EVERY_MS = 100

const MODULE_OPTIONS: OptimizedNetworkOptions = { connectionPool: { maxConnections: RAISED }, messageBatching: { codecs: ['snappy'] } }

const module = (name: string, title: string, modules: readonly ModuleName[]): Arm => ({ name, title, description: `${title} alone, at both ends.`, modules })

export const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'dial() reuses the connection, each request opens a stream and closes it.' },
  { name: 'kept-streams', title: 'Plain, kept streams', description: 'Streams that were answered on are used again, by hand.' },
  { name: 'dial-and-leave', title: 'A connection a request', description: 'A new connection a request, and nobody closes it: the straw man of whom 40% less would be easy.' },
  module('pool', 'Connection pool', ['connectionPool']),
  module('batching', 'Message batching', ['messageBatching']),
  module('bandwidth', 'Bandwidth manager', ['bandwidthManager']),
  module('timeouts', 'Adaptive timeouts', ['adaptiveTimeouts']),
  module('health', 'Network health', ['networkHealth']),
  { name: 'full', title: 'Full stack', description: 'All five modules at both ends.', modules: MODULES }
]

const bytes = (name: string, title: string, over: Partial<Metric> = {}): Metric => ({ name, title, sample: name, statistic: 'mean', unit: 'bytes', better: 'lower', minimumEffect: 0.05, ...over })

/** Those whom the promise is about; the others are `memory-each-module`'s. */
const LEADING = ['plain', 'full'] as const

const metrics: readonly Metric[] = [
  bytes('used-a-peer', 'In use a peer, after the load and a collection'),
  bytes('connected-a-peer', 'In use a peer, when all had connected, after a collection'),
  bytes('resident', 'Resident, after the load and a collection'),
  bytes('peak', 'Resident at most, under load', { sample: 'resident-under-load', statistic: 'maximum' }),
  { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.01 }
]

export const cases: readonly Case[] = [
  {
    name: 'server',
    title: 'A server of many clients',
    description: 'The process of one node that many clients connect to and ask. Before anybody connects, when all have, and after the load, its garbage is collected and what is in use is read; under load its resident set is read every 100 ms. The process is new in each run.',
    wires: ['tcp'],
    busyProcessors: 0.5,
    scenario: run => scenarioOf(run, 'measured-server', 'client'),
    metrics
  },
  {
    name: 'client',
    title: 'A client of many servers',
    description: 'The same of the process of one node that connects to many servers and asks them; their addresses are in its peer store before anything is read, in all arms.',
    wires: ['tcp'],
    busyProcessors: 0.5,
    scenario: run => scenarioOf(run, 'measured-client', 'server'),
    metrics
  }
]

const PROMISE = 'memory 40% less (100 to 60 MB)'

export const experiment: Experiment = {
  name: 'memory',
  title: 'What a peer costs in memory',
  question: 'How much memory does a process with many peers take, at equal load, with plain libp2p and with the modules?',
  expected: 'Not less. The modules hold state for each peer (20 kB of it by our own bench, of which most are kept streams), so a process with them takes a little more than plain libp2p at the same load.',
  parameters,
  arms: arms.filter(({ name }) => LEADING.some(arm => arm === name)),
  cases,
  thresholds: [],
  promises: [
    { promise: PROMISE, reading: 'resident memory of a server with 200 clients, against plain libp2p', case: 'server', metric: 'resident', arm: 'full', wire: 'tcp', target: { change: -0.4 } },
    { promise: PROMISE, reading: 'memory in use a peer of a server with 200 clients, against plain libp2p', case: 'server', metric: 'used-a-peer', arm: 'full', wire: 'tcp', target: { change: -0.4 } },
    { promise: PROMISE, reading: 'resident memory of a client of 200 servers, against plain libp2p', case: 'client', metric: 'resident', arm: 'full', wire: 'tcp', target: { change: -0.4 } },
    { promise: PROMISE, reading: 'memory in use a peer of a client of 200 servers, against plain libp2p', case: 'client', metric: 'used-a-peer', arm: 'full', wire: 'tcp', target: { change: -0.4 } }
  ],
  // Two arms and ten comparisons: the least with which Holm's correction can find anything. A run is nineteen seconds or so.
  repetitions: { sim: 0, stack: 0, tcp: 9 }
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async (host, run) => { await serveWith(host, modulesOfArm(arms, run), MODULE_OPTIONS) }, run: stay },
  client: { run: async (host, run) => { await askAll(host, run, ['measured']) } },
  'measured-server': { setUp: async (host, run) => { await serveWith(host, modulesOfArm(arms, run), MODULE_OPTIONS) }, run: measureMemory },
  'measured-client': {
    async run (host, run) {
      const others = host.scenario.hosts.filter(({ role }) => role === 'server').map(({ name }) => name)
      await Promise.all([askAll(host, run, others), measureMemory(host, run)])
    }
  }
}

function scenarioOf (run: RunParameters, measured: string, others: string): ScenarioInput {
  const libp2p = libp2pWith(modulesOfArm(arms, run))
  const names = hostNames('peer', Number(run.peers), 0)
  return {
    hosts: [
      { name: 'measured', role: measured, freshProcess: true, libp2p },
      ...names.map((name, index) => ({ name, role: others, process: `peers-${Math.floor(index / PEERS_A_PROCESS)}`, libp2p }))
    ],
    paths: names.map(name => ({ from: name, to: 'measured', forward: { delayMs: Number(run.rttMs) / 2 } })),
    limitMs: instantsOf(run).endMs + 2 * Number(run.deadlineMs)
  }
}

/** The phases of a run, the same in all arms. */
function instantsOf ({ connectingMs, loadMs }: RunParameters): Readonly<Record<'connectMs' | 'connectedMs' | 'loadMs' | 'loadedMs' | 'endMs', number>> {
  const connectMs = RESTING_MS + SETTLING_MS
  const connectedMs = connectMs + Number(connectingMs) + SETTLING_MS
  const loadFromMs = connectedMs + SETTLING_MS
  const loadedMs = loadFromMs + Number(loadMs) + SETTLING_MS
  return { connectMs, connectedMs, loadMs: loadFromMs, loadedMs, endMs: loadedMs + SETTLING_MS }
}

/** Of each peer: a first request while all connect, then the load. */
async function askAll (host: Host, run: RunParameters, names: readonly string[]): Promise<void> {
  const { connectMs, loadMs } = instantsOf(run)
  const payloadOf = requestPayloads(Number(run.messageBytes), Number(run.messageBytes))
  await using requesters = await requestersOf(host, run, names.map(name => host.peer(name)))
  await Promise.all(names.map(async (name, index) => {
    // The same from both ends of a pair, whichever of them asks.
    const random = host.random.fork(`requests:${name}`)
    const firstMs = connectMs + random.fork('connect').uniform(0, Number(run.connectingMs))
    const later = poissonArrivals(random.fork('arrivals'), Number(run.requestsPerSecond), Number(run.loadMs))
    await openLoop(host.clock, [firstMs, ...later.map(timeMs => loadMs + timeMs)], async scheduledMs => {
      // A failure is a sample, too.
      await measure(host, 'request', Number(run.deadlineMs), async signal => { await requesters.all[index].request(payloadOf(), signal) }, scheduledMs).catch(() => {})
    }, host.signal)
  }))
  await stay(host, run)
}

/**
 * One network for all peers, where there are modules. These take addresses from the peer store, and plain libp2p puts them there
 * as it dials: had it none before the first reading, its peers alone would be charged with them.
 */
async function requestersOf (host: Host, run: RunParameters, peers: readonly Peer[]): Promise<AsyncDisposable & { readonly all: readonly Requester[] }> {
  const modules = modulesOfArm(arms, run)
  const optionsOf = ({ id, addresses }: Peer): Parameters<typeof plainLibp2p>[0] => ({ node: host.node, clock: host.clock, peer: id, addresses, deadlineMs: Number(run.deadlineMs) })
  await Promise.all(peers.map(async ({ id, addresses }) => await host.node.peerStore.merge(id, { multiaddrs: [...addresses] })))
  if (modules.length === 0) {
    const make = run.arm === 'kept-streams' ? keptStreams : run.arm === 'dial-and-leave' ? dialAndLeave : plainLibp2p
    return { all: peers.map(peer => make(optionsOf(peer))), async [Symbol.asyncDispose] () {} }
  }
  const network = networkWith(host, modules, MODULE_OPTIONS)
  return { all: peers.map(peer => overNetwork(network, optionsOf(peer))), async [Symbol.asyncDispose] () { await network.stop() } }
}

async function measureMemory (host: Host, run: RunParameters): Promise<void> {
  const { connectedMs, loadMs, loadedMs } = instantsOf(run)
  const peers = Number(run.peers)
  const before = await collectedAt(host, RESTING_MS)
  const connected = await collectedAt(host, connectedMs)
  recordSample(host, 'connected-a-peer', (connected.usedBytes - before.usedBytes) / peers)
  for (let atMs = loadMs; atMs < loadedMs; atMs += SAMPLED_EVERY_MS) {
    await until(host, atMs)
    recordSample(host, 'resident-under-load', meterOf(host).now().residentBytes)
  }
  const after = await collectedAt(host, loadedMs)
  recordSample(host, 'used-a-peer', (after.usedBytes - before.usedBytes) / peers)
  recordSample(host, 'resident', after.residentBytes)
  await stay(host, run)
}

async function collectedAt (host: Host, atMs: number): Promise<ProcessMemory> {
  await until(host, atMs)
  return meterOf(host).collected()
}

function meterOf ({ memory }: Host): NonNullable<Host['memory']> {
  if (memory === undefined) {
    throw new Error('the measured host has no process of its own')
  }
  return memory
}

/** Connections are kept until all has been measured. */
async function stay (host: Host, run: RunParameters): Promise<void> {
  await until(host, instantsOf(run).endMs)
}

async function until ({ clock, signal }: Host, atMs: number): Promise<void> {
  await sleep(clock, Math.max(0, atMs - clock.now()), signal)
}
