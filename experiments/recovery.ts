import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import type { RandomStream } from '../src/core/random.ts'
import type { RecordedEvent } from '../src/core/recorder.ts'
import type { Case, Experiment, Metric } from '../src/experiment/definition.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { OptimizedNetworkOptions } from '../src/optim/index.ts'
import type { PathDirectionInput, ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { keptFleet, modularFleet, plainFleet, warmFleet } from '../src/workload/fleet.ts'
import type { Fleet } from '../src/workload/fleet.ts'
import { hostNames } from '../src/workload/host-names.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm } from '../src/workload/modules.ts'
import { requestPayloads } from '../src/workload/request-reply.ts'
import { modulesOfServers, serveWith } from '../src/workload/serve.ts'

const parameters = z.object({
  clients: z.int().positive().max(50).default(4).describe('Clients, each connected to every server'),
  servers: z.int().min(2).max(50).default(6).describe('Servers'),
  rttMs: z.number().positive().default(80).describe('Round trip between a client and a server, ms'),
  rateBitsPerSecond: z.number().positive().default(20e6).describe('Rate of each path, bits per second each way; of the brown-out 60 kbit/s'),
  requestsPerSecond: z.number().positive().default(3).describe('Arrivals at each client, Poisson, for one server at random each'),
  deadlineMs: z.number().positive().default(5_000).describe('What a user waits for an answer at most, the same in all arms, ms'),
  faultMs: z.number().positive().default(10_000).describe('How long a partition, a brown-out and a slow server last, ms'),
  awayMs: z.number().positive().default(5_000).describe('How long a server that restarts is away, ms'),
  freezeMs: z.number().positive().default(6_000).describe('How long an event loop is blocked, ms'),
  stormClients: z.int().positive().max(1_000).default(200).describe('Clients of the redial storm, which has two servers'),
  stormRequestsPerSecond: z.number().positive().default(0.2).describe('Arrivals at each of these, Poisson'),
  observedMs: z.number().positive().default(12_000).describe('How long requests arrive after the fault, ms')
})

/** Clients are connected by then, and requests begin to arrive. */
const WARM_MS = 5_000
/** No fault before this; at a random time within the interval of libp2p's pings after it. */
const FAULT_MS = 10_000
const PING_INTERVAL_MS = 10_000
const PING_TIMEOUT_MS = 5_000
const BROWN_OUT_RATE = 60e3
const STORM_SERVERS = 2

const ms = (name: string, title: string, statistic: Metric['statistic'] = 'p50', sample = name): Metric => ({ name, title, sample, statistic, unit: 'ms', better: 'lower', minimumEffect: 0.1 })
/** The fair rival, beside plain libp2p. */
const againstRedial = (metric: Metric, title = 'The same'): Metric => ({ ...metric, name: `${metric.name}-redial`, title: `${title}, against kept streams and retries that redial`, baseline: 'kept-redial' })
const againstNoMonitor = (metric: Metric): Metric => ({ ...metric, name: `${metric.name}-no-monitor`, title: `${metric.title}, against kept streams without libp2p's monitor`, baseline: 'kept-no-monitor' })
const DETECT = ms('detect', 'Fault to the first sign of it (of modules a suspicion, too), median over clients and servers')
const RECOVER = ms('recover', 'End of the fault to the first answer, median over clients and servers')
const FAILED: Metric = { name: 'failed', title: 'Requests failed from the fault on', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.1 }
const DIAL_PEAK: Metric = { name: 'dial-peak', title: 'Redial storm: most connections that a server was given within a second', sample: 'dial-peak', statistic: 'maximum', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 }
const metrics: readonly Metric[] = [
  DETECT,
  againstRedial(DETECT),
  RECOVER,
  againstRedial(RECOVER),
  // What the slowest of so few meets is chance for the most part: enough against plain libp2p, not against the rival.
  ms('recover-last', 'End of the fault to the first answer, the last client and server', 'maximum', 'recover'),
  FAILED,
  againstRedial(FAILED),
  { name: 'false-signs', title: 'Signs of a fault at a server that had none then, each client\'s', sample: 'false-signs', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 },
  DIAL_PEAK,
  { name: 'dial-peak-100ms', title: 'The same within 100 ms', sample: 'dial-peak-100ms', statistic: 'maximum', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 },
  { name: 'dials', title: 'Connections that a server was given from the fault on', sample: 'dials', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 },
  { name: 'attempts', title: 'Attempts a request', sample: 'attempts', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 }
]

/** Where the same connections work again afterwards, who lets them be is a rival as well; a connection that is gone he never gets back. */
const PASSING = { arms: ['plain', 'kept-redial', 'kept-no-monitor', 'pool', 'pool-timeouts-health', 'full'], metrics: [...metrics, againstNoMonitor(RECOVER), againstNoMonitor(FAILED)] } as const

const cases: readonly Case[] = [
  recovery('partition', 'Partition', 'Half of the servers are cut off from all clients for a while; nothing is reset. What TCP had sent it sends again at intervals that double. A client asks each server every two seconds or so: that is how soon anything can be noticed or answered at all.', (run, random) => {
    const atMs = faultAt(random)
    return half(run).flatMap(server => toAll(run, server, ends => [{ kind: 'black-hole', ...ends, atMs, durationMs: Number(run.faultMs), scope: 'all' }]))
  }, PASSING),
  recovery('churn', 'Restarts', 'Each server goes away for 5 s without a word, at a time of its own, and comes back without its connections, which are reset then.', (run, random) => {
    return serverNames(run).flatMap(server => {
      const atMs = faultAt(random)
      const durationMs = Number(run.awayMs)
      return toAll(run, server, ends => [{ kind: 'black-hole', ...ends, atMs, durationMs, scope: 'all' }, { kind: 'reset', ...ends, atMs: atMs + durationMs }])
    })
  }),
  recovery('brown-out', 'Brown-out', 'The paths of half of the servers, of 60 kbit/s, fall to a tenth for a while: a queue grows, and is still there when the rate is back.', (run, random) => {
    const atMs = faultAt(random)
    return half(run).flatMap(server => toAll(run, server, ends => [
      { kind: 'rate', ...ends, atMs, rateBitsPerSecond: BROWN_OUT_RATE / 10 }, { kind: 'rate', ...ends, atMs: atMs + Number(run.faultMs), rateBitsPerSecond: BROWN_OUT_RATE }
    ]))
  }, { ...PASSING, rateBitsPerSecond: BROWN_OUT_RATE }),
  recovery('blocked-event-loop', 'Blocked event loop', 'One server\'s program does nothing for 6 s, while its kernel goes on acknowledging. Its connections are well, and every request that has arrived is answered afterwards. Not on the stack, whose hosts are one program.', (run, random) => {
    return [{ kind: 'freeze', host: frozenServer(run), atMs: faultAt(random), durationMs: Number(run.freezeMs) }]
  }, { ...PASSING, wires: ['sim', 'tcp'] }),
  recovery('slow-peer', 'Slow server', 'One server is busy nine tenths of the time: its program does nothing for 900 ms of each second. Not on the stack, either.', (run, random) => {
    const atMs = faultAt(random)
    return Array.from({ length: Math.ceil(Number(run.faultMs) / 1_000) }, (_, second) => ({ kind: 'freeze', host: frozenServer(run), atMs: atMs + second * 1_000, durationMs: 900 }))
  }, { wires: ['sim', 'tcp'] }),
  recovery('storm', 'Redial storm', 'Two servers restart together, away for 5 s, and 200 clients that ask each now and then lose their connections to both at the same instant. In simulation only: so many real peers would measure this machine.', (run, random) => {
    const atMs = faultAt(random)
    return serverNames(run).flatMap(server => toAll(run, server, ends => [{ kind: 'black-hole', ...ends, atMs, durationMs: Number(run.awayMs), scope: 'all' }, { kind: 'reset', ...ends, atMs: atMs + Number(run.awayMs) }]))
  }, { wires: ['sim'], arms: ['plain', 'kept-redial', 'pool-timeouts-health', 'full'], metrics: [...metrics, againstRedial(DIAL_PEAK, 'Redial storm: most connections within a second')] })
]

export const experiment: Experiment = {
  name: 'recovery',
  title: 'Recovery',
  question: 'When a network or a server fails and comes back, how soon is that noticed, how soon do requests get answers again, and do all clients dial at once?',
  expected: 'Plain libp2p notices by its pings, after 5 to 15 s, and recovers when TCP tries again or a new connection is dialled. Pool and timeouts notice within a second and are back within a second of the end. Retries by hand that redial notice within a quarter of the deadline. Redials come at the rate of the requests, with no storm above one a client. A blocked event loop is nobody\'s death: an arm that dials then has paid for nothing.',
  parameters,
  arms: [
    { name: 'plain', title: 'Plain libp2p', description: 'Each request opens a stream; the connection monitor is on, as libp2p comes.' },
    { name: 'kept-redial', title: 'Kept streams + 3 retries that redial', description: 'What a careful user writes by hand, and the fair rival: streams that are kept, four tries, a quarter of the deadline each, 100 ms between them; behind one that timed out the next dials with `force`.' },
    { name: 'kept-no-monitor', title: 'Kept streams, no monitor', description: 'Streams kept by hand, tried once, on libp2p whose connection monitor is off, as it is with the health module. Where connections are slow or cut off for a while and then work again, that alone keeps them.' },
    { name: 'pool', title: 'Pool', description: 'The connection pool alone.', modules: ['connectionPool'] },
    { name: 'pool-timeouts-health', title: 'Pool + timeouts + health', description: 'Suspect connections are replaced by whichever notices first. libp2p\'s own monitor is off.', modules: ['connectionPool', 'adaptiveTimeouts', 'networkHealth'] },
    { name: 'full', title: 'Full stack', description: 'All five modules at both ends. libp2p\'s own monitor is off.', modules: MODULES }
  ],
  cases,
  // One of each client within a second.
  thresholds: [{ case: 'storm', metric: 'dial-peak', arm: 'full', limit: 200, direction: 'at-most' }],
  repetitions: { stack: 1, tcp: 1 },
  // How TCP recovers is most of it, and a relay's two connections recover as two, over no distance.
  tcpNetwork: 'namespaces',
  precision: {
    // As precise as the least change that counts, as far as some seconds more take it.
    halfWidth: 0.1,
    maximumSeeds: 28,
    targets: ['recover', 'failed'].map(metric => ({ case: 'partition', metric, arm: 'full' }))
  }
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async (host, run) => { await serveWith(host, modulesOfServers(modulesOfArm(experiment.arms, run)), OPTIONS) }, run: countConnections },
  client: { run: askThroughout }
}

