import * as z from 'zod'
import { sleep, timeoutSignal } from '../src/core/clock.ts'
import type { Arm, Case, Experiment, Metric } from '../src/experiment/definition.ts'
import type { BandwidthOptions, TrafficClass } from '../src/optim/index.ts'
import type { ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { hostNames } from '../src/workload/host-names.ts'
import { LINE_PAYLOAD_SHARE } from '../src/workload/line-share.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { requestersWith } from '../src/workload/modules.ts'
import { requestPayloads, serveRequestReply } from '../src/workload/request-reply.ts'
import type { Requester } from '../src/workload/requester.ts'
import { wireBytes } from '../src/workload/wire-bytes.ts'

const parameters = z.object({
  rttMs: z.number().positive().default(40).describe('Round trip between client and servers, ms'),
  rateBitsPerSecond: z.number().positive().default(10e6).describe('Rate of the client\'s uplink, bits per second'),
  requestsPerSecond: z.number().positive().default(50).describe('Arrivals of requests of each class, Poisson: 450 in what counts, as many as a p99 needs'),
  warmUpMs: z.number().positive().default(2_000).describe('How long uploads go on before anything counts, ms'),
  durationMs: z.number().positive().default(9_000).describe('How long requests arrive and bytes are counted, ms'),
  toldDurationMs: z.number().positive().default(3_000).describe('The same in the sweep of what the shaper is told, where nothing is read of the slowest, ms'),
  deadlineMs: z.number().positive().default(10_000).describe('What a user waits for an answer at most, the same in all arms, ms'),
  uploadsUnderWay: z.int().positive().default(4).describe('Uploads of 64 KiB under way to each peer, always'),
  urgentUnderWay: z.int().positive().default(16).describe('The same of urgent ones, where there are any: so many that some always wait')
})

const arms: readonly Arm[] = [
  { name: 'unshaped', title: 'No shaping', description: 'Plain libp2p: what is to be sent goes to yamux and TCP, and waits in the router.' },
  shaped('fifo', 'FIFO', 'A token bucket at what the line carries of payload beside its requests, 81% of its rate; first come, first served.'),
  shaped('strict-priority', 'Strict priority', 'The same rate, and the more pressing class always first.'),
  { ...shaped('fair', 'Bandwidth manager', 'The bandwidth manager with its defaults, told the same rate.'), modules: ['bandwidthManager'] }
]

const DISCIPLINES: Readonly<Record<string, BandwidthOptions['discipline']>> = { fifo: 'fifo', 'strict-priority': 'strict-priority', fair: 'fair' }

/** What goes on at once. The first server is asked, the others are uploaded to. */
interface Load {
  /** How many peers are uploaded to, and in which class. */
  readonly uploads: number
  readonly uploadClass?: TrafficClass
  /** Classes of the requests; none: nobody asks. */
  readonly requests: readonly TrafficClass[]
  /** True where requests and uploads are for one server. */
  readonly together?: true
  /** Uploads of the class `urgent` to the first server, as much as the line carries. */
  readonly urgentUploads?: true
  /** True where one of the peers uploaded to has many times as many uploads under way. */
  readonly greedy?: true
  /** What the shaper is told of the line's rate; absent: `LINE_PAYLOAD_SHARE`. */
  readonly toldShare?: number
}

/** Of the sweep: round trips at the rate that the router's queue holds. */
const BUFFERS = [1, 4, 8] as const
/** Of these, what real peers have. */
const REAL_BUFFER = 4
const LAN_BUFFER_MS = 40
/** Where one is greedy: its uploads under way, over those of each of the others. */
const GREED = 4
/** Of the other sweep: what the shaper is told, hundredths of the line's rate. */
const TOLD_PERCENT = [70, 80, 85, 90, 100] as const

const LOADS: Readonly<Record<string, Load | undefined>> = {
  ...Object.fromEntries(BUFFERS.map((buffer): [string, Load] => [`buffer-${buffer}`, { uploads: 3, requests: ['normal'] }])),
  ...Object.fromEntries(TOLD_PERCENT.map((percent): [string, Load] => [`told-${percent}`, { uploads: 3, requests: ['normal'], toldShare: percent / 100 }])),
  urgent: { uploads: 3, requests: ['urgent', 'normal'] },
  greedy: { uploads: 3, requests: [], greedy: true },
  starvation: { uploads: 3, requests: [], urgentUploads: true },
  alone: { uploads: 1, requests: [] },
  lan: { uploads: 1, requests: ['normal'], together: true }
}

const time = (name: string, title: string, sample: string, statistic: 'p50' | 'p99'): Metric => ({ name, title, sample, statistic, unit: 'ms', better: 'lower', minimumEffect: 0.05 })
const share = (name: string, title: string): Metric => ({ name, title, sample: name, statistic: 'mean', unit: 'share', better: 'higher', minimumEffect: 0.02 })

/** Who shapes already asks what the manager adds to simpler shapers, and not to none. */
const RIVALS = [{ baseline: 'fifo', title: 'FIFO' }, { baseline: 'strict-priority', title: 'strict priority' }] as const

/** The metric, and the same held to each rival. */
const andRivals = (metric: Metric): Metric[] => [
  metric,
  ...RIVALS.map(({ baseline, title }): Metric => ({ ...metric, name: `${metric.name}-against-${baseline}`, title: `${metric.title}, against ${title}`, baseline }))
]

const REQUEST: readonly Metric[] = [
  ...andRivals(time('request-p50', 'Request, median', 'request-normal', 'p50')),
  ...andRivals(time('request-p99', 'Request, p99', 'request-normal', 'p99')),
  { name: 'failed', title: 'Failed requests', sample: 'request-normal', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.05 }
]
const UTILISATION = share('utilisation', 'Payload of what the line could carry')
const FAIRNESS = share('fairness', 'Jain\'s index over the peers uploaded to')
/** Both ways, headers and retransmissions included. Attempts are none of the costs: nothing here tries anything again. */
const WIRE_BYTES: Metric = { name: 'wire-bytes', title: 'Bytes on the wire for each of payload', sample: 'wire-bytes', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.02 }

const cases: readonly Case[] = [
  ...BUFFERS.map((buffer): Case => ({
    name: `buffer-${buffer}`,
    title: `Buffer of ${buffer} round trip${buffer === 1 ? '' : 's'}`,
    description: `Uploads to three peers fill the client's uplink; requests to a fourth go beside them. What counts begins when they have gone on for a while. The router's drop-tail queue holds ${buffer} bandwidth-delay product${buffer === 1 ? '' : 's'}.`,
    // Real peers take as long as they take.
    ...buffer !== REAL_BUFFER && { wires: ['sim', 'stack'] as const },
    sweep: { name: 'buffer', levels: { buffer } },
    scenario: run => starScenario(run, 4, buffer),
    metrics: [...REQUEST, ...andRivals(UTILISATION), ...andRivals(FAIRNESS), WIRE_BYTES]
  })),
  ...TOLD_PERCENT.map((percent): Case => ({
    name: `told-${percent}`,
    title: `Told ${percent}%`,
    description: `The same behind four bandwidth-delay products, and the shaper is told ${percent}% of the line's rate. In simulation only: the stack and real peers have it in other cases.`,
    wires: ['sim'],
    arms: ['unshaped', 'fifo', 'fair'],
    sweep: { name: 'told', levels: { told: percent } },
    scenario: run => starScenario(run, 4, 4),
    metrics: [time('request-p50', 'Request, median', 'request-normal', 'p50'), UTILISATION, FAIRNESS, WIRE_BYTES]
  })),
  {
    name: 'urgent',
    title: 'Urgent beside normal',
    description: 'The same behind four bandwidth-delay products, and half of the requests are urgent.',
    scenario: run => starScenario(run, 4, 4),
    metrics: [...andRivals(time('urgent-p50', 'Urgent request, median', 'request-urgent', 'p50')), ...andRivals(time('urgent-p99', 'Urgent request, p99', 'request-urgent', 'p99')), ...REQUEST, ...andRivals(UTILISATION), ...andRivals(FAIRNESS), WIRE_BYTES]
  },
  {
    name: 'greedy',
    title: 'One greedy peer',
    description: `Of three peers one has ${GREED} times as many uploads under way as each of the others: where who came first is first, it gets most of the line. Behind four bandwidth-delay products.`,
    wires: ['sim', 'stack'],
    scenario: run => starScenario(run, 4, 4),
    metrics: [...andRivals(FAIRNESS), ...andRivals(UTILISATION), WIRE_BYTES]
  },
  {
    name: 'starvation',
    title: 'Urgent without end',
    description: 'Somebody calls all he uploads to one peer urgent, as much as the line carries, beside bulk to three others. Strict priority leaves these nothing; the bandwidth manager promises bulk a sixteenth.',
    wires: ['sim', 'stack'],
    scenario: run => starScenario(run, 4, 4),
    metrics: [...andRivals(share('bulk', 'Bulk of what the line could carry')), UTILISATION, WIRE_BYTES]
  },
  {
    name: 'alone',
    title: 'One upload alone',
    description: 'Uploads to one peer, and nothing beside them: there is nothing to share, and a shaper can only cost. Behind one bandwidth-delay product.',
    wires: ['sim', 'stack'],
    arms: ['unshaped', 'fair'],
    noGain: ['bandwidthManager'],
    scenario: run => starScenario(run, 2, 1),
    metrics: [UTILISATION, WIRE_BYTES]
  },
  {
    name: 'lan',
    title: 'Without delay',
    description: 'Uploads and requests to one server, through a line of the same rate with a queue of 40 ms and no delay.',
    scenario: run => ({
      hosts: [{ name: 'client', role: 'client' }, { name: 'server-0', role: 'server' }],
      paths: [{ from: 'client', to: 'server-0', forward: { delayMs: 0, rateBitsPerSecond: Number(run.rateBitsPerSecond), queue: { limitBytes: Number(run.rateBitsPerSecond) / 8e3 * LAN_BUFFER_MS } } }],
      limitMs: limitMs(run)
    }),
    metrics: [...REQUEST, UTILISATION, WIRE_BYTES]
  }
]

export const experiment: Experiment = {
  name: 'bulk-and-requests',
  title: 'Requests beside bulk on one line',
  question: 'What does a request wait for where uploads fill the line, what do shapers and priorities change, and what do they leave to bulk?',
  expected: 'Unshaped, for the router\'s queue: one to eight round trips. FIFO, for its own queue instead. Strict priority and the bandwidth manager: for little more than what was handed to TCP before. The manager keeps a sixteenth for bulk under any urgent load, where strict priority leaves nothing, and gives up a tenth of the line for it. Told more than the line carries it is as good as unshaped but for LEDBAT, which makes bulk yield; told less it wastes as much.',
  parameters,
  arms,
  cases,
  sweeps: [
    { name: 'buffer', title: 'The router\'s queue', description: 'In round trips at the line\'s rate.', factors: [{ name: 'buffer', title: 'Round trips', unit: 'count', scale: 'log' }] },
    { name: 'told', title: 'What the shaper is told of the line', description: 'In hundredths of its rate. Headers, acknowledgements and what the muxer says take the rest: told more than the line carries of payload, the queue stands in the router.', factors: [{ name: 'told', title: 'Hundredths of the rate', unit: 'count', scale: 'linear' }] }
  ],
  thresholds: [
    // A sixteenth of what it is told to send.
    { case: 'starvation', metric: 'bulk', arm: 'fair', limit: LINE_PAYLOAD_SHARE / 16, direction: 'at-least' },
    { case: 'buffer-4', metric: 'fairness', arm: 'fair', limit: 0.95, direction: 'at-least' }
  ],
  repetitions: { stack: 1, tcp: 1 },
  precision: {
    halfWidth: 0.05,
    maximumSeeds: 25,
    targets: [
      { case: 'buffer-4', metric: 'request-p50', arm: 'fair' },
      ...RIVALS.map(({ baseline }) => ({ case: 'buffer-4', metric: `request-p50-against-${baseline}`, arm: 'fair' }))
    ]
  },
  tcpNetwork: 'namespaces'
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async host => { await serveRequestReply(host.node) } },
  client: { run: askBesideUploads }
}

