import * as z from 'zod'
import { AdaptiveTimeout } from '../src/core/adaptive-timeout.ts'
import type { RandomStream } from '../src/core/random.ts'
import type { Arm, Case, Claim, Experiment, Metric, ModuleName } from '../src/experiment/definition.ts'
import { MODULES } from '../src/experiment/definition.ts'
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
  servers: z.int().min(2).max(50).default(6).describe('Servers that are asked'),
  rttMs: z.number().positive().default(80).describe('Round trip to each, ms'),
  rateBitsPerSecond: z.number().positive().default(20e6).describe('Rate of each path, bits per second each way; brown-outs have one of their own'),
  requestsPerSecond: z.number().positive().default(6).describe('Arrivals at all servers together, Poisson'),
  durationMs: z.number().positive().default(60_000).describe('How long requests arrive, ms'),
  requestBytes: z.int().min(4).max(1_000_000).default(100).describe('Size of a request, bytes'),
  replyBytes: z.int().min(0).max(1_000_000).default(1_000).describe('Size of a reply, bytes'),
  deadlineMs: z.number().positive().default(10_000).describe('What a user waits for an answer at most, the same in all arms, ms'),
  promptDeadlineMs: z.number().positive().default(1_000).describe('The same in the cases of loss, ms: TCP mends nearly all of it within seconds'),
  lossRttMs: z.number().positive().default(80).describe('Round trip in the cases of loss, ms'),
  heavyLoss: z.number().min(0).max(1).default(0.07).describe('Loss each way of the case at which plain libp2p fails 5%, a probability'),
  meanUpMs: z.number().positive().default(70_000).describe('Mean time until something happens to a server, in churn, ms'),
  brownOutMs: z.number().positive().default(10_000).describe('How long a brown-out lasts, ms'),
  brownOutRateBitsPerSecond: z.number().positive().default(80e3).describe('Rate of a path that has brown-outs, outside of them, bits per second each way'),
  partitionMs: z.number().positive().default(9_100).describe('How long half of the servers are cut off, ms')
})

/** By the arms' names. */
const ARM_MODULES: Readonly<Record<string, readonly ModuleName[]>> = {
  pool: ['connectionPool'],
  timeouts: ['adaptiveTimeouts'],
  'pool-timeouts': ['connectionPool', 'adaptiveTimeouts'],
  health: ['networkHealth'],
  full: MODULES
}

const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'Each request opens a stream on libp2p\'s connection and waits until its deadline. The connection monitor is on, as libp2p comes.' },
  { name: 'kept-streams', title: 'Kept streams', description: 'Plain libp2p whose streams are kept and used again, by hand: half the round trips and fewer packets to lose. In the cases of loss, where it is the fair rival; against dead connections and servers it does nothing.' },
  { name: 'naive-retries', title: 'Plain + 3 retries', description: 'What people write by hand: four tries, a quarter of the deadline each, 100 ms between them. dial() gives each the connection that there is.' },
  { name: 'redial-retries', title: 'Plain + 3 retries that redial', description: 'The same by somebody who knows that dial() goes on giving out a connection that died silently, and the fair rival: behind a try that timed out the next one dials with `force`. No try is shorter than 1 s, TCP\'s own wait for a lost SYN, which leaves none to be made again where an answer is wanted within a second.' },
  { name: 'upstream-timeout', title: 'AdaptiveTimeout of js-libp2p', description: 'The same loop with the time-out that js-libp2p has for its own protocols (@libp2p/utils, one for all servers): 1.2 times a moving average of what attempts took, failed ones counted twice, 5 s at least. On every wire it is the same rule on the run\'s clock.' },
  { name: 'kept-redial', title: 'Kept streams + retries that redial', description: 'Both at once, the strongest that a careful user writes by hand: streams are kept and used again, and behind a try that timed out the next one dials with `force`, as above. A stream at which a try timed out is not used again, and a redial leaves all streams of the old connection behind. No try is shorter than 1 s here either, so that in the cases of loss kept streams alone are the same.' },
  { name: 'kept-no-monitor', title: 'Kept streams, no monitor', description: 'Kept streams, tried once, on libp2p whose connection monitor is off. Where a connection is slow or cut off for a while and then works again, the monitor takes it for dead and ends it with all that waits on it: to switch it off is one line. The full stack has it off, too. In brown-out and partition.' },
  { name: 'fixed-timeout', title: 'Fixed time-out of 5 s', description: 'Plain libp2p, given up after 5 s and not tried again.' },
  modular('pool', 'Pool', 'The connection pool alone: kept streams, replacement of suspect connections.'),
  modular('timeouts', 'Timeouts', 'Adaptive timeouts alone: retries and hedges on libp2p\'s connection.'),
  modular('pool-timeouts', 'Pool + timeouts', 'Adaptive timeouts over the connection pool.'),
  modular('health', 'Health', 'The health monitor alone: dead connections are replaced, failing servers left alone. libp2p\'s own monitor is off, as docs/modules.md advises.'),
  modular('full', 'Full stack', 'All five modules at both ends, at their defaults (batches are compressed with Snappy, whose output is the same on every machine). libp2p\'s own monitor is off.')
]