/** Whose output is the same on every machine. */
const OPTIONS: OptimizedNetworkOptions = { messageBatching: { codecs: ['snappy'] } }

/** What this server was given from the first fault on: of all clients together, for they may come back at once. */
async function countConnections (host: Host, run: RunParameters): Promise<void> {
  const { startMs, endMs } = faultOf(host, host.name) ?? wholeFault(host)
  const timesMs: number[] = []
  host.node.addEventListener('connection:open', ({ detail: { direction } }) => {
    if (direction === 'inbound' && host.clock.now() >= startMs) {
      timesMs.push(host.clock.now())
    }
  })
  await sleep(host.clock, endMs + Number(run.observedMs) + Number(run.deadlineMs) - host.clock.now(), host.signal)
  recordSample(host, 'dials', timesMs.length)
  recordSample(host, 'dial-peak', mostWithin(timesMs, 1_000))
  recordSample(host, 'dial-peak-100ms', mostWithin(timesMs, 100))
}

/** @param timesMs ascending */
function mostWithin (timesMs: readonly number[], windowMs: number): number {
  return timesMs.reduce((peak, timeMs, index) => Math.max(peak, index + 1 - timesMs.findIndex(earlierMs => earlierMs > timeMs - windowMs)), 0)
}

async function askThroughout (host: Host, run: RunParameters): Promise<void> {
  const names = serverNames(run)
  const payloadOf = requestPayloads(100, 1_000)
  const watches = new Map(names.map(name => [name, new FaultWatch(host, run, faultOf(host, name))]))
  const watchOf = new Map([...watches].map(([name, watch]) => [host.peer(name).id.toString(), watch]))
  host.node.addEventListener('connection:close', ({ detail: { remotePeer } }) => watchOf.get(remotePeer.toString())?.sign())
  const onSign = (peer: string): void => watchOf.get(peer)?.sign()
  await using fleet = await fleetOf({ ...host, recorder: { record: event => {
    if (isSign(event)) {
      onSign(event.peer)
    }
    host.recorder.record(event)
  } } }, run, onSign)
  await warmFleet(fleet, host.clock, names.map(name => host.peer(name)), payloadOf(), WARM_MS - host.clock.now(), host.signal)

  const { startMs, endMs } = wholeFault(host)
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(isStorm(run) ? run.stormRequestsPerSecond : run.requestsPerSecond), endMs + Number(run.observedMs) - WARM_MS)
  const choices = host.random.fork('choices')
  const attemptsBefore = fleet.attempts
  await openLoop(host.clock, arrivals.map(timeMs => WARM_MS + timeMs), async scheduledMs => {
    const name = names[choices.integer(names.length)]
    const ask = async (signal: AbortSignal): Promise<void> => { await fleet.ask([host.peer(name)], payloadOf(), signal) }
    try {
      // Nobody asks how it went before.
      await (scheduledMs < startMs ? measureQuietly(host, run, ask, scheduledMs) : measure(host, 'request', Number(run.deadlineMs), ask, scheduledMs))
      watches.get(name)?.answered(scheduledMs)
    } catch {
      watches.get(name)?.sign()
    }
  }, host.signal)
  recordSample(host, 'attempts', (fleet.attempts - attemptsBefore) / Math.max(1, arrivals.length))
  watches.forEach(watch => watch.conclude())
  recordSample(host, 'false-signs', [...watches.values()].reduce((sum, { falseSigns }) => sum + falseSigns, 0))
}

