import * as z from 'zod'
import { sleep, timeoutSignal } from '../src/core/clock.ts'
import type { Arm, Case, Experiment } from '../src/experiment/definition.ts'
import { MODULES } from '../src/experiment/definition.ts'
import type { BandwidthOptions, OptimizedNetwork, OptimizedNetworkOptions } from '../src/optim/index.ts'
import { OPPORTUNITY_BYTES } from '../src/sim/rate-trace.ts'
import { PANTHEON_PATHS } from '../src/sim/topology-paths.ts'
import type { PantheonPath } from '../src/sim/topology-paths.ts'
import { pantheonDirections } from '../src/wires/pantheon-directions.ts'
import type { PathDirection } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { openLoop, poissonArrivals } from '../src/workload/arrivals.ts'
import { LINE_PAYLOAD_SHARE } from '../src/workload/line-share.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { libp2pWith, modulesOfArm, networkWith } from '../src/workload/modules.ts'
import { PERF_PROTOCOL, perfTransfer, WITHOUT_END_BYTES } from '../src/workload/perf.ts'
import { requestPayloads } from '../src/workload/request-reply.ts'
import { keptStreams } from '../src/workload/kept-streams.ts'
import { overNetwork, plainLibp2p } from '../src/workload/requester.ts'
import type { Requester, RequesterOptions } from '../src/workload/requester.ts'
import { serveWith } from '../src/workload/serve.ts'
import { wireBytes } from '../src/workload/wire-bytes.ts'

export const parameters = z.object({
  requestsPerSecond: z.number().positive().default(10).describe('Arrivals, Poisson'),
  requestBytes: z.int().min(4).max(1_000_000).default(100).describe('Size of a request, bytes'),
  replyBytes: z.int().min(0).max(1_000_000).default(1_000).describe('Size of a reply, bytes'),
  durationMs: z.number().min(1_000).default(5_000).describe('How long requests arrive and the upload lasts, ms; three times as long on the cellular paths and Nepal\'s'),
  deadlineMs: z.number().positive().default(10_000).describe('What a user waits for an answer at most, ms')
})

/** Before it a first request makes the connection; then the upload begins, and measured requests follow. */
const UPLOAD_FROM_MS = 3_000

/** Without libp2p's connection monitor, though no module stands in for it. */
const WITHOUT_MONITOR: readonly unknown[] = ['plain-no-monitor', 'by-hand']

/** What is under way when the upload ends may be on its way so long; then it is dropped. */
const GOODBYE_MS = 10_000
/** Before an upload that was cut is begun again. */
const PAUSE_MS = 100

const arms: readonly Arm[] = [
  { name: 'plain', title: 'Plain libp2p', description: 'Each request opens a stream, on the connection that carries the upload.' },
  { name: 'plain-no-monitor', title: 'Plain, no monitor', description: 'The same with libp2p\'s connection monitor off, which takes a connection for dead where pings wait behind the upload. With all modules it is off, too.' },
  { name: 'kept-streams', title: 'Kept streams', description: 'Plain libp2p whose streams are kept and used again, by hand.' },
  { name: 'by-hand', title: 'Paced by hand', description: 'What who knows the line does without the modules, and the fair rival of all five: streams are kept by hand, libp2p\'s monitor is off, and the upload goes through a token bucket told the same rate, first come, first served; requests go past it. It is the bucket of the bandwidth manager.' },
  { name: 'pool', title: 'Pool', description: 'The connection pool alone: streams are kept.', modules: ['connectionPool'] },
  { name: 'timeouts', title: 'Timeouts', description: 'Adaptive timeouts alone; requests are idempotent and may be tried again.', modules: ['adaptiveTimeouts'] },
  { name: 'full', title: 'All five modules', description: 'The bandwidth manager is told Pantheon\'s rates less what headers take, as who knows the line would; the upload is a stream of the class bulk.', modules: MODULES }
]

export const experiment: Experiment = {
  name: 'pantheon-paths',
  title: 'Requests beside an upload on the Internet\'s paths',
  question: 'On the six paths that Pantheon fitted to the Internet\'s, what does a request wait beside an upload, what does the upload carry, and what do the modules change?',
  expected: 'The deeper the queue, the longer requests wait behind the upload: seconds on the cellular paths. Kept streams save a round trip of it. Shaping below the line\'s rate keeps the queue out of the path and requests at their round trip, for a tenth of the throughput. Where packets are lost at random (Nepal) neither helps much: the upload is slow and queues little. Who paces by hand has the same.',
  parameters,
  arms,
  cases: PANTHEON_PATHS.map(pathCase),
  thresholds: [],
  // Seconds at 100 Mbit/s are what costs time on the stack. Medians over three real runs differ by a tenth by chance, for
  // whether an upload is cut decides what its run's requests wait; more than four of seven arms do not fit into the hour.
  repetitions: { sim: 20, stack: 1, tcp: 4 },
  // A relay above TCP has neither loss nor traces.
  tcpNetwork: 'namespaces',
  precision: {
    halfWidth: 0.05,
    maximumSeeds: 24,
    targets: ['california-to-mexico', 'mexico-cellular-to-california'].map(name => ({ case: name, metric: 'request', arm: 'full' }))
  }
}