/** Servers are connected by then, and requests begin to arrive. */
const WARM_MS = 5_000
/** TCP sends a SYN again after so long (RFC 6298, section 2). */
const SYN_WAIT_MS = 1_000
/** No fault is earlier than this after the first arrival. */
const CALM_MS = 5_000

const GOALS: readonly Metric[] = [
  { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.1 },
  { name: 'request-p50', title: 'Request, median (a round trip less is what streams kept by hand give)', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'request-p99', title: 'Request, p99', sample: 'request', statistic: 'p99', unit: 'ms', better: 'lower', minimumEffect: 0.1 }
]
/** The same against those that people write by hand, where they take part. */
const AGAINST_NAIVE: Metric = { ...GOALS[0], name: 'failed-naive', title: 'The same, against retries by hand', baseline: 'naive-retries' }
const AGAINST_REDIAL: readonly Metric[] = [
  { ...GOALS[0], name: 'failed-redial', title: 'The same, against retries that redial', baseline: 'redial-retries' },
  { ...GOALS[2], name: 'request-p99-redial', title: 'Request, p99, against retries that redial', baseline: 'redial-retries' }
]
const AGAINST_KEPT: readonly Metric[] = [
  { ...GOALS[0], name: 'failed-kept', title: 'The same, against kept streams', baseline: 'kept-streams' },
  { ...GOALS[1], name: 'request-p50-kept', title: 'Request, median, against kept streams', baseline: 'kept-streams' }
]
/** The strongest that is written by hand where connections and servers die. */
const AGAINST_KEPT_REDIAL: readonly Metric[] = [
  { ...GOALS[0], name: 'failed-kept-redial', title: 'The same, against kept streams + retries that redial', baseline: 'kept-redial' },
  { ...GOALS[1], name: 'request-p50-kept-redial', title: 'Request, median, against kept streams + retries that redial', baseline: 'kept-redial' },
  { ...GOALS[2], name: 'request-p99-kept-redial', title: 'Request, p99, against kept streams + retries that redial', baseline: 'kept-redial' }
]
/** Who waits 5 s at least and then dials: in brown-outs and partitions that loses fewer than tries of a quarter of the deadline. */
const AGAINST_UPSTREAM: Metric = { ...GOALS[0], name: 'failed-upstream', title: 'The same, against AdaptiveTimeout of js-libp2p', baseline: 'upstream-timeout' }
/** Who lets connections be: the health module has libp2p's monitor off as well, so that what this alone gives is none of the modules' merit. */
const AGAINST_NO_MONITOR: readonly Metric[] = [
  { ...GOALS[0], name: 'failed-no-monitor', title: 'The same, against kept streams without libp2p\'s monitor', baseline: 'kept-no-monitor' },
  { ...GOALS[2], name: 'request-p99-no-monitor', title: 'Request, p99, against kept streams without libp2p\'s monitor', baseline: 'kept-no-monitor' }
]
const COSTS: readonly Metric[] = [
  { name: 'attempts', title: 'Attempts a request', sample: 'attempts', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 },
  { name: 'connections', title: 'Connections opened', sample: 'connections', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 }
]
const metrics = [GOALS[0], AGAINST_NAIVE, AGAINST_REDIAL[0], AGAINST_KEPT_REDIAL[0], ...GOALS.slice(1), AGAINST_REDIAL[1], ...AGAINST_KEPT_REDIAL.slice(1), ...COSTS]

