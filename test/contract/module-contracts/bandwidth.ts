import assert from 'node:assert/strict'
import { sleep } from '../../../src/core/clock.ts'
import { RTT_MS, rolesOf } from '../contract.ts'
import { bytesOf, codeOf, eventsOf, quantileOf, reportOf, slackMs, star, textOf, timed, withNetwork } from './rig.ts'
import { CALLS, ECHO, networkServer, plainServer, SINK } from './servers.ts'
import type { BandwidthManager, BandwidthOptions } from '../../../src/optim/bandwidth/bandwidth-manager.ts'
import type { TrafficClass } from '../../../src/optim/index.ts'
import type { Role, RunParameters } from '../../../src/wires/wire.ts'
import type { Contract, Contracts } from '../contract.ts'
import type { Rig } from './rig.ts'
import type { Calls } from './servers.ts'

const MBIT = 1e6
/** Upload of the contracts that do not say otherwise: a megabyte a second. */
const RATE = 8 * MBIT
/** What goes at once after a pause: 10 ms at the rate. */
const BURST_BYTES = RATE * 10 / 8e3
/** What goes at a time, of one flow: two segments at this rate. */
const QUANTUM_BYTES = 2 * 1460
/** What one message may be, as it is handed to the transport in one piece. */
const PIECE_BYTES = 64 * 1024

/** Counts what comes on streams of these protocols, and when. */
const ARRIVALS = '/contract/arrivals/1.0.0'
const STREAMS: Readonly<Record<TrafficClass, string>> = { urgent: '/contract/urgent/1.0.0', normal: '/contract/normal/1.0.0', bulk: '/contract/bulk/1.0.0' }

/** On the receiver's clock, which began with the run as the sender's did. */
interface Arrival {
  readonly class: TrafficClass
  readonly atMs: number
  readonly bytes: number
}

/** Takes whatever comes on a stream, answers nothing, and tells when how much came. */
const meteringServer: Role = {
  setUp: async host => {
    const arrivals: Arrival[] = []
    await plainServer().setUp?.(host, {})
    for (const trafficClass of ['urgent', 'normal', 'bulk'] as const) {
      await host.node.handle(STREAMS[trafficClass], stream => {
        stream.addEventListener('message', ({ data }) => { arrivals.push({ class: trafficClass, atMs: host.clock.now(), bytes: data.byteLength }) })
        stream.addEventListener('remoteCloseWrite', () => { stream.close().catch(() => {}) })
      }, { maxInboundStreams: 1_000 })
    }
    await plainServer(() => ({ [ARRIVALS]: () => bytesOf(JSON.stringify(arrivals)) })).setUp?.(host, {})
  }
}

const options = (bandwidthManager: BandwidthOptions = {}): { readonly bandwidthManager: BandwidthOptions } => ({ bandwidthManager: { uploadBitsPerSecond: RATE, ...bandwidthManager } })

/** A link of which the queue is deep: whoever fills it makes all others wait. */
const bottleneck = (rateBitsPerSecond: number): NonNullable<Contract['scenario']> => ({
  paths: [{ from: 'client', to: 'server', forward: { delayMs: RTT_MS / 2, rateBitsPerSecond, queue: { limitBytes: 1_000_000 } }, backward: { delayMs: RTT_MS / 2 } }]
})