/** The same deadline, and no sample. */
async function measureQuietly (host: Host, run: RunParameters, action: (signal: AbortSignal) => Promise<void>, startMs: number): Promise<void> {
  await measure({ ...host, recorder: { record () {} } }, 'request', Number(run.deadlineMs), action, startMs)
}

/** What a fault looks like to a module: an attempt that lasts too long or fails, a suspicion, a death, or that a condition of the path changed. */
function isSign (event: RecordedEvent): event is RecordedEvent & { readonly peer: string } {
  return event.type === 'timeouts:attempt-overdue' || event.type === 'timeouts:attempt-failed' || event.type === 'pool:suspect'
    || (event.type === 'health:state' && 'to' in event && event.to === 'dead') || (event.type === 'health:condition' && 'phase' in event && event.phase === 'entered')
}

interface Interval {
  readonly startMs: number
  readonly endMs: number
}

/**
 * When one client first had a sign of one server's fault, and its first answer when that was over; and how often it had a
 * sign where there was nothing: of a server that is well, before the fault, or long enough after it. What follows from a
 * fault may come as late as a request of its last moment fails, and a ping.
 */
class FaultWatch {
  readonly #host: Host
  readonly #fault: Interval | undefined
  readonly #afterwardsMs: number
  readonly #recorded = new Set<string>()
  #falseSigns = 0