/** Where connections and servers die: kept streams take part with the retries that such a user writes. */
const FAULTY_ARMS = arms.map(({ name }) => name).filter(name => name !== 'kept-streams' && name !== 'kept-no-monitor')
/** Where the same connections work again afterwards, so that to wait may be best. */
const PASSING_ARMS = [...FAULTY_ARMS, 'kept-no-monitor']
const passingMetrics = [...metrics, AGAINST_UPSTREAM, ...AGAINST_NO_MONITOR]

/** The baseline, whom promises are held to, and the modules: of the others a wrong simulation would show as well, and each takes over a minute. */
function onRealPeers (...realArms: string[]): Pick<Case, 'realArms' | 'busyProcessors'> {
  return { realArms, busyProcessors: 0.1 }
}
const PASSING_ON_REAL_PEERS = onRealPeers('plain', 'redial-retries', 'kept-redial', 'upstream-timeout', 'kept-no-monitor', 'full')

const CALIBRATED = 'How hard it comes was set by the plain arm alone, so that it fails about 5%.'

const cases: readonly Case[] = [
  {
    name: 'loss-1',
    title: 'Loss of 1%',
    description: 'One packet in a hundred is lost each way, and an answer is wanted within a second. TCP mends it: there is little to gain. Real peers meet heavy loss.',
    ...lossy(() => 0.01),
    wires: ['sim', 'stack'],
    noGain: ['adaptiveTimeouts', 'networkHealth']
  },
  {
    name: 'loss-3',
    title: 'Loss of 3%',
    description: 'The same with three in a hundred.',
    ...lossy(() => 0.03),
    wires: ['sim', 'stack']
  },
  {
    name: 'loss-heavy',
    title: 'Heavy loss',
    description: `The same with seven in a hundred. ${CALIBRATED}`,
    ...lossy(({ heavyLoss }) => Number(heavyLoss)),
    ...onRealPeers('plain', 'kept-streams', 'pool-timeouts', 'full')
  },
  {
    name: 'churn',
    title: 'Churn',
    description: `At random, each server restarts at once (its connections are reset), goes away for 2 to 8 s and comes back without them, or its connections die without a word while new ones work. ${CALIBRATED}`,
    ...onRealPeers('plain', 'redial-retries', 'kept-redial', 'pool-timeouts', 'full'),
    arms: FAULTY_ARMS,
    metrics,
    scenario: (run, random) => scenarioOf(run, { faults: churn(run, random) })
  },
  {
    name: 'brown-out',
    title: 'Brown-out',
    description: `The rate of each path falls to a tenth once, at random, below what its requests need: a queue grows in front of it. ${CALIBRATED}`,
    ...PASSING_ON_REAL_PEERS,
    arms: PASSING_ARMS,
    metrics: passingMetrics,
    scenario: (run, random) => scenarioOf(run, { forward: path(run, { rateBitsPerSecond: Number(run.brownOutRateBitsPerSecond) }), faults: brownOuts(run, random) })
  },
  {
    name: 'partition',
    title: 'Partition',
    description: `Half of the servers are cut off together for a while, once. Requests are for one of them by name. ${CALIBRATED}`,
    ...PASSING_ON_REAL_PEERS,
    arms: PASSING_ARMS,
    metrics: passingMetrics,
    scenario: (run, random) => scenarioOf(run, { faults: partition(run, random) })
  },
  {
    name: 'any-of',
    title: 'Partition, any server will do',
    description: 'The same, but every server can answer. Applications ask one at random. Who retries by hand lets the loop go to the next server at each further try, whatever became of the last one. The arms with modules have no such loop: the modules try again at the one server that they were asked for, until the deadline, and another one is asked only where the health monitor has ejected the first. So what is gained by asking another server is here on the side of retries by hand, not of the modules; the case dead-peer of the experiment ablation gives one and the same loop over the servers to all arms. Not on real peers, as it takes its network from the case before.',
    wires: ['sim', 'stack'],
    arms: FAULTY_ARMS,
    metrics,
    scenario: (run, random) => scenarioOf(run, { faults: partition(run, random) })
  }
]

