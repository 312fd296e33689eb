import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import { TwinwireError } from '../src/core/errors.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { Arm, Case, Experiment, Metric, ModuleName } from '../src/experiment/definition.ts'
import type { OptimizedNetworkOptions } from '../src/optim/index.ts'
import type { ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters, WireName } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { COMPUTING_PER_EVENT_MS } from '../src/workload/computing.ts'
import { hostNames } from '../src/workload/host-names.ts'
import { keptStreams } from '../src/workload/kept-streams.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm, requesterWith } from '../src/workload/modules.ts'
import { requestPayloads } from '../src/workload/request-reply.ts'
import { serveWith } from '../src/workload/serve.ts'

export const parameters = z.object({
  rttMs: z.number().positive().default(80).describe('Round trip between each client and the server, ms'),
  clientsPerSecond: z.number().positive().default(20).describe('How fast they come: all connect within the time that this gives, each at an instant of its own drawn evenly. Real clients, their server and what is between them share the cores of one machine: how much of this two of them carry is in docs/experiments/concurrent-connections.md'),
  requestsPerSecond: z.number().positive().default(0.5).describe('Of each client at first, after its first request, Poisson'),
  askingMs: z.number().positive().default(4_000).describe('How long each client asks so often, from its first request on, ms'),
  inTouchMs: z.number().positive().default(15_000).describe('How often it asks after that, ms: as who means to stay connected does, and more often than the half minute after which the pool closes what is idle'),
  deadlineMs: z.number().positive().default(10_000).describe('What a user waits for an answer at most, the same in all arms, ms'),
  perEventMs: z.number().min(0).max(1_000).default(COMPUTING_PER_EVENT_MS).describe('What computing takes at each simulated peer each time that a connection has something to tell, ms')
})

/** More than any run has, on both ends, for the pool as for libp2p. */
const RAISED = 100_000
/** Real clients that share a process. */
const CLIENTS_A_PROCESS = 50
const MESSAGE_BYTES = 100
/** Before and after the measurement of the server, for which its process stands still. */
const SETTLING_MS = 1_000

const MODULE_OPTIONS: OptimizedNetworkOptions = {
  connectionPool: { maxConnections: RAISED },
  // How long DEFLATE's output is depends on the machine's zlib.
  messageBatching: { codecs: ['snappy'] }
}

const module = (name: string, title: string, modules: readonly ModuleName[]): Arm => ({ name, title, description: `${title} alone, at the clients and at the server, with the limits of libp2p raised.`, modules })

export const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'dial() reuses the connection, each request opens a stream. libp2p\'s limits are raised at both ends, as its documentation advises a server of many.' },
  { name: 'plain-defaults', title: 'Plain, default limits', description: 'The same with libp2p\'s own limits: 300 connections, 10 of them in the making. Only the 5 a second from one address are raised, for each client has an address of its own in the field, and none on loopback.' },
  { name: 'kept-streams', title: 'Kept streams', description: 'Plain libp2p whose streams are kept and used again, by hand: the fair rival of what later requests take.' },
  module('pool', 'Connection pool', ['connectionPool']),
  module('batching', 'Message batching', ['messageBatching']),
  module('bandwidth', 'Bandwidth manager', ['bandwidthManager']),
  module('timeouts', 'Adaptive timeouts', ['adaptiveTimeouts']),
  module('health', 'Network health', ['networkHealth']),
  { name: 'full', title: 'Full stack', description: 'All five modules at the clients and at the server; limits raised for the pool as for libp2p.', modules: MODULES }
]

const LEVELS = [100, 300, 1_000] as const
/** The stack does the cryptography of all handshakes in one thread. */
const STACK_CLIENTS = 300