  constructor (host: Host, { deadlineMs }: RunParameters, fault: Interval | undefined) {
    this.#host = host
    this.#fault = fault
    this.#afterwardsMs = Math.max(Number(deadlineMs), PING_INTERVAL_MS + PING_TIMEOUT_MS)
  }

  get falseSigns (): number {
    return this.#falseSigns
  }

  sign (): void {
    const nowMs = this.#host.clock.now()
    if (this.#fault === undefined || nowMs <= this.#fault.startMs || nowMs > this.#fault.endMs + this.#afterwardsMs) {
      this.#falseSigns++
    } else {
      this.#recordOnce('detect', this.#fault.startMs)
    }
  }

  /** The request may have been made during the fault: what counts is that there is an answer. */
  answered (scheduledMs: number): void {
    const nowMs = this.#host.clock.now()
    if (this.#fault !== undefined && nowMs > this.#fault.endMs && scheduledMs > this.#fault.startMs) {
      this.#recordOnce('recover', this.#fault.endMs)
    }
  }

  /** What has not been until now is a failure. */
  conclude (): void {
    if (this.#fault !== undefined) {
      const failure = new Error('not within the run')
      this.#recordOnce('detect', this.#fault.startMs, failure)
      this.#recordOnce('recover', this.#fault.endMs, failure)
    }
  }

  /** When it happens, for a sample has the time at which it was recorded. */
  #recordOnce (metric: string, sinceMs: number, failure?: Error): void {
    if (!this.#recorded.has(metric)) {
      this.#recorded.add(metric)
      recordSample(this.#host, metric, this.#host.clock.now() - sinceMs, failure)
    }
  }
}

