import * as z from 'zod'
import type { Arm, Case, Experiment, Metric, Threshold } from '../src/experiment/definition.ts'
import { quantile } from '../src/stats/quantile.ts'
import type { PathInput, ScenarioInput } from '../src/wires/scenario.ts'
import type { Host, Role, RunParameters } from '../src/wires/wire.ts'
import { measure, recordSample } from '../src/workload/measure.ts'
import { PERF_PROTOCOL, perfTransfer, servePerf, WITHOUT_END_BYTES } from '../src/workload/perf.ts'
import { RateMeter } from '../src/workload/rate-meter.ts'

/**
 * What libp2p publishes of js-libp2p 2.8 over TCP: libp2p/test-plans at f494257, perf/runner/benchmark-results.json.
 * Medians; `connectAndByteMs` of 100 processes, 403 to 434; the rates of 190 intervals of a second, in ten transfers of
 * 20 s each way. The pings of the same run take 63.3 ms, its iperf 4.78 Gbit/s. docs/libp2p-perf.md explains the rest.
 */
export const PUBLISHED = { connectAndByteMs: 418, uploadBitsPerSecond: 2.037e9, downloadBitsPerSecond: 2.070e9 } as const

/**
 * perf/terraform/modules/long_lived/files/user-data.sh: tcp_rmem '4096 131072 200000000', and tcp_wmem as far.
 */
const TUNED_BUFFER_BYTES = 200_000_000

const parameters = z.object({
  rttMs: z.number().positive().default(63.3).describe('Round trip between client and server, ms'),
  rateBitsPerSecond: z.number().positive().default(4.78e9).describe('Rate of the path, bits per second each way'),
  connections: z.int().positive().default(10).describe('Connections that are made one after the other, a run'),
  transferMs: z.number().positive().default(6_000).describe('How long a transfer lasts, ms; published ones take 20 s'),
  intervalMs: z.number().positive().default(1_000).describe('What a rate is measured over, ms; shorter than the transfer'),
  deadlineMs: z.number().positive().default(10_000).describe('What a connection and its byte may take at most, ms'),
  perMegabyteMs: z.number().min(0).max(1_000).default(0).describe('What computing takes for each megabyte of a transfer that arrives, ms')
})

const arms: readonly Arm[] = [
  { name: 'tuned', title: 'TCP as on the perf machines', description: 'Buffers of up to 200 MB at both ends: the stream\'s window is the limit.' },
  { name: 'untuned', title: 'TCP as Linux has it', description: 'A send buffer of up to 4 MiB and a receive buffer of up to 6: what the same code gives on a machine that nobody tuned.' }
]

const cases: readonly Case[] = [
  {
    name: 'connect-and-byte',
    title: 'Connect and one byte',
    description: 'A new connection, a stream on it, one byte up and one down: TCP, multistream-select, Noise with yamux agreed on in it, multistream-select for the stream, and the question: five round trips. Real peers compute: what the same takes without delay is their processing, and network time is what remains without it.',
    arms: ['tuned'],
    scenario: run => ({
      hosts: [{ name: 'client', role: 'connector' }, { name: 'server', role: 'server' }, { name: 'near', role: 'server' }],
      paths: [path(run), { from: 'client', to: 'near', forward: { delayMs: 0 } }],
      limitMs: 120_000
    }),
    metrics: [
      duration('connect-and-byte', 'Connect and one byte'),
      duration('connect-and-byte-network', 'Connect and one byte, network time'),
      { ...duration('connect-and-byte-processing', 'Connect and one byte, processing'), wireSpecific: true }
    ]
  },
  transferCase('upload', 'Upload', 'One stream that always has more to send.'),
  transferCase('download', 'Download', 'The same the other way.')
]

export const experiment: Experiment = {
  name: 'libp2p-perf',
  title: 'libp2p\'s published performance',
  question: 'Do the wires give what libp2p publishes of js-libp2p between two continents, and if not, why?',
  expected: 'Connect and one byte: five round trips, 316.5 ms, against 418 ms published of a js-libp2p that took six and computed for the rest. Up and down: a little less than yamux\'s 16 MiB a round trip, 2.12 Gbit/s, against 2.04 and 2.07 published, of peers that computed; with Linux\'s own buffers between two thirds and all of 4 MiB a round trip, the send buffer\'s.',
  parameters,
  arms,
  cases,
  thresholds: (['sim', 'stack'] as const).flatMap((wire): Threshold[] => [
    // A round trip less than the published one, and nothing computes.
    { case: 'connect-and-byte', metric: 'connect-and-byte', arm: 'tuned', wire, limit: PUBLISHED.connectAndByteMs, direction: 'at-most' },
    { case: 'upload', metric: 'upload', arm: 'tuned', wire, limit: PUBLISHED.uploadBitsPerSecond, direction: 'at-least' },
    { case: 'download', metric: 'download', arm: 'tuned', wire, limit: PUBLISHED.downloadBitsPerSecond, direction: 'at-least' }
  ]),
  // Nothing is left to chance where time is virtual: one run says all.
  repetitions: { sim: 1, stack: 1, tcp: 3 },
  // A tenth of a round trip.
  agreement: [{ case: 'connect-and-byte', metric: 'connect-and-byte-network', arm: 'tuned', limitMs: 6.33 }]
}