const metrics: readonly Metric[] = [
  { name: 'unserved', title: 'Clients without an answer', sample: 'first-answer', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.01 },
  { name: 'unserved-against-defaults', title: 'Clients without an answer, against default limits', sample: 'first-answer', statistic: 'failed-share', unit: 'share', better: 'lower', baseline: 'plain-defaults', minimumEffect: 0.01 },
  { name: 'first-answer', title: 'First answer, median', sample: 'first-answer', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'first-answer-p90', title: 'First answer, p90', sample: 'first-answer', statistic: 'p90', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.01 },
  { name: 'request-p99', title: 'Request, p99', sample: 'request', statistic: 'p99', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'request-p99-kept', title: 'Request, p99, against kept streams', sample: 'request', statistic: 'p99', unit: 'ms', better: 'lower', baseline: 'kept-streams', minimumEffect: 0.05 },
  { name: 'open', title: 'Clients connected at once in the end', sample: 'open', statistic: 'mean', unit: 'count', better: 'higher', minimumEffect: 0.01 },
  { name: 'connections', title: 'Connections a client', sample: 'connections', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 },
  { name: 'server-memory', title: 'Server, in use after collection', sample: 'server-memory', statistic: 'mean', unit: 'bytes', better: 'lower', role: 'cost', wireSpecific: true, minimumEffect: 0.05 },
  { name: 'server-resident', title: 'Server, resident', sample: 'server-resident', statistic: 'mean', unit: 'bytes', better: 'lower', role: 'cost', wireSpecific: true, minimumEffect: 0.05 }
]

const cases: readonly Case[] = [
  ...LEVELS.map(clients => crowd(clients, {
    name: `clients-${clients}`, arms: ['plain', 'plain-defaults', 'kept-streams', 'full'], wires: wiresFor(clients), ...clients > STACK_CLIENTS && { realArms: ['plain', 'plain-defaults', 'full'] }, sweep: { name: 'clients', levels: { clients } }
  })),
  crowd(100, { name: 'each-module', title: '100 clients, each module alone', wires: ['sim'] })
]

const PROMISED = { promise: '10 times the concurrent connections (100 to 1000)', case: 'clients-1000', arm: 'full' } as const

export const experiment: Experiment = {
  name: 'concurrent-connections',
  title: 'A crowd at one server',
  question: 'How many clients, twenty more each second, can connect to one node and be answered, with libp2p\'s limits as they are, with limits raised, and with the modules?',
  expected: 'Default limits: some three hundred are let in at most, and most of a thousand get no answer. Limits raised: all are served, with the modules and without; they change the round trips of later requests, not the number of connections, and cost memory at the server. So ten times as many connections are a matter of limits, and then of memory.',
  parameters,
  arms,
  cases,
  // Of real peers a run of a thousand is a minute and more, alone on the machine.
  repetitions: { stack: 1, tcp: 1 },
  thresholds: [
    { case: 'clients-1000', metric: 'unserved', arm: 'full', limit: 0.01, direction: 'at-most' },
    { case: 'clients-1000', metric: 'open', arm: 'full', limit: 990, direction: 'at-least' }
  ],
  promises: [
    { ...PROMISED, reading: '99% of 1000 clients that come at twenty a second are answered', metric: 'unserved', target: { value: 0.01 } },
    { ...PROMISED, reading: '99% of 1000 clients are connected at once in the end', metric: 'open', target: { value: 990 } },
    { ...PROMISED, reading: 'a tenth as many clients of 1000 go without an answer as with plain libp2p at its default limits (a straw man: raised limits are one line)', metric: 'unserved-against-defaults', target: { change: -0.9 } },
    { ...PROMISED, reading: 'a tenth as many clients of 1000 go without an answer as with plain libp2p and the same limits', metric: 'unserved', target: { change: -0.9 } }
  ],
  sweeps: [{ name: 'clients', title: 'Clients', description: 'From a hundred to a thousand clients, twenty more each second.', factors: [{ name: 'clients', title: 'Clients', unit: 'count', scale: 'log' }] }]
}

export const roles: Readonly<Record<string, Role>> = {
  server: {
    setUp: async (host, run) => { await serveWith(host, modulesOfArm(arms, run), MODULE_OPTIONS) },
    run: measureServer
  },
  client: { run: connectAndAsk }
}

/** One level; also of the crowds that are too large for twenty seeds. */
export function crowd (clients: number, over: Pick<Case, 'name'> & Partial<Case>): Case {
  return {
    title: `${clients.toLocaleString('en')} clients`,
    description: 'They come at an even rate, each at an instant of its own. Each asks at once, goes on asking about every two seconds for four, and then every fifteen, so that it stays connected; with limits that refuse it, each next request dials again.',
    scenario: run => scenarioOf(clients, run),
    metrics,
    ...over
  }
}

