import * as z from 'zod'
import { sleep, timeoutSignal } from '../src/core/clock.ts'
import { TwinwireError } from '../src/core/errors.ts'
import type { RandomStream } from '../src/core/random.ts'
import type { Case, Experiment, Metric } from '../src/experiment/definition.ts'
import type { ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Peer, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { modularFleet, plainFleet } from '../src/workload/fleet.ts'
import type { Fleet } from '../src/workload/fleet.ts'
import { hostNames } from '../src/workload/host-names.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { PeerScores } from '../src/workload/peer-scores.ts'
import type { ScoreRule } from '../src/workload/peer-scores.ts'
import { requestPayloads, serveRequestReply } from '../src/workload/request-reply.ts'

const parameters = z.object({
  peers: z.int().min(10).max(500).default(30).describe('Peers of the node; one in ten is bad where a case does not say otherwise'),
  durationMs: z.number().positive().default(900_000).describe('How long it is watched, ms'),
  shortDurationMs: z.number().positive().default(180_000).describe('The same in the case that real peers play, too, ms'),
  calmDurationMs: z.number().positive().default(600_000).describe('The same where nothing is congested, ms: a rule that takes a point a time-out needs nine minutes for a dead peer'),
  rttMs: z.number().positive().default(80).describe('Round trip to each peer, ms'),
  pingIntervalMs: z.number().positive().default(20_000).describe('Each peer is asked whether it lives, ms; Lodestar: 20 s'),
  requestsPerSecond: z.number().positive().default(0.5).describe('Requests of the application beside that, Poisson, to any peer'),
  timeoutMs: z.number().positive().default(5_000).describe('Of each request, pings included, ms; Lodestar: 5 s to dial'),
  meanCalmMs: z.number().positive().default(90_000).describe('Mean time between two congestions of the node\'s own link, ms'),
  shortMeanCalmMs: z.number().positive().default(20_000).describe('The same in the case that real peers play, ms: as long as a congestion is in the mean'),
  longestStallMs: z.number().positive().default(30_000).describe('The longest congestion, in which nothing passes, ms; the shortest is a third of it'),
  resetShare: z.number().min(0).max(1).default(0.7).describe('Share of requests that a failing peer resets')
})

/**
 * Lodestar's penalties: LowToleranceError is 10, HighToleranceError 1. Of the constants here and in `peer-scores.ts`, the
 * penalties, thresholds, half-life, cool-down, heartbeat, ping interval of outgoing connections and time-out of a dial are
 * read off Lodestar's code. Assumptions are: that a reset counts 10 in both rules (Lodestar's number depends on what was
 * asked and how it failed), that pings go to every peer at exactly the interval (Lodestar looks every 10 s, and pings those
 * that connected to it every 15 s), and one time-out for all of a request (there it is one for each of its steps).
 */
const RULES: Readonly<Record<string, ScoreRule>> = {
  'dial-timeouts-10': { timeoutPenalty: 10, errorPenalty: 10 },
  'dial-timeouts-1': { timeoutPenalty: 1, errorPenalty: 10 }
}

const WARM_MS = 10_000
/** Of how many peers can be used. */
const SAMPLE_MS = 10_000

const GOALS: readonly Metric[] = [
  { name: 'available', title: 'Healthy peers that can be used, mean over time', sample: 'available', statistic: 'mean', unit: 'share', better: 'higher', minimumEffect: 0.05 },
  { name: 'banned', title: 'Times that a healthy peer was banned or ejected', sample: 'banned', statistic: 'mean', unit: 'count', better: 'lower', minimumEffect: 0.1 },
  { name: 'failed', title: 'Requests of the application that failed', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.05 },
  { name: 'request-p50', title: 'Request of the application, median', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
  { name: 'bad-out', title: 'A peer goes bad until it is not used for the first time', sample: 'bad-out', statistic: 'mean', unit: 'ms', better: 'lower', minimumEffect: 0.1 },
  { name: 'asked-bad', title: 'Requests of the application that went to a bad peer', sample: 'asked-bad', statistic: 'mean', unit: 'share', better: 'lower', minimumEffect: 0.1 }
]
/** Whoever has no scores puts nobody out: the rule of today is the rival. */
const RIVAL = 'dial-timeouts-1'
const metrics: readonly Metric[] = [
  ...GOALS.flatMap((metric): Metric[] => [metric, { ...metric, name: `${metric.name}-against-rule`, title: `${metric.title}, against time-outs that count 1`, baseline: RIVAL }]),
  { name: 'connections', title: 'Connections opened after the first', sample: 'connections', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.1 }
]

/** Of the peers, per cent; the health monitor has a tenth of them out at a time at most. */
const USUAL_BAD_PERCENT = 10
const SWEPT_BAD_PERCENT = [20, 40] as const

const sweptAt = (percent: number): NonNullable<Case['sweep']> => ({ name: 'bad-share', levels: { bad: percent / 100 } })

const cases: readonly Case[] = [
  {
    name: 'congested',
    title: 'Congestion at home',
    description: 'The node\'s own link stalls for 10 to 30 s every minute and a half or so: everything to all peers is late at once. Of the bad peers half are dead and half reset most requests.',
    wires: ['sim', 'stack'],
    metrics,
    scenario: (run, random) => scenarioOf(run, random, stalls(run, random.fork('stalls'), Number(run.meanCalmMs)))
  },
  {
    name: 'congested-short',
    title: 'Congestion at home, on real peers, too',
    // A stall is 20 s in the mean, and what is asked in its first 15 times out: three of four pings, and a request of the
    // application to every fourth peer. Of such time-outs, one a stall and peer, 40 s apart, two are 19.5 points of the 20 that
    // put a peer out, by decay, and three are 28.7: by ten points each the third stall of the four or five takes most away.
    description: 'The same for three minutes, and the link is stalled for half of them: what real peers can be watched at. Where a time-out takes ten points, the third or fourth stall has most peers out.',
    busyProcessors: 0.05,
    wires: ['sim', 'stack', 'tcp'],
    metrics,
    scenario: (run, random) => scenarioOf(run, random, stalls(run, random.fork('stalls'), Number(run.shortMeanCalmMs)))
  },
  {
    name: 'calm',
    title: 'No congestion',
    description: 'The same bad peers and nothing else: what a rule is for.',
    wires: ['sim', 'stack'],
    metrics,
    sweep: sweptAt(USUAL_BAD_PERCENT),
    scenario: (run, random) => scenarioOf(run, random, [])
  },
  ...SWEPT_BAD_PERCENT.map((percent): Case => ({
    name: `calm-${percent}`,
    title: `${percent}% are bad`,
    description: `No congestion, and ${percent} bad peers in a hundred. What is above a tenth the health monitor's cap leaves in use.`,
    wires: ['sim'],
    metrics,
    sweep: sweptAt(percent),
    scenario: (run, random) => scenarioOf(run, random, [])
  }))
]

export const experiment: Experiment = {
  name: 'dial-ban',
  title: 'Bans for dial time-outs',
  question: 'When a node\'s own link is congested and it scores its peers by time-outs, how many healthy peers does it ban, how many are left to be used, and how soon is a peer out that is truly bad?',
  expected: 'Ten points a time-out ban most healthy peers within a quarter of an hour of congestions, and leave the node without peers as in the field. One point bans none, and hardly a dead peer either. Without scores all stay, the bad ones too. Outlier detection blames nobody while many fail at once, and has the bad ones out after five failures in a row, where they are not more than a tenth of all: above that its cap bites, and the rules by scores have no such cap. They are sooner with a peer that resets, for one reset counts ten points with both.',
  parameters,
  arms: [
    { name: 'plain', title: 'No scores', description: 'Every peer is used as long as there is one.' },
    { name: 'dial-timeouts-10', title: 'Time-outs count 10', description: 'Lodestar before July 2026 (ChainSafe/lodestar #9562): each failure takes 10 points, which halve in ten minutes; at the heartbeats, each 30 s, peers at -20 are disconnected; at -50 one is banned, and its score stands for half an hour.' },
    { name: 'dial-timeouts-1', title: 'Time-outs count 1', description: 'The same since #9707 and #9877: a time-out takes 1 point, another failure 10.' },
    { name: 'health', title: 'Health monitor', description: 'networkHealth with its defaults: outliers are ejected, a tenth of the peers at most, nobody while half of those in use fail at once, and each may come back by one request.', modules: ['networkHealth'] }
  ],
  cases,
  thresholds: [{ case: 'congested', metric: 'banned', arm: 'health', limit: 0, direction: 'at-most' }],
  sweeps: [{ name: 'bad-share', title: 'Bad peers', description: 'From one bad peer in ten to two in five, without congestion.', factors: [{ name: 'bad', title: 'Bad peers', unit: 'share' }] }],
  // Of real peers a run is three minutes and more; all share the machine.
  repetitions: { stack: 1, tcp: 1 },
  precision: {
    halfWidth: 0.1,
    maximumSeeds: 40,
    targets: ['failed-against-rule', 'asked-bad-against-rule'].map(metric => ({ case: 'calm', metric, arm: 'health' }))
  }
}

export const roles: Readonly<Record<string, Role>> = {
  node: { run: keepPeers },
  peer: { setUp: async host => { await serveRequestReply(host.node) } },
  /** Resets most of what it is asked. */
  failing: {
    async setUp (host, run) {
      const random = host.random.fork('resets')
      await serveRequestReply(host.node, {
        onStream (stream) {
          if (random.next() < Number(run.resetShare)) {
            stream.addEventListener('message', () => stream.abort(new TwinwireError('ERR_ABORTED', 'a failing peer')))
          }
        }
      })
    }
  }
}

/** Which peers an arm uses, and what it makes of failures. */
interface Judge {
  usable(peer: string): boolean
  failed(peer: string, timedOut: boolean): void
}

const NO_JUDGE: Judge = { usable: () => true, failed () {} }

async function keepPeers (host: Host, run: RunParameters): Promise<void> {
  const peers = peerNames(run).map(name => host.peer(name))
  const bad = new Map(peers.filter(({ name }) => isBad(run, name)).map(({ name, id }) => [id.toString(), badSince(host, name)]))
  let [banned, connections] = [0, 0]
  const onOut = (peer: string): void => { banned += bad.has(peer) ? 0 : 1 }
  const { fleet, judge } = await judgedFleet(host, run, peers, onOut)
  await using asking = fleet
  await Promise.all(peers.map(async ({ addresses }) => { await host.node.dial([...addresses]) }))
  host.node.addEventListener('connection:open', () => { connections++ })

  const endMs = WARM_MS + durationOf(run)
  const payloadOf = requestPayloads(100, 1_000)
  const ask = async ({ id, ...peer }: Peer, signal: AbortSignal): Promise<void> => {
    using limit = timeoutSignal(host.clock, Number(run.timeoutMs), signal)
    try {
      await asking.ask([{ id, ...peer }], payloadOf(), limit.signal)
    } catch (error) {
      // A request of the application has the same limit from `measure`, too, which may be the first to end it.
      judge.failed(id.toString(), limit.timedOut || signal.aborted || (error as { readonly code?: unknown }).code === 'ERR_DEADLINE')
      throw error
    }
  }
  const phases = host.random.fork('phases')
  await Promise.all([
    ...peers.map(async peer => { await pingThroughout(host, run, peer, judge, ask, WARM_MS + phases.uniform(0, Number(run.pingIntervalMs)), endMs) }),
    requestThroughout(host, run, peers, judge, ask, bad),
    watchPeers(host, peers, judge, bad, endMs)
  ])
  recordSample(host, 'banned', banned)
  recordSample(host, 'connections', connections)
}

type Ask = (peer: Peer, signal: AbortSignal) => Promise<void>

async function pingThroughout (host: Host, run: RunParameters, peer: Peer, judge: Judge, ask: Ask, startMs: number, endMs: number): Promise<void> {
  // The health monitor's gate stands in the way by itself, and lets one request through when a peer's time is over.
  const always = run.arm === 'health'
  for (let atMs = startMs; atMs < endMs - Number(run.timeoutMs); atMs += Number(run.pingIntervalMs)) {
    await sleep(host.clock, atMs - host.clock.now(), host.signal)
    if (always || judge.usable(peer.id.toString())) {
      await ask(peer, host.signal).catch(() => {})
    }
  }
}

/** Each goes to the first usable peer in an order of its own, the same in all arms. */
async function requestThroughout (host: Host, run: RunParameters, peers: readonly Peer[], judge: Judge, ask: Ask, bad: ReadonlyMap<string, number>): Promise<void> {
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.requestsPerSecond), durationOf(run) - Number(run.timeoutMs))
  const orders = host.random.fork('orders')
  await openLoop(host.clock, arrivals.map(timeMs => WARM_MS + timeMs), async scheduledMs => {
    const peer = orders.shuffle([...peers]).find(({ id }) => judge.usable(id.toString()))
    recordSample(host, 'asked-bad', peer !== undefined && scheduledMs >= (bad.get(peer.id.toString()) ?? Infinity) ? 1 : 0)
    await measure(host, 'request', Number(run.timeoutMs), async signal => {
      if (peer === undefined) {
        throw new TwinwireError('ERR_NO_ADDRESS', 'no peer is left that may be asked')
      }
      await ask(peer, signal)
    }, scheduledMs).catch(() => {})
  }, host.signal)
}