const PROMISE = 'failed requests from 5% to 1%'

/** Where plain libp2p fails about 5%, and the metrics whose baselines are the best that people write by hand there. */
const PROMISED = [
  // Retries within a second make heavy loss worse, with kept streams as well: they are nobody's best.
  { name: 'loss-heavy', rivals: [AGAINST_KEPT[0]] },
  { name: 'churn', rivals: [AGAINST_REDIAL[0], AGAINST_KEPT_REDIAL[0]] },
  { name: 'brown-out', rivals: [AGAINST_REDIAL[0], AGAINST_KEPT_REDIAL[0], AGAINST_UPSTREAM, AGAINST_NO_MONITOR[0]] },
  { name: 'partition', rivals: [AGAINST_REDIAL[0], AGAINST_KEPT_REDIAL[0], AGAINST_UPSTREAM, AGAINST_NO_MONITOR[0]] },
  { name: 'any-of', rivals: [AGAINST_REDIAL[0], AGAINST_KEPT_REDIAL[0]] }
] as const

const RIVAL_TITLES: Readonly<Record<string, string>> = {
  'kept-streams': 'streams kept by hand',
  'redial-retries': 'retries by hand that redial',
  'kept-redial': 'streams kept by hand and retries that redial',
  'kept-no-monitor': 'streams kept by hand without libp2p\'s monitor',
  'upstream-timeout': 'retries by hand with js-libp2p\'s AdaptiveTimeout'
}

/** The share itself, and four fifths less (5% to 1%) than with each rival. */
const promises: readonly Claim[] = PROMISED.flatMap(({ name, rivals }): Claim[] => [
  { promise: PROMISE, reading: `share of failed requests where plain libp2p fails about 5%: ${name}`, case: name, metric: 'failed', arm: 'full', target: { value: 0.01 } },
  ...rivals.map(({ name: metric, baseline = '' }): Claim => (
    { promise: PROMISE, reading: `the same, against ${RIVAL_TITLES[baseline]}${name === 'any-of' ? ' to the next server' : ''}: ${name}`, case: name, metric, arm: 'full', target: { change: -0.8 } }
  ))
])

export const experiment: Experiment = {
  name: 'failed-requests',
  title: 'Failed requests',
  question: 'How many requests get no answer by their deadline when packets, connections and servers fail, and how many fewer with each module, with all of them, and with a loop of retries?',
  expected: 'Loss: next to nothing to gain at 1% and 3%, for TCP mends it. Churn and partition: retries alone help little while the connection is dead; pool and timeouts together come near 1%, as they dial anew. Brown-out: retries make it worse, the full stack not. Any server: retries by hand are as good as the modules. Medians: one round trip with kept streams against two, which no failure has to do with and a kept stream by hand saves as well. Kept streams with retries that redial: as many failures as the same retries without them, and the modules\' medians; brown-out alone is left for the full stack to be better in, and there who just switches libp2p\'s monitor off fails fewest (that was expected after the health module alone had been seen to).',
  parameters,
  arms,
  cases,
  // What plain libp2p fails, by calibration.
  thresholds: PROMISED.map(({ name }) => ({ case: name, metric: 'failed', arm: 'full', limit: 0.05, direction: 'at-most' })),
  promises,
  repetitions: { stack: 1, tcp: 1 },
  // What is lost, what stands in a queue and what TCP sends again are the path's: a relay has none of it.
  tcpNetwork: 'namespaces',
  precision: {
    // Of the change from plain libp2p, which fails 5%: that is 0.15 points, and tells 0.85% from the 1% that is promised.
    halfWidth: 0.03,
    maximumSeeds: 40,
    targets: ['loss-heavy', 'brown-out', 'any-of'].map(name => ({ case: name, metric: 'failed', arm: 'full' }))
  }
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async (host, run) => { await serveWith(host, modulesOfServers(modulesOfArm(arms, run)), { messageBatching: SNAPPY }) } },
  client: { run: askServers }
}