export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async host => { await servePerf(host.node) } },
  connector: { run: connectAndSendByte },
  uploader: { run: async (host, run) => { await transfer(host, run, 'upload') } },
  downloader: { run: async (host, run) => { await transfer(host, run, 'download') } }
}

/** The peer without delay first, for it says what processing takes. */
async function connectAndSendByte (host: Host, run: RunParameters): Promise<void> {
  const processing = await connectionsTo(host, run, 'near', 'connect-and-byte-processing')
  const processingMs = quantile(processing, 0.5)
  for (const tookMs of await connectionsTo(host, run, 'server', 'connect-and-byte')) {
    recordSample(host, 'connect-and-byte-network', tookMs - processingMs)
  }
}

/** A new connection each time, as each of the published runs is a new process. Answers how long each took. */
async function connectionsTo (host: Host, { connections, deadlineMs }: RunParameters, server: string, metric: string): Promise<number[]> {
  const tookMs: number[] = []
  for (let i = 0; i < Number(connections); i++) {
    const startMs = host.clock.now()
    const connection = await measure(host, metric, Number(deadlineMs), async signal => {
      const opened = await host.node.dial([...host.peer(server).addresses], { signal, force: true })
      const stream = await opened.newStream(PERF_PROTOCOL, { signal })
      await perfTransfer(stream, { uploadBytes: 1, downloadBytes: 1, signal })
      return opened
    }, startMs)
    tookMs.push(host.clock.now() - startMs)
    await connection.close()
  }
  return tookMs
}

/**
 * Records the rate of each interval; that of the first; and what the ramp cost: how much longer the whole took than it
 * would have at the steady rate, which is the median's.
 */
async function transfer (host: Host, { transferMs, intervalMs }: RunParameters, direction: 'upload' | 'download'): Promise<void> {
  const connection = await host.node.dial([...host.peer('server').addresses], { signal: host.signal })
  const stream = await connection.newStream(PERF_PROTOCOL, { signal: host.signal })
  const meter = new RateMeter(host.clock, Number(intervalMs))
  const endMs = host.clock.now() + Number(transferMs)
  const [uploadBytes, downloadBytes] = direction === 'upload' ? [WITHOUT_END_BYTES, 0] : [0, WITHOUT_END_BYTES]
  await perfTransfer(stream, {
    uploadBytes,
    downloadBytes,
    onBytes: byteCount => {
      meter.add(byteCount)
      return host.clock.now() < endMs
    },
    signal: host.signal
  })
  const { intervals } = meter
  const rates = intervals.map(({ bytes, durationMs }) => bytes * 8e3 / durationMs)
  const steadyBitsPerMs = quantile(rates, 0.5) / 1e3
  rates.forEach(rate => recordSample(host, direction, rate))
  recordSample(host, `${direction}-first`, rates[0])
  recordSample(host, `${direction}-ramp`, intervals.reduce((sumMs, { bytes, durationMs }) => sumMs + durationMs - bytes * 8 / steadyBitsPerMs, 0))
}

function transferCase (name: 'upload' | 'download', title: string, description: string): Case {
  const rate = (over: Pick<Metric, 'name' | 'title' | 'sample'>): Metric => ({ ...over, statistic: 'p50', unit: 'bit/s', better: 'higher', minimumEffect: 0.05 })
  return {
    name,
    title,
    description,
    // A relay above TCP does not set the buffers of kernels, and its processor would be the limit.
    wires: ['sim', 'stack'],
    scenario: run => transferScenario(run, `${name}er`),
    metrics: [
      rate({ name, title: `${title}, a second in the middle`, sample: name }),
      rate({ name: `${name}-first`, title: `${title}, the first second`, sample: `${name}-first` }),
      duration(`${name}-ramp`, `${title}, what the ramp costs`)
    ]
  }
}

function duration (name: string, title: string): Metric {
  return { name, title, sample: name, statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 }
}

function transferScenario (run: RunParameters, role: string): ScenarioInput {
  const tcp = run.arm === 'tuned' ? { receiveBufferBytes: TUNED_BUFFER_BYTES, sendBufferBytes: TUNED_BUFFER_BYTES } : {}
  const perMegabyteMs = Number(run.perMegabyteMs)
  const machine = { tcp, ...perMegabyteMs > 0 && { processing: { perMegabyteMs } } }
  return {
    hosts: [{ name: 'client', role, ...machine }, { name: 'server', role: 'server', ...machine }],
    paths: [path(run)],
    limitMs: 2 * Number(run.transferMs) + 120_000
  }
}

function path ({ rttMs, rateBitsPerSecond }: RunParameters): PathInput {
  return { from: 'client', to: 'server', forward: { delayMs: Number(rttMs) / 2, rateBitsPerSecond: Number(rateBitsPerSecond) } }
}