const UPLOAD_BYTES = 64 * 1024
const SMALL_BYTES = 100

async function askBesideUploads (host: Host, run: RunParameters): Promise<void> {
  const { uploads, uploadClass = 'bulk', requests, together, greedy, urgentUploads, toldShare = LINE_PAYLOAD_SHARE } = loadOf(run)
  const deadlineMs = Number(run.deadlineMs)
  const durationMs = durationOf(run)
  const [beginMs, endMs] = [Number(run.warmUpMs), Number(run.warmUpMs) + durationMs]
  const peers = host.scenario.hosts.filter(({ role }) => role === 'server').map(({ name }) => host.peer(name))
  const discipline = DISCIPLINES[String(run.arm)]
  await using requesters = await requestersWith(host, peers, deadlineMs, discipline === undefined ? [] : ['bandwidthManager'], discipline && {
    bandwidthManager: { discipline, uploadBitsPerSecond: Number(run.rateBitsPerSecond) * toldShare }
  })
  const [asked, ...others] = requesters.each
  const smallOf = requestPayloads(SMALL_BYTES, SMALL_BYTES)
  await Promise.all(requesters.each.map(async requester => await requester.request(smallOf(), host.signal)))
  let requestBytes = 0
  const flows = (together === true ? [asked] : others.slice(0, uploads)).map(requester => new Flow(host, requester, uploadClass, beginMs, endMs))
  const urgent = urgentUploads === true ? [new Flow(host, asked, 'urgent', beginMs, endMs)] : []
  const linesOf = (flow: Flow, count: number): Array<Promise<void>> => Array.from({ length: count }, async () => await flow.run())
  const lines = [...flows.flatMap((flow, index) => linesOf(flow, Number(run.uploadsUnderWay) * (greedy === true && index === 0 ? GREED : 1))), ...urgent.flatMap(flow => linesOf(flow, Number(run.urgentUnderWay)))]
  const [carriedBytes] = await Promise.all([wireBytesBetween(host, beginMs, endMs), ...lines, ...requests.map(async trafficClass => {
    const arrivals = poissonArrivals(host.random.fork(`arrivals ${trafficClass}`), Number(run.requestsPerSecond), durationMs)
    await openLoop(host.clock, arrivals.map(timeMs => beginMs + timeMs), async scheduledMs => {
      await measure(host, `request-${trafficClass}`, deadlineMs, async signal => {
        await asked.request(smallOf(), signal, { class: trafficClass })
        requestBytes += SMALL_BYTES
      }, scheduledMs).catch(() => {})
    }, host.signal)
  })])
  const lineBytes = Number(run.rateBitsPerSecond) / 8e3 * durationMs
  const bulk = flows.map(({ bytes }) => bytes)
  const bulkBytes = sumOf(bulk)
  const payloadBytes = bulkBytes + sumOf(urgent.map(({ bytes }) => bytes)) + requestBytes
  recordSample(host, 'utilisation', payloadBytes / lineBytes)
  if (carriedBytes !== undefined) {
    recordSample(host, 'wire-bytes', carriedBytes / payloadBytes)
  }
  if (run.case === 'starvation') {
    recordSample(host, 'bulk', bulkBytes / lineBytes)
  } else if (flows.length > 1) {
    recordSample(host, 'fairness', jainsIndex(bulk))
  }
}

