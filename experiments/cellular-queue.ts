import * as z from 'zod'
import type { Case, Experiment, Metric } from '../src/experiment/definition.ts'
import type { PathDirectionInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { keptStreams } from '../src/workload/kept-streams.ts'
import { measure } from '../src/workload/measure.ts'
import { modulesOfArm, requesterWith } from '../src/workload/modules.ts'
import { requestPayloads, serveRequestReply } from '../src/workload/request-reply.ts'
import type { Requester } from '../src/workload/requester.ts'

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
  thresholds: [],
  repetitions: { sim: 20, stack: 3, tcp: 3 },
  // A relay above TCP sees no packets.
  tcpNetwork: 'namespaces'
}

export const roles: Record<string, Role> = {
  server: { setUp: async host => { await serveRequestReply(host.node) } },
  client: {
    async run (host, run) {
      await using requester = await requesterOf(host, run)
      const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.requestsPerSecond), Number(run.durationMs))
      const payloadOf = requestPayloads(100, Number(run.replyBytes))
      await openLoop(host.clock, arrivals, async scheduledMs => {
        // A failure is a sample, too.
        await measure(host, 'request', Number(run.deadlineMs), async signal => { await requester.request(payloadOf(), signal) }, scheduledMs).catch(() => {})
      }, host.signal)
    }
  }
}

function cellular (name: string, title: string, description: string, queue: PathDirectionInput['queue']): Case {
  return {
    name,
    title,
    description,
    // No `busyProcessors`: what the link carries is work for two.
    scenario: ({ rttMs, trafficBitsPerSecond, durationMs, deadlineMs }) => ({
      hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server' }],
      paths: [{
        from: 'client',
        to: 'server',
        forward: { delayMs: Number(rttMs) / 2, rateBitsPerSecond: 5e6 },
        backward: { delayMs: Number(rttMs) / 2, trace: { opportunitiesMs: opportunities() }, queue }
      }],
      crossTraffic: [{ kind: 'on-off', from: 'server', to: 'client', rateBitsPerSecond: Number(trafficBitsPerSecond), meanOnMs: 1_000, meanOffMs: 1_000, shape: 1.5 }],
      limitMs: Number(durationMs) + 2 * Number(deadlineMs)
    }),
    metrics: [
      ...andKept({ name: 'request', title: 'Request, median', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 }),
      ...andKept({ name: 'request-p90', title: 'Request, p90', sample: 'request', statistic: 'p90', unit: 'ms', better: 'lower', minimumEffect: 0.05 })
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

async function requesterOf (host: Host, run: RunParameters): Promise<Requester> {
  const server = host.peer('server')
  return run.arm === 'kept-streams'
    ? keptStreams({ node: host.node, addresses: server.addresses })
    : await requesterWith(host, server, Number(run.deadlineMs), modulesOfArm(experiment.arms, run))
}