function wiresFor (clients: number): readonly WireName[] {
  return clients <= STACK_CLIENTS ? ['sim', 'stack', 'tcp'] : ['sim', 'tcp']
}

function scenarioOf (clients: number, run: RunParameters): ScenarioInput {
  const limits = run.arm === 'plain-defaults' ? { limits: 'default', inboundConnectionThreshold: RAISED } as const : { limits: 'raised' } as const
  const perEventMs = Number(run.perEventMs)
  const machine = { libp2p: { ...libp2pWith(modulesOfArm(arms, run)), ...limits }, ...perEventMs > 0 && { processing: { perEventMs, ofRealPeers: true } } }
  const names = hostNames('client', clients, 0)
  return {
    hosts: [
      { name: 'server', role: 'server', ...machine },
      ...names.map((name, index) => ({ name, role: 'client', process: `crowd-${Math.floor(index / CLIENTS_A_PROCESS)}`, ...machine }))
    ],
    paths: names.map(name => ({ from: name, to: 'server', forward: { delayMs: Number(run.rttMs) / 2 } })),
    limitMs: measuredMs(clients, run) + 2 * Number(run.deadlineMs)
  }
}

/** The time within which all connect. */
function spreadMs (clients: number, run: RunParameters): number {
  return clients * 1e3 / Number(run.clientsPerSecond)
}

/** When the server is measured: all have asked for a while, and those that were let in are connected still. */
function measuredMs (clients: number, run: RunParameters): number {
  return spreadMs(clients, run) + Number(run.askingMs) + SETTLING_MS
}

function clientsOf ({ scenario: { hosts } }: Host): number {
  return hosts.filter(({ role }) => role === 'client').length
}

async function connectAndAsk (host: Host, run: RunParameters): Promise<void> {
  let connections = 0
  host.node.addEventListener('connection:open', () => { connections++ })
  const startMs = host.random.fork('connect').uniform(0, spreadMs(clientsOf(host), run))
  const endMs = measuredMs(clientsOf(host), run)
  const often = poissonArrivals(host.random.fork('arrivals'), Number(run.requestsPerSecond), Number(run.askingMs)).map(timeMs => startMs + timeMs)
  const inTouchMs = Number(run.inTouchMs)
  const firstMs = startMs + Number(run.askingMs) + inTouchMs
  const seldom = Array.from({ length: Math.max(0, Math.ceil((endMs - SETTLING_MS - firstMs) / inTouchMs)) }, (_, index) => firstMs + index * inTouchMs)
  const { addresses } = host.peer('server')
  await using requester = run.arm === 'kept-streams' ? keptStreams({ node: host.node, addresses }) : await requesterWith(host, host.peer('server'), Number(run.deadlineMs), modulesOfArm(arms, run), MODULE_OPTIONS)
  const payloadOf = requestPayloads(MESSAGE_BYTES, MESSAGE_BYTES)
  let answered = false
  await openLoop(host.clock, [startMs, ...often, ...seldom], async scheduledMs => {
    try {
      await measure(host, 'request', Number(run.deadlineMs), async signal => { await requester.request(payloadOf(), signal) }, scheduledMs)
    } catch {
      // A sample, too.
      return
    }
    if (!answered) {
      answered = true
      recordSample(host, 'first-answer', host.clock.now() - startMs)
    }
  }, host.signal)
  if (!answered) {
    recordSample(host, 'first-answer', host.clock.now() - startMs, new TwinwireError('ERR_DEADLINE', 'no request was answered'))
  }
  recordSample(host, 'connections', connections)
  await sleep(host.clock, Math.max(0, endMs + SETTLING_MS - host.clock.now()), host.signal)
}

async function measureServer (host: Host, run: RunParameters): Promise<void> {
  await sleep(host.clock, measuredMs(clientsOf(host), run), host.signal)
  recordSample(host, 'open', new Set(host.node.getConnections().map(({ remotePeer }) => remotePeer.toString())).size)
  if (host.memory !== undefined) {
    const { usedBytes, residentBytes } = host.memory.collected()
    recordSample(host, 'server-memory', usedBytes)
    recordSample(host, 'server-resident', residentBytes)
  }
}