export const contracts: Contracts = {
  'bandwidth-rate': {
    claim: 'bandwidth: never did more arrive than the rate, the burst and one quantum allow, counted from the beginning',
    roles: {
      server: meteringServer,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async ({ network, server }) => {
          await host.node.dial(server)
          const startedMs = host.clock.now()
          await Promise.all([send('normal', 400_000), send('bulk', 300_000), send('urgent', 200_000)])
          await sleep(host.clock, 2 * RTT_MS)
          const arrivals = await reportOf<Arrival[]>(host, ARRIVALS)
          const offsetMs = skewMs(parameters)
          let sum = 0
          for (const { atMs, bytes } of arrivals) {
            sum += bytes
            const mostBytes = RATE * (atMs - startedMs + offsetMs) / 8e3 + BURST_BYTES + QUANTUM_BYTES
            assert.ok(sum <= mostBytes, `${sum} of at most ${mostBytes} bytes after ${atMs - startedMs} ms`)
          }
          assert.ok(sum >= 900_000)

          async function send (trafficClass: TrafficClass, bytes: number): Promise<void> {
            await network.send(server, STREAMS[trafficClass], new Uint8Array(bytes), { class: trafficClass })
          }
        })
      }
    }
  },
  'bandwidth-batches': {
    claim: 'bandwidth: over any window no more is sent in batches than the rate, the burst and one batch allow',
    roles: {
      server: networkServer({ messageBatching: true }),
      client: {
        run: async (host, parameters) => await withNetwork(host, { ...options(), messageBatching: true }, async ({ network, events, server }) => {
          const noise = Uint8Array.from({ length: 1_000 }, (_, i) => host.random.integer(256) ^ i)
          await Promise.all(Array.from({ length: 600 }, async (_, i) => await network.send(server, SINK, noise, { class: (['urgent', 'normal', 'bulk'] as const)[i % 3] })))
          assertPaced(eventsOf(events, 'batching:batch-sent').map(({ timeMs, wireBytes }) => ({ atMs: timeMs, bytes: wireBytes })), parameters)
        })
      }
    }
  },
  'bandwidth-full': {
    claim: 'bandwidth: a transfer alone gets nearly all of the rate',
    roles: {
      server: meteringServer,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async ({ network, server }) => {
          await host.node.dial(server)
          const bytes = 1_000_000
          const tookMs = await timed(host.clock, () => network.send(server, STREAMS.bulk, new Uint8Array(bytes), { class: 'bulk' }))
          // Real timers that are later than the burst covers lose what they missed.
          const share = parameters.realTime === true ? 0.5 : 0.95
          assert.ok(tookMs <= bytes * 8e3 / RATE / share, `took ${tookMs} ms`)
        })
      }
    }
  },
  'bandwidth-full-link': {
    claim: 'bandwidth: on a link slower than the rate a transfer takes as long as without the manager, within 5%',
    scenario: bottleneck(4 * MBIT),
    except: { tcp: 'two transfers of the same size differ by more than 5% where time is real' },
    roles: {
      server: meteringServer,
      client: {
        run: async host => {
          const took: number[] = []
          let seen = 0
          for (const networkOptions of [{}, options()]) {
            await withNetwork(host, networkOptions, async ({ network, server }) => {
              await host.node.dial(server)
              const startedMs = host.clock.now()
              await network.send(server, STREAMS.bulk, new Uint8Array(1_500_000), { class: 'bulk' })
              await sleep(host.clock, 2_000)
              const arrivals = (await reportOf<Arrival[]>(host, ARRIVALS)).slice(seen)
              seen += arrivals.length
              assert.ok(sumOf(arrivals) >= 1_500_000)
              took.push((arrivals.at(-1)?.atMs ?? Infinity) - startedMs)
            })
          }
          assert.ok(took[1] <= took[0] / 0.95, `took ${took[1]} ms, and ${took[0]} ms without`)
        }
      }
    }
  },
  'bandwidth-urgent': {
    claim: 'bandwidth: beside bulk the 99th percentile of urgent requests is less than a third of what it is without the manager',
    scenario: bottleneck(10 * MBIT),
    roles: {
      server: meteringServer,
      client: {
        run: async host => {
          const p99: number[] = []
          for (const networkOptions of [{ connectionPool: true }, { connectionPool: true, ...options() }]) {
            await withNetwork(host, networkOptions, async rig => { p99.push(quantileOf(await urgentBesideBulk(rig), 0.99)) })
          }
          assert.ok(p99[1] < p99[0] / 3, `${p99[1]} ms with it, ${p99[0]} ms without`)
        }
      }
    }
  },
  'bandwidth-floor': {
    claim: 'bandwidth: while urgent traffic wants all of the rate, bulk gets its guaranteed sixteenth',
    roles: {
      server: meteringServer,
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, server }) => {
          await host.node.dial(server)
          const urgent = Array.from({ length: 5 }, async () => await network.send(server, STREAMS.urgent, new Uint8Array(200_000), { class: 'urgent' }))
          const caller = new AbortController()
          const bulk = codeOf(network.send(server, STREAMS.bulk, new Uint8Array(1_000_000), { class: 'bulk', signal: caller.signal }))
          await Promise.all(urgent)
          caller.abort(new Error('enough'))
          await bulk
          await sleep(host.clock, 2 * RTT_MS)
          const arrivals = await reportOf<Arrival[]>(host, ARRIVALS)
          const first = arrivals.findIndex(arrival => arrival.class === 'bulk')
          const contended = arrivals.slice(first, arrivals.findLastIndex(arrival => arrival.class === 'urgent') + 1)
          const share = sumOf(contended.filter(arrival => arrival.class === 'bulk')) / sumOf(contended)
          // Less one quantum and one message of what was sent meanwhile.
          assert.ok(share >= 0.0625 - (QUANTUM_BYTES + PIECE_BYTES) / sumOf(contended), `bulk got ${share}`)
          assert.ok(share <= 0.5, `urgent went no sooner than bulk: ${share}`)
          assert.ok(sumOf(contended) >= 700_000, 'they did not contend')
        })
      }
    }
  },
  'bandwidth-peers': {
    claim: 'bandwidth: two peers that both want all are never further apart than a quantum and a message',
    scenario: star(2),
    roles: {
      server: meteringServer,
      client: {
        run: async host => await withNetwork(host, options(), async rig => {
          const { network } = rig
          const bandwidth = bandwidthOf(rig)
          const peers = ['server-1', 'server-2'].map(name => host.peer(name).id)
          await Promise.all(peers.map(async peer => await host.node.dial(peer)))
          const sent = (): number[] => peers.map(peer => bandwidth.meter.ofPeer(host.clock.now(), 'upload', peer.toString()).bytes)
          const sends = peers.map(async peer => await network.send(peer, STREAMS.bulk, new Uint8Array(500_000), { class: 'bulk' }))
          await sleep(host.clock, 3 * RTT_MS)
          const [a0, b0] = sent()
          let looks = 0
          for (let [a, b] = [a0, b0]; Math.min(a, b) < 450_000; [a, b] = sent()) {
            assert.ok(Math.abs((a - a0) - (b - b0)) <= 2 * QUANTUM_BYTES, `${a - a0} and ${b - b0} bytes`)
            looks++
            await sleep(host.clock, 3)
          }
          assert.ok(looks > 20, 'they were looked at too rarely')
          await Promise.all(sends)
        })
      }
    }
  },
  'bandwidth-abort': {
    claim: 'bandwidth: what is aborted while it waits is not charged: the next goes as if it had never been there',
    roles: {
      server: meteringServer,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async ({ network, server }) => {
          await host.node.dial(server)
          const caller = new AbortController()
          const aborted = codeOf(network.send(server, STREAMS.bulk, new Uint8Array(4_000_000), { class: 'bulk', signal: caller.signal }))
          await sleep(host.clock, 200)
          assert.ok((network.metrics.bandwidth?.waitingBytes ?? 0) > 0)
          caller.abort(new TypeError('enough'))
          assert.equal(await aborted, 'TypeError')
          assert.equal(network.metrics.bandwidth?.waitingBytes, 0)
          assert.equal(network.metrics.bandwidth?.waitingFlows, 0)
          const tookMs = await timed(host.clock, () => network.send(server, STREAMS.bulk, new Uint8Array(100_000), { class: 'bulk' }))
          // A stream, its end, and what the rate takes; what was on its way before may have another 250 KiB in front.
          const boundMs = 3 * RTT_MS + (100_000 + 256 * 1024) * 8e3 / RATE + slackMs(parameters)
          assert.ok(tookMs <= boundMs, `took ${tookMs} of ${boundMs} ms`)
        })
      }
    }
  },
  'bandwidth-gone': {
    claim: 'bandwidth: nothing waits for peers that are gone, and no permit is theirs',
    scenario: { ...star(3), faults: ['server-1', 'server-2', 'server-3'].map(to => ({ kind: 'reset', from: 'client', to, atMs: 500 })) },
    roles: {
      server: meteringServer,
      client: {
        run: async host => await withNetwork(host, options({ uploadBitsPerSecond: 1 * MBIT }), async ({ network }) => {
          const codes = await Promise.all(['server-1', 'server-2', 'server-3'].flatMap(name => Array.from({ length: 3 }, async () =>
            await codeOf(network.send(host.peer(name).id, STREAMS.normal, new Uint8Array(100_000))))))
          assert.ok(codes.some(code => code !== ''))
          const { waitingFlows, waitingBytes, permits, permitWaiters, pausedStreams } = network.metrics.bandwidth ?? {}
          assert.deepEqual({ waitingFlows, waitingBytes, permits, permitWaiters, pausedStreams }, { waitingFlows: 0, waitingBytes: 0, permits: 0, permitWaiters: 0, pausedStreams: 0 })
        })
      }
    }
  },
  'bandwidth-permits': {
    claim: 'bandwidth: no more requests are under way at a peer than its limit, and those that wait go in turn',
    roles: {
      server: plainServer(),
      client: {
        run: async host => await withNetwork(host, options({ concurrency: { limit: 'fixed', fixedLimit: 3 } }), async ({ network, server }) => {
          let most = 0
          const answered: number[] = []
          await Promise.all(Array.from({ length: 12 }, async (_, i) => {
            const reply = network.request(server, ECHO, bytesOf(String(i)))
            most = Math.max(most, network.metrics.bandwidth?.permits ?? 0)
            answered.push(Number(textOf(await reply)))
            most = Math.max(most, network.metrics.bandwidth?.permits ?? 0)
          }))
          assert.equal(most, 3)
          assert.equal(answered.length, 12)
          // Three at a time: none is answered before one that went three earlier.
          assert.ok(answered.every((i, place) => Math.abs(i - place) < 3), answered.join(' '))
          assert.equal(Object.keys(await reportOf<Calls>(host, CALLS)).length, 12)
        })
      }
    }
  },
  'bandwidth-download': {
    claim: 'bandwidth: replies are asked for and read no faster than the download rate',
    roles: {
      server: plainServer(),
      client: {
        run: async host => await withNetwork(host, { bandwidthManager: { downloadBitsPerSecond: 4 * MBIT, uploadBitsPerSecond: Infinity } }, async ({ network, server }) => {
          await host.node.dial(server)
          const replies = 8
          const bytes = 50_000
          const startedMs = host.clock.now()
          await Promise.all(Array.from({ length: replies }, async () => {
            assert.equal((await network.request(server, ECHO, new Uint8Array(bytes), { expectedReplyBytes: bytes })).byteLength, bytes)
          }))
          const tookMs = host.clock.now() - startedMs
          // All but the burst, and the last, which is asked for when its turn comes and not when it is through.
          const leastMs = ((replies - 1) * bytes - 4 * MBIT * 10 / 8e3) * 8e3 / (4 * MBIT)
          assert.ok(tookMs >= leastMs, `took ${tookMs} ms`)
        })
      }
    }
  }
}