const SNAPPY = { codecs: ['snappy'] } as const

async function askServers (host: Host, run: RunParameters): Promise<void> {
  const servers = serverNames(run).map(name => host.peer(name))
  const payloadOf = requestPayloads(Number(run.requestBytes), Number(run.replyBytes))
  await using fleet = await fleetOf(host, run)
  await warmFleet(fleet, host.clock, servers, payloadOf(), WARM_MS - host.clock.now(), host.signal)
  let connections = 0
  host.node.addEventListener('connection:open', () => { connections++ })
  const attemptsBefore = fleet.attempts
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.requestsPerSecond), Number(run.durationMs))
  const choices = host.random.fork('choices')
  await openLoop(host.clock, arrivals.map(timeMs => WARM_MS + timeMs), async scheduledMs => {
    const candidates = choices.shuffle([...servers]).slice(0, run.case === 'any-of' ? servers.length : 1)
    // A failure is a sample, too.
    await measure(host, 'request', deadlineMs(run), async signal => { await fleet.ask(candidates, payloadOf(), signal) }, scheduledMs).catch(() => {})
  }, host.signal)
  recordSample(host, 'attempts', (fleet.attempts - attemptsBefore) / Math.max(1, arrivals.length))
  recordSample(host, 'connections', connections)
}

async function fleetOf (host: Host, run: RunParameters): Promise<Fleet> {
  const limitMs = deadlineMs(run)
  const redialling = { deadlineMs: limitMs, attempts: 4, attemptMs: Math.max(SYN_WAIT_MS, limitMs / 4), redials: true }
  switch (run.arm) {
    case 'plain':
      return plainFleet(host, { deadlineMs: limitMs })
    case 'kept-streams':
    case 'kept-no-monitor':
      return keptFleet(host, { deadlineMs: limitMs })
    case 'fixed-timeout':
      return plainFleet(host, { deadlineMs: limitMs, attemptMs: 5_000 })
    case 'naive-retries':
      return plainFleet(host, { deadlineMs: limitMs, attempts: 4, attemptMs: limitMs / 4 })
    case 'upstream-timeout':
      return plainFleet(host, { deadlineMs: limitMs, attempts: 4, attemptMs: new AdaptiveTimeout(host.clock), redials: true })
    case 'redial-retries':
      return plainFleet(host, redialling)
    case 'kept-redial':
      return keptFleet(host, redialling)
    default:
      return await modularFleet(host, serverNames(run).map(name => host.peer(name)), limitMs, modulesOfArm(arms, run), { messageBatching: SNAPPY })
  }
}

function modular (name: string, title: string, description: string): Arm {
  return { name, title, description, modules: ARM_MODULES[name] }
}

function deadlineMs (run: RunParameters): number {
  return Number(isLossy(run) ? run.promptDeadlineMs : run.deadlineMs)
}

function isLossy (run: RunParameters): boolean {
  return String(run.case).startsWith('loss')
}

function serverNames ({ servers }: RunParameters): string[] {
  return hostNames('server', Number(servers))
}