/** How many healthy peers can be used, time and again, and when each bad one is out for the first time. */
async function watchPeers (host: Host, peers: readonly Peer[], judge: Judge, bad: ReadonlyMap<string, number>, endMs: number): Promise<void> {
  const healthy = peers.filter(({ id }) => !bad.has(id.toString()))
  const out = new Set<string>()
  for (let atMs = WARM_MS; atMs < endMs; atMs += 1_000) {
    await sleep(host.clock, atMs - host.clock.now(), host.signal)
    if (atMs % SAMPLE_MS === 0) {
      recordSample(host, 'available', healthy.filter(({ id }) => judge.usable(id.toString())).length / healthy.length)
    }
    for (const [peer, sinceMs] of bad) {
      if (!out.has(peer) && atMs >= sinceMs && !judge.usable(peer)) {
        out.add(peer)
        recordSample(host, 'bad-out', atMs - sinceMs)
      }
    }
  }
  for (const [, sinceMs] of [...bad].filter(([peer]) => !out.has(peer))) {
    recordSample(host, 'bad-out', endMs - sinceMs, new Error('never out'))
  }
}

async function judgedFleet (host: Host, run: RunParameters, peers: readonly Peer[], onOut: (peer: string) => void): Promise<{ readonly fleet: Fleet, readonly judge: Judge }> {
  const deadlineMs = Number(run.timeoutMs)
  if (run.arm !== 'health') {
    const rule = RULES[String(run.arm)]
    return { fleet: plainFleet(host, { deadlineMs }), judge: rule === undefined ? NO_JUDGE : new PeerScores(host.clock, rule, onOut) }
  }
  const ejected = new Set<string>()
  const fleet = await modularFleet(host, peers, deadlineMs, ['networkHealth'])
  fleet.network?.addEventListener('health:ejected', ({ detail: { peer } }) => {
    ejected.add(peer)
    onOut(peer)
  })
  fleet.network?.addEventListener('health:readmitted', ({ detail: { peer } }) => { ejected.delete(peer) })
  return { fleet, judge: { usable: peer => !ejected.has(peer), failed () {} } }
}