export const roles: Readonly<Record<string, Role>> = {
  client: { run: ask },
  server: { setUp: async (host, run) => { await serveWith(host, modulesOfArm(arms, run), moduleOptions(host)) }, run: countUpload }
}

function pathCase (name: PantheonPath): Case {
  return {
    name,
    title: name.split('-').map(word => word === 'aws' ? 'AWS' : word === 'to' || word === 'cellular' ? word : `${word[0].toUpperCase()}${word.slice(1)}`).join(' '),
    description: 'Rate, delay, loss and queue as Pantheon (Yan et al. 2018) fitted them; the queue and the loss are on the way up. An upload whose connection is ended, as by libp2p\'s monitor where pings wait behind it, is begun again.',
    // Real peers and what carries their packets cannot fill a path of 100 Mbit/s; those of some Mbit/s several can at a time.
    ...isSlow(name) ? { busyProcessors: 0.15 } : { wires: ['sim', 'stack'] as const },
    scenario: (run, random) => ({
      hosts: ['client', 'server'].map(host => ({ name: host, role: host, libp2p: WITHOUT_MONITOR.includes(run.arm) ? { connectionMonitor: false } : libp2pWith(modulesOfArm(arms, run)) })),
      paths: [{ from: 'client', to: 'server', ...pantheonDirections(name, random) }],
      limitMs: UPLOAD_FROM_MS + durationMs(run, name) + Number(run.deadlineMs) + 120_000
    }),
    metrics: [
      { name: 'request', title: 'Request', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
      { name: 'request-kept', title: 'Request, against streams kept by hand', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', baseline: 'kept-streams', minimumEffect: 0.05 },
      { name: 'request-by-hand', title: 'Request, against pacing by hand', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', baseline: 'by-hand', minimumEffect: 0.05 },
      // Of 80 a run, and 240 on slow paths, a p99 would be the slowest or nearly.
      { name: 'request-p90', title: 'Request, p90', sample: 'request', statistic: 'p90', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
      { name: 'request-p90-kept', title: 'The same, against streams kept by hand', sample: 'request', statistic: 'p90', unit: 'ms', better: 'lower', baseline: 'kept-streams', minimumEffect: 0.05 },
      { name: 'request-p90-by-hand', title: 'The same, against pacing by hand', sample: 'request', statistic: 'p90', unit: 'ms', better: 'lower', baseline: 'by-hand', minimumEffect: 0.05 },
      { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.05 },
      { name: 'failed-no-monitor', title: 'The same, against libp2p without its monitor', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', baseline: 'plain-no-monitor', minimumEffect: 0.05 },
      { name: 'failed-by-hand', title: 'The same, against pacing by hand', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', baseline: 'by-hand', minimumEffect: 0.05 },
      { name: 'goodput', title: 'What the upload carried', sample: 'goodput', statistic: 'mean', unit: 'bit/s', better: 'higher', minimumEffect: 0.05 },
      { name: 'goodput-no-monitor', title: 'The same, against libp2p without its monitor', sample: 'goodput', statistic: 'mean', unit: 'bit/s', better: 'higher', baseline: 'plain-no-monitor', minimumEffect: 0.05 },
      { name: 'goodput-by-hand', title: 'The same, against pacing by hand', sample: 'goodput', statistic: 'mean', unit: 'bit/s', better: 'higher', baseline: 'by-hand', minimumEffect: 0.05 },
      { name: 'cuts', title: 'How often the upload was cut', sample: 'cuts', statistic: 'mean', unit: 'count', better: 'lower', minimumEffect: 0.05 },
      { name: 'cuts-no-monitor', title: 'The same, against libp2p without its monitor', sample: 'cuts', statistic: 'mean', unit: 'count', better: 'lower', baseline: 'plain-no-monitor', minimumEffect: 0.05 },
      { name: 'cuts-by-hand', title: 'The same, against pacing by hand', sample: 'cuts', statistic: 'mean', unit: 'count', better: 'lower', baseline: 'by-hand', minimumEffect: 0.05 },
      { name: 'attempts', title: 'Attempts a request', sample: 'attempts', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.02 },
      { name: 'wire-bytes', title: 'Bytes on the wire for each of the upload', sample: 'wire-bytes', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.02 }
    ]
  }
}

async function ask (host: Host, run: RunParameters): Promise<void> {
  const duration = durationMs(run, String(run.case))
  const { requester, network } = await requesterOf(host, run)
  await using _ = requester
  const payloadOf = requestPayloads(Number(run.requestBytes), Number(run.replyBytes))
  await sleep(host.clock, UPLOAD_FROM_MS / 3, host.signal)
  await requester.request(payloadOf(), host.signal)
  const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(run.requestsPerSecond), duration).map(atMs => UPLOAD_FROM_MS + atMs)
  const attempts = (): number | undefined => network?.metrics.timeouts?.attempts
  const attemptsBefore = attempts() ?? 0
  await Promise.all([
    upload(host, network, UPLOAD_FROM_MS + duration),
    openLoop(host.clock, arrivals, async scheduledMs => {
      // A failure is a sample, too.
      await measure(host, 'request', Number(run.deadlineMs), async signal => { await requester.request(payloadOf(), signal) }, scheduledMs).catch(() => {})
    }, host.signal)
  ])
  recordSample(host, 'attempts', ((attempts() ?? arrivals.length) - attemptsBefore) / arrivals.length)
}

/** Begun again where its connection is ended by whoever takes it for dead: behind a deep queue libp2p's monitor does. */
async function upload (host: Host, network: OptimizedNetwork | undefined, untilMs: number): Promise<void> {
  const { node, clock, signal } = host
  const { id, addresses } = host.peer('server')
  await sleep(clock, UPLOAD_FROM_MS - clock.now(), signal)
  let cuts = 0
  while (clock.now() < untilMs) {
    using end = timeoutSignal(clock, untilMs + GOODBYE_MS - clock.now(), signal)
    try {
      const connection = await node.dial([...addresses], { signal: end.signal })
      const stream = await connection.newStream(PERF_PROTOCOL, { signal: end.signal })
      await perfTransfer(network?.bandwidth?.shape(stream, id.toString(), 'bulk') ?? stream, {
        uploadBytes: WITHOUT_END_BYTES, downloadBytes: 0, onBytes: () => clock.now() < untilMs, signal: end.signal
      })
    } catch {
      cuts += clock.now() < untilMs ? 1 : 0
      await sleep(clock, PAUSE_MS, signal)
    }
  }
  recordSample(host, 'cuts', cuts)
}

async function countUpload (host: Host, run: RunParameters): Promise<void> {
  const duration = durationMs(run, String(run.case))
  let bytes = 0
  await host.node.handle(PERF_PROTOCOL, stream => {
    stream.addEventListener('remoteCloseWrite', () => { stream.close().catch(() => {}) })
    stream.addEventListener('message', ({ data }) => {
      // Of the time in which it was to be sent; what is under way at its end is not waited for.
      bytes += host.clock.now() <= UPLOAD_FROM_MS + duration ? data.byteLength : 0
    })
  })
  await sleep(host.clock, UPLOAD_FROM_MS - host.clock.now(), host.signal)
  const before = host.traffic()
  await sleep(host.clock, duration, host.signal)
  const after = host.traffic()
  recordSample(host, 'goodput', bytes * 8e3 / duration)
  if (before !== undefined && after !== undefined && bytes > 0) {
    recordSample(host, 'wire-bytes', (wireBytes(after) - wireBytes(before)) / bytes)
  }
}

async function requesterOf (host: Host, run: RunParameters): Promise<{ readonly requester: Requester, readonly network?: OptimizedNetwork }> {
  const { id, addresses } = host.peer('server')
  const options: RequesterOptions = { node: host.node, clock: host.clock, peer: id, addresses, deadlineMs: Number(run.deadlineMs) }
  const network = networkOf(host, run)
  if (network === undefined) {
    return { requester: run.arm === 'kept-streams' ? keptStreams(options) : plainLibp2p(options) }
  }
  if (run.arm === 'by-hand') {
    return { requester: { ...keptStreams(options), [Symbol.asyncDispose]: async () => await network.stop() }, network }
  }
  await host.node.peerStore.merge(id, { multiaddrs: [...addresses] })
  return { requester: overNetwork(network, options), network }
}

function networkOf (host: Host, run: RunParameters): OptimizedNetwork | undefined {
  if (run.arm === 'by-hand') {
    return networkWith(host, ['bandwidthManager'], { bandwidthManager: { ...lineOf(host), discipline: 'fifo' } })
  }
  const modules = modulesOfArm(arms, run)
  return modules.length === 0 ? undefined : networkWith(host, modules, moduleOptions(host))
}

function moduleOptions (host: Host): OptimizedNetworkOptions {
  // Of codecs the one whose output is the same on every machine.
  return { messageBatching: { codecs: ['snappy'] }, bandwidthManager: lineOf(host) }
}

/** What the line carries of payload. */
function lineOf ({ name, scenario: { paths: [{ forward, backward = forward }] } }: Host): BandwidthOptions {
  const [up, down] = name === 'client' ? [forward, backward] : [backward, forward]
  return { uploadBitsPerSecond: LINE_PAYLOAD_SHARE * meanRate(up), downloadBitsPerSecond: LINE_PAYLOAD_SHARE * meanRate(down) }
}

/** A trace's last opportunity ends its period. */
export function meanRate ({ rateBitsPerSecond, trace }: PathDirection): number {
  const instants = trace?.opportunitiesMs ?? []
  return rateBitsPerSecond ?? instants.length * OPPORTUNITY_BYTES * 8e3 / instants[instants.length - 1]
}

/** At most 4 Mbit/s. */
function isSlow (path: string): boolean {
  return path.includes('cellular') || path.includes('nepal')
}

/** Slow paths carry so little that three times as long costs nothing. */
function durationMs ({ durationMs }: RunParameters, path: string): number {
  return (isSlow(path) ? 3 : 1) * Number(durationMs)
}