/** Without the arms that wait for 5 s, which nobody does here, or for 1 s before they try again: then it is over. */
function lossy (loss: (run: RunParameters) => number): Pick<Case, 'arms' | 'metrics' | 'scenario'> {
  return {
    arms: arms.map(({ name }) => name).filter(name => !['fixed-timeout', 'redial-retries', 'upstream-timeout', 'kept-redial', 'kept-no-monitor'].includes(name)),
    metrics: [...GOALS, AGAINST_NAIVE, ...AGAINST_KEPT, ...COSTS],
    scenario: run => scenarioOf(run, { forward: path(run, { delayMs: Number(run.lossRttMs) / 2, loss: { model: 'bernoulli', probability: loss(run) } }) })
  }
}

function scenarioOf (run: RunParameters, { forward = path(run), faults = [] }: { readonly forward?: PathDirectionInput, readonly faults?: ScenarioInput['faults'] }): ScenarioInput {
  const libp2p = run.arm === 'kept-no-monitor' ? { connectionMonitor: false } : libp2pWith(modulesOfArm(arms, run))
  const names = serverNames(run)
  return {
    hosts: [{ name: 'client', role: 'client', libp2p }, ...names.map(name => ({ name, role: 'server', libp2p }))],
    paths: names.map(name => ({ from: 'client', to: name, forward })),
    faults,
    limitMs: WARM_MS + Number(run.durationMs) + 3 * Number(run.deadlineMs)
  }
}

function path (run: RunParameters, over: Partial<PathDirectionInput> = {}): PathDirectionInput {
  return { delayMs: Number(run.rttMs) / 2, rateBitsPerSecond: Number(run.rateBitsPerSecond), ...over }
}

type Faults = NonNullable<ScenarioInput['faults']>

function churn (run: RunParameters, random: RandomStream): Faults {
  const endMs = WARM_MS + Number(run.durationMs)
  const faults: Faults = []
  for (const to of serverNames(run)) {
    const ends = { from: 'client', to }
    for (let atMs = WARM_MS + CALM_MS + random.exponential(Number(run.meanUpMs)); atMs < endMs;) {
      const goneMs = random.uniform(2_000, 8_000)
      switch (random.integer(3)) {
        case 0:
          faults.push({ kind: 'reset', ...ends, atMs })
          break
        case 1:
          faults.push({ kind: 'black-hole', ...ends, atMs, scope: 'existing' })
          break
        default:
          faults.push({ kind: 'black-hole', ...ends, atMs, durationMs: goneMs, scope: 'all' }, { kind: 'reset', ...ends, atMs: atMs + goneMs })
          atMs += goneMs
      }
      atMs += random.exponential(Number(run.meanUpMs))
    }
  }
  return faults
}

function brownOuts (run: RunParameters, random: RandomStream): Faults {
  const rateBitsPerSecond = Number(run.brownOutRateBitsPerSecond)
  return serverNames(run).flatMap(to => {
    const atMs = onceAt(run, Number(run.brownOutMs), random)
    return [
      { kind: 'rate' as const, from: 'client', to, atMs, rateBitsPerSecond: rateBitsPerSecond / 10 },
      { kind: 'rate' as const, from: 'client', to, atMs: atMs + Number(run.brownOutMs), rateBitsPerSecond }
    ]
  })
}

function partition (run: RunParameters, random: RandomStream): Faults {
  const names = random.shuffle(serverNames(run))
  const durationMs = Number(run.partitionMs)
  const atMs = onceAt(run, durationMs, random)
  return names.slice(0, Math.floor(names.length / 2)).map(to => ({ kind: 'black-hole' as const, from: 'client', to, atMs, durationMs, scope: 'all' as const }))
}

/** When something that lasts so long begins, so that requests still arrive for a while when it is over. */
function onceAt ({ durationMs, deadlineMs }: RunParameters, lastsMs: number, random: RandomStream): number {
  const earliestMs = WARM_MS + CALM_MS
  return random.uniform(earliestMs, Math.max(earliestMs + 1, WARM_MS + Number(durationMs) - lastsMs - Number(deadlineMs)))
}