/** Of the cases with congestion. */
const DURATIONS: Readonly<Record<string, string>> = { congested: 'durationMs', 'congested-short': 'shortDurationMs' }

function durationOf (run: RunParameters): number {
  return Number(run[DURATIONS[String(run.case)] ?? 'calmDurationMs'])
}

function peerNames ({ peers }: RunParameters): string[] {
  return hostNames('peer', Number(peers))
}

/** Evenly among all; every other one of these is dead, the rest reset. */
function isBad (run: RunParameters, name: string): boolean {
  return badUpTo(run, numberOf(name)) > badUpTo(run, numberOf(name) - 1)
}

function isDead (run: RunParameters, name: string): boolean {
  return isBad(run, name) && badUpTo(run, numberOf(name)) % 2 === 0
}

function badUpTo (run: RunParameters, count: number): number {
  const percent = SWEPT_BAD_PERCENT.find(one => run.case === `calm-${one}`) ?? USUAL_BAD_PERCENT
  return Math.floor(count * percent / 100)
}

function numberOf (name: string): number {
  return Number(name.slice('peer-'.length))
}

/** A dead one from its death on, one that resets from the beginning. */
function badSince ({ scenario: { faults } }: Host, name: string): number {
  return faults.find(fault => fault.kind === 'black-hole' && fault.to === name)?.atMs ?? WARM_MS
}