export const roles = rolesOf(contracts)

/** Bulk that never ends, and an urgent request every 20 ms: what each took. */
async function urgentBesideBulk ({ host, network, server }: Rig): Promise<number[]> {
  const caller = new AbortController()
  await network.request(server, ECHO, bytesOf('cold'), { class: 'urgent' })
  const bulk = codeOf(network.send(server, STREAMS.bulk, new Uint8Array(4_000_000), { class: 'bulk', signal: caller.signal }))
  await sleep(host.clock, 400)
  const took: Array<Promise<number>> = []
  for (let i = 0; i < 30; i++) {
    took.push(timed(host.clock, async () => await network.request(server, ECHO, bytesOf(String(i)), { class: 'urgent' })))
    await sleep(host.clock, 20)
  }
  const all = await Promise.all(took)
  caller.abort(new Error('enough'))
  await bulk
  return all
}

/** Over every window: bytes <= rate T + burst + one message. Of windows that begin and end with a piece, which are the worst. */
function assertPaced (pieces: ReadonlyArray<Pick<Arrival, 'atMs' | 'bytes'>>, parameters: RunParameters): void {
  // With x = sent before - rate t, a window's excess is a difference of x, and the worst ends at the lowest x so far.
  const messageBytes = Math.max(...pieces.map(({ bytes }) => bytes))
  let sentBytes = 0
  let lowest = Infinity
  for (const { atMs, bytes } of pieces) {
    const allowedBytes = RATE * atMs / 8e3
    lowest = Math.min(lowest, sentBytes - allowedBytes)
    sentBytes += bytes
    const excessBytes = sentBytes - allowedBytes - lowest
    assert.ok(excessBytes <= BURST_BYTES + messageBytes + RATE * skewMs(parameters) / 8e3, `${excessBytes} bytes above the rate at ${atMs} ms`)
  }
}

/** By how much times differ that should be one: clocks of two processes, and what passes between a decision and its record. */
function skewMs ({ realTime }: RunParameters): number {
  return realTime === true ? 10 : 0
}

function sumOf (arrivals: readonly Arrival[]): number {
  return arrivals.reduce((sum, { bytes }) => sum + bytes, 0)
}

function bandwidthOf ({ network }: Rig): BandwidthManager {
  assert.ok(network.bandwidth !== undefined)
  return network.bandwidth
}