/** Undefined where nobody sees packets. */
async function wireBytesBetween (host: Host, beginMs: number, endMs: number): Promise<number | undefined> {
  await sleep(host.clock, Math.max(0, beginMs - host.clock.now()), host.signal)
  const before = host.traffic()
  await sleep(host.clock, endMs - host.clock.now(), host.signal)
  const after = host.traffic()
  return before && after && wireBytes(after) - wireBytes(before)
}

/** Uploads to one peer, the next as soon as one is answered; counts what arrived in the time that counts. */
class Flow {
  bytes = 0
  readonly #host: Host
  readonly #requester: Requester
  readonly #class: TrafficClass
  readonly #beginMs: number
  readonly #endMs: number

  constructor (host: Host, requester: Requester, trafficClass: TrafficClass, beginMs: number, endMs: number) {
    this.#host = host
    this.#requester = requester
    this.#class = trafficClass
    this.#beginMs = beginMs
    this.#endMs = endMs
  }

  /** One line of uploads, until the end. What is under way then is given up. */
  async run (): Promise<void> {
    const { clock, signal } = this.#host
    const payloadOf = requestPayloads(UPLOAD_BYTES, SMALL_BYTES)
    using end = timeoutSignal(clock, this.#endMs - clock.now(), signal)
    while (!end.signal.aborted) {
      try {
        await this.#requester.request(payloadOf(), end.signal, { class: this.#class })
        this.bytes += clock.now() >= this.#beginMs ? UPLOAD_BYTES : 0
      } catch {
        // A failed upload counts for nothing; the next one must not follow at the same instant.
        await sleep(clock, PAUSE_MS, end.signal).catch(() => {})
      }
    }
  }
}

const PAUSE_MS = 100

/** Jain, Chiu and Hawe 1984: 1 where all have the same, 1/n where one has all. */
function jainsIndex (values: readonly number[]): number {
  const squares = sumOf(values.map(value => value * value))
  return squares === 0 ? 1 : sumOf(values) * sumOf(values) / values.length / squares
}

function sumOf (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function loadOf (run: RunParameters): Load {
  const load = LOADS[String(run.case)]
  if (load === undefined) {
    throw new Error(`no load of the case ${String(run.case)}`)
  }
  return load
}

function durationOf (run: RunParameters): number {
  return Number(loadOf(run).toldShare === undefined ? run.durationMs : run.toldDurationMs)
}

/** All hosts on lines of the same rate to one router: what the client sends waits at its own. */
function starScenario (run: RunParameters, servers: number, buffer: number): ScenarioInput {
  const rateBitsPerSecond = Number(run.rateBitsPerSecond)
  const access = { delayMs: Number(run.rttMs) / 4, rateBitsPerSecond, queue: { limitBytes: buffer * rateBitsPerSecond / 8e3 * Number(run.rttMs) } }
  return {
    hosts: [{ name: 'client', role: 'client' }, ...hostNames('server', servers, 0).map(name => ({ name, role: 'server' }))],
    topology: { kind: 'star', access: { forward: access, backward: access } },
    limitMs: limitMs(run)
  }
}

function limitMs (run: RunParameters): number {
  return Number(run.warmUpMs) + durationOf(run) + 2 * Number(run.deadlineMs)
}

function shaped (name: string, title: string, description: string): Arm {
  return { name, title, description }
}