type Faults = NonNullable<ScenarioInput['faults']>

function scenarioOf (run: RunParameters, random: RandomStream, faults: Faults): ScenarioInput {
  // Off in all arms: what is compared is what is made of failures.
  const libp2p = { connectionMonitor: false }
  const names = peerNames(run)
  const deaths: Faults = names.filter(name => isDead(run, name)).map(to => ({ kind: 'black-hole', from: 'node', to, atMs: WARM_MS + random.uniform(0, 120_000), scope: 'all' }))
  return {
    hosts: [{ name: 'node', role: 'node', libp2p }, ...names.map(name => ({ name, role: isBad(run, name) && !isDead(run, name) ? 'failing' : 'peer', process: 'peers', libp2p }))],
    paths: names.map(to => ({ from: 'node', to, forward: { delayMs: Number(run.rttMs) / 2, rateBitsPerSecond: 20e6 } })),
    faults: [...deaths, ...faults],
    limitMs: 2 * WARM_MS + durationOf(run) + 4 * Number(run.timeoutMs)
  }
}

/** All paths at once: it is one link. */
function stalls (run: RunParameters, random: RandomStream, meanCalmMs: number): Faults {
  const faults: Faults = []
  const endMs = WARM_MS + durationOf(run)
  for (let atMs = WARM_MS + random.exponential(meanCalmMs); atMs < endMs; atMs += random.exponential(meanCalmMs)) {
    const durationMs = random.uniform(Number(run.longestStallMs) / 3, Number(run.longestStallMs))
    faults.push(...peerNames(run).map(to => ({ kind: 'stall' as const, from: 'node', to, atMs, durationMs })))
    atMs += durationMs
  }
  return faults
}