/** From the first to the last that befalls a server, as its scenario has it. */
function faultOf ({ scenario: { faults } }: Host, server: string): Interval | undefined {
  return intervalOf(faults.filter(fault => 'host' in fault ? fault.host === server : 'to' in fault && fault.to === server))
}

function wholeFault ({ scenario: { faults } }: Host): Interval {
  return intervalOf(faults) ?? { startMs: 0, endMs: 0 }
}

function intervalOf (faults: Host['scenario']['faults']): Interval | undefined {
  const endsMs = faults.map(fault => fault.atMs + ('durationMs' in fault ? fault.durationMs ?? 0 : 0))
  return faults.length === 0 ? undefined : { startMs: Math.min(...faults.map(({ atMs }) => atMs)), endMs: Math.max(...endsMs) }
}

async function fleetOf (host: Host, run: RunParameters, onSign: (peer: string) => void): Promise<Fleet> {
  const deadlineMs = Number(run.deadlineMs)
  switch (run.arm) {
    case 'plain':
      return plainFleet(host, { deadlineMs })
    case 'kept-no-monitor':
      return keptFleet(host, { deadlineMs })
    case 'kept-redial':
      return keptFleet(host, { deadlineMs, attempts: 4, attemptMs: deadlineMs / 4, redials: true, onTimeout: peer => onSign(peer.toString()) })
    default:
      return await modularFleet(host, serverNames(run).map(name => host.peer(name)), deadlineMs, modulesOfArm(experiment.arms, run), OPTIONS)
  }
}

function isStorm (run: RunParameters): boolean {
  return run.case === 'storm'
}

function serverNames (run: RunParameters): string[] {
  return hostNames('server', isStorm(run) ? STORM_SERVERS : Number(run.servers))
}

function clientNames (run: RunParameters): string[] {
  return hostNames('client', Number(isStorm(run) ? run.stormClients : run.clients))
}

function half (run: RunParameters): string[] {
  return serverNames(run).slice(0, Math.floor(Number(run.servers) / 2))
}

function frozenServer (run: RunParameters): string {
  return serverNames(run)[0]
}

type Faults = NonNullable<ScenarioInput['faults']>

function toAll (run: RunParameters, server: string, faultsOf: (ends: { readonly from: string, readonly to: string }) => Faults): Faults {
  return clientNames(run).flatMap(from => faultsOf({ from, to: server }))
}

function faultAt (random: RandomStream): number {
  return FAULT_MS + random.uniform(0, PING_INTERVAL_MS)
}

interface RecoveryOptions extends Pick<Case, 'wires' | 'arms'>, Partial<Pick<Case, 'metrics'>> {
  /** Of each path; absent: the parameters'. */
  readonly rateBitsPerSecond?: number
}

function recovery (name: string, title: string, description: string, faults: (run: RunParameters, random: RandomStream) => Faults, { wires = ['sim', 'stack', 'tcp'], rateBitsPerSecond, ...over }: RecoveryOptions = {}): Case {
  return {
    name,
    title,
    description,
    wires,
    ...wires.includes('tcp') && { busyProcessors: 0.1 },
    arms: ['plain', 'kept-redial', 'pool', 'pool-timeouts-health', 'full'],
    metrics,
    ...over,
    scenario (run, random) {
      const libp2p = run.arm === 'kept-no-monitor' ? { connectionMonitor: false } : libp2pWith(modulesOfArm(experiment.arms, run))
      const forward: PathDirectionInput = { delayMs: Number(run.rttMs) / 2, rateBitsPerSecond: rateBitsPerSecond ?? Number(run.rateBitsPerSecond) }
      const host = (role: string) => (name: string) => ({ name, role, libp2p })
      return {
        hosts: [...clientNames(run).map(host('client')), ...serverNames(run).map(host('server'))],
        paths: clientNames(run).flatMap(from => serverNames(run).map(to => ({ from, to, forward }))),
        faults: faults(run, random),
        limitMs: 2 * FAULT_MS + PING_INTERVAL_MS + Number(run.faultMs) + Number(run.observedMs) + 6 * Number(run.deadlineMs)
      }
    }
  }
}
