import * as z from 'zod'
import { sleep } from '../src/core/clock.ts'
import type { Case, Experiment, Metric } from '../src/experiment/definition.ts'
import type { PathDirectionInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { keptFleet, modularFleet, plainFleet, warmFleet } from '../src/workload/fleet.ts'
import type { Fleet } from '../src/workload/fleet.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { modulesOfArm } from '../src/workload/modules.ts'
import { requestPayloads, serveRequestReply } from '../src/workload/request-reply.ts'

// An example of a link that follows a trace, of queue disciplines and of cross traffic.

/** Packets of 1500 B that the link down delivers in each tenth of a second, over and over: 12 Mbit/s, a fade, and back. */
const CAPACITY = [100, 100, 96, 90, 70, 45, 20, 6, 2, 4, 15, 40, 65, 80, 95, 100] as const

const parameters = z.object({
  rttMs: z.number().positive().default(60).describe('Round trip between client and server, ms'),
  requestsPerSecond: z.number().positive().default(10).describe('Arrivals, Poisson'),
  durationMs: z.number().positive().default(10_000).describe('How long requests arrive, ms'),
  replyBytes: z.int().min(0).max(1_000_000).default(2_000).describe('Size of a reply, bytes'),
  trafficBitsPerSecond: z.number().min(1).default(8e6).describe('Of the download that comes and goes on the same link, while it is there, bits per second'),
  deadlineMs: z.number().positive().default(10_000).describe('What a user waits for an answer at most, ms')
})

export const experiment: Experiment = {
  name: 'cellular-queue',
  title: 'A request beside a download, on a cellular link',
  question: 'What does a request wait for where a download fills the queue of a link whose rate comes and goes?',
  expected: 'Behind drop-tail, for the whole queue; behind FQ-CoDel, for its own round trips. A pooled stream saves one of them, as one that is kept by hand does.',
  parameters,
  arms: [
    { name: 'plain', title: 'Plain libp2p', description: 'Each request opens a stream.' },
    { name: 'kept-streams', title: 'Kept streams', description: 'Plain libp2p whose streams are kept and used again, by hand: the fair rival.' },
    { name: 'pool', title: 'Pool', description: 'The connection pool: streams are kept.', modules: ['connectionPool'] }
  ],
  cases: [
    cellular('drop-tail', 'Drop-tail', 'A queue of 200 packets.', { limitPackets: 200 }),
    cellular('fq-codel', 'FQ-CoDel', 'The same room under FQ-CoDel.', { discipline: 'fq-codel', limitPackets: 200 })
  ],
  // A kept stream's round trip is 60 ms, two are 120.
  thresholds: [{ case: 'fq-codel', metric: 'request', arm: 'pool', limit: 90, direction: 'at-most' }],
  repetitions: { sim: 20, stack: 1, tcp: 3 },
  // A relay above TCP sees no packets.
  tcpNetwork: 'namespaces'
}

export const roles: Record<string, Role> = {
  server: { setUp: async host => { await serveRequestReply(host.node) } },
  client: { run: ask }
}

/** Connected by then in all arms: five round trips, behind a full queue. */
const WARM_MS = 4_000

async function ask (host: Host, run: RunParameters): Promise<void> {
  const server = host.peer('server')
  await using fleet = await fleetOf(host, run)
  const payloadOf = requestPayloads(100, Number(run.replyBytes))
  await warmFleet(fleet, host.clock, [server], payloadOf(), WARM_MS - host.clock.now(), host.signal)
  await sleep(host.clock, WARM_MS - host.clock.now(), host.signal)
  const attemptsBefore = fleet.attempts
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.requestsPerSecond), Number(run.durationMs)).map(timeMs => WARM_MS + timeMs)
  let answered = 0
  let connections = 0
  host.node.addEventListener('connection:open', () => { connections++ })
  const before = host.traffic()
  await openLoop(host.clock, arrivals, async scheduledMs => {
    try {
      await measure(host, 'request', Number(run.deadlineMs), async signal => { await fleet.ask([server], payloadOf(), signal) }, scheduledMs)
      answered++
    } catch {
      // A failure is a sample, too.
    }
  }, host.signal)
  const after = host.traffic()
  recordSample(host, 'attempts', (fleet.attempts - attemptsBefore) / Math.max(1, arrivals.length))
  recordSample(host, 'connections', connections)
  if (before !== undefined && after !== undefined) {
    // Of what comes down a simulated host counts the download as well, and a real one does not, for it has no end there.
    recordSample(host, 'sent-bytes', (after.sentBytes - before.sentBytes) / Math.max(1, answered))
  }
}

function cellular (name: string, title: string, description: string, queue: PathDirectionInput['queue']): Case {
  return {
    name,
    title,
    description,
    busyProcessors: 0.1,
    scenario: ({ rttMs, trafficBitsPerSecond, durationMs, deadlineMs }) => ({
      hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server' }],
      paths: [{
        from: 'client',
        to: 'server',
        forward: { delayMs: Number(rttMs) / 2, rateBitsPerSecond: 5e6 },
        backward: { delayMs: Number(rttMs) / 2, trace: { opportunitiesMs: opportunities() }, queue }
      }],
      crossTraffic: [{ kind: 'on-off', from: 'server', to: 'client', rateBitsPerSecond: Number(trafficBitsPerSecond), meanOnMs: 1_000, meanOffMs: 1_000, shape: 1.5 }],
      limitMs: WARM_MS + Number(durationMs) + 2 * Number(deadlineMs)
    }),
    metrics: [
      ...andKept({ name: 'request', title: 'Request, median', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 }),
      ...andKept({ name: 'request-p90', title: 'Request, p90', sample: 'request', statistic: 'p90', unit: 'ms', better: 'lower', minimumEffect: 0.05 }),
      ...andKept({ name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.05 }),
      { name: 'attempts', title: 'Attempts a request', sample: 'attempts', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.02 },
      { name: 'connections', title: 'Connections opened after the first', sample: 'connections', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 },
      { name: 'sent-bytes', title: 'Bytes that the client sent for each request that was answered', sample: 'sent-bytes', statistic: 'mean', unit: 'bytes', better: 'lower', role: 'cost', minimumEffect: 0.02 }
    ]
  }
}

/** The metric, and the same against streams kept by hand, which save the round trip that the pool saves. */
function andKept (metric: Metric): readonly Metric[] {
  return [metric, { ...metric, name: `${metric.name}-kept`, title: `${metric.title}, against kept streams`, baseline: 'kept-streams' }]
}

/** Spread evenly over each tenth of a second; the last one is the period. */
function opportunities (): number[] {
  return CAPACITY.flatMap((count, tenth) => Array.from({ length: count }, (_, index) => tenth * 100 + Math.floor((index + 1) * 100 / count)))
}

async function fleetOf (host: Host, run: RunParameters): Promise<Fleet> {
  const deadlineMs = Number(run.deadlineMs)
  switch (run.arm) {
    case 'plain':
      return plainFleet(host, { deadlineMs })
    case 'kept-streams':
      return keptFleet(host, { deadlineMs })
    default:
      return await modularFleet(host, [host.peer('server')], deadlineMs, modulesOfArm(experiment.arms, run))
  }
}
