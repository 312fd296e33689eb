import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import { sleep } from '../../../src/core/clock.ts'
import { Kernel } from '../../../src/sim/kernel.ts'
import type { NodeId } from '../../../src/sim/network.ts'
import { PacketNetwork } from '../../../src/sim/network.ts'
import { Packets } from '../../../src/sim/packets.ts'
import { Fabric } from '../../../src/sim/session/fabric.ts'
import { SimMultiaddr } from '../../../src/sim/session/identity.ts'
import { SimNode } from '../../../src/sim/session/node.ts'
import type { SimStream } from '../../../src/sim/session/stream.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { VirtualClock } from '../../../src/sim/virtual-clock.ts'

const ECHO = '/twinwire/echo/1.0.0'
const DELAY_NS = 50e6
const RTT_MS = 100

/** What js-libp2p 3.3.11 (tcp, noise, yamux, ping) sends in TCP, as `test/fixtures/wire-bytes.ts` prints it: half round trips, direction, bytes. */
const RECORDED = {
  dial: [[2, 'client', 28], [3, 'server', 28], [4, 'client', 34], [5, 'server', 218], [6, 'client', 216], [7, 'server', 60], [8, 'client', 30]],
  streamAndEcho: [[0, 'client', 102], [1, 'server', 132], [2, 'client', 154], [3, 'server', 124], [4, 'client', 30]],
  warmEcho: [[0, 'client', 94], [1, 'server', 124], [2, 'client', 30]],
  streamClose: [[0, 'client', 30], [1, 'server', 30]],
  monitor: [[0, 'client', 98], [0, 'server', 98], [1, 'client', 128], [1, 'server', 128], [2, 'client', 122], [2, 'server', 122], [3, 'client', 92], [3, 'server', 92], [4, 'client', 60], [4, 'server', 60], [5, 'client', 30], [5, 'server', 30]]
} as const

type Chunk = readonly [halfRoundTrips: number, direction: 'client' | 'server', bytes: number]

class Bench {
  readonly kernel = new Kernel()
  readonly clock = new VirtualClock(this.kernel)
  readonly client: SimNode
  readonly server: SimNode
  readonly serverAddress: SimMultiaddr
  #chunks: Array<{ atNs: number, direction: 'client' | 'server', bytes: number }> = []

  constructor () {
    const packets = new Packets()
    const network = new PacketNetwork(this.kernel, packets, randomStream('recording'))
    const nodes = [network.addNode(), network.addNode()] as const
    network.addLink(nodes[0], nodes[1], { delayNs: DELAY_NS })
    network.addLink(nodes[1], nodes[0], { delayNs: DELAY_NS })
    const send = network.send.bind(network)
    network.send = packet => {
      if (packets.length[packet] > 0) {
        this.#chunks.push({ atNs: this.kernel.nowNs, direction: packets.source[packet] === nodes[0] ? 'client' : 'server', bytes: packets.length[packet] })
      }
      send(packet)
    }
    const endpoints = new Map([['/ip4/10.0.0.1/tcp/4001', nodes[0]], ['/ip4/10.0.1.1/tcp/4001', nodes[1]]])
    const fabric = new Fabric(this.kernel, this.clock, endpoint => {
      const node = endpoints.get(endpoint)
      return node === undefined ? undefined : { node, port: 4001 }
    })
    const make = (name: string, node: NodeId, address: string): SimNode => {
      const made = new SimNode(fabric, { name, tcp: new TcpHost(network, node), address: new SimMultiaddr(address), random: randomStream(name) })
      made.listen(4001)
      return made
    }
    this.client = make('client', nodes[0], '/ip4/10.0.0.1/tcp/4001')
    this.server = make('server', nodes[1], '/ip4/10.0.1.1/tcp/4001')
    this.serverAddress = new SimMultiaddr('/ip4/10.0.1.1/tcp/4001/p2p/server')
  }

  /** Runs `action` in virtual time; what it took, and what it put on the wire until half a second later. */
  async observe<T> (action: () => Promise<T>): Promise<{ result: T, tookMs: number, chunks: Chunk[] }> {
    this.#chunks = []
    const startNs = this.kernel.nowNs
    const startMs = this.clock.now()
    let outcome: { result: T } | { error: unknown } | undefined
    let tookMs = 0
    void action().then(result => {
      tookMs = this.clock.now() - startMs
      return { result }
    }, (error: unknown) => ({ error })).then(async settled => {
      await sleep(this.clock, 500)
      outcome = settled
    })
    await this.kernel.runAsync(() => outcome !== undefined)
    if (outcome === undefined || 'error' in outcome) {
      throw outcome?.error
    }
    return { result: outcome.result, tookMs, chunks: this.#chunks.map(({ atNs, direction, bytes }) => [(atNs - startNs) / DELAY_NS, direction, bytes] as const) }
  }
}

async function echo (stream: SimStream, bytes: number): Promise<void> {
  await new Promise<void>(resolve => {
    stream.addEventListener('message', () => resolve(), { once: true })
    stream.send(new Uint8Array(bytes))
  })
}

test('dial, stream, echo and close send the bytes of the real stack at the same multiples of a round trip', async t => {
  const bench = new Bench()
  await bench.server.handle(ECHO, stream => {
    stream.addEventListener('message', ({ data }) => { stream.send(data) })
    stream.addEventListener('remoteCloseWrite', () => { void stream.close() })
  })

  const dial = await bench.observe(async () => await bench.client.dial(bench.serverAddress))
  t.is(dial.tookMs, 3 * RTT_MS)
  t.deepEqual(dial.chunks, RECORDED.dial as unknown as Chunk[])

  const opened = await bench.observe(async () => {
    const stream = await dial.result.newStream(ECHO)
    await echo(stream, 64)
    return stream
  })
  t.is(opened.tookMs, 2 * RTT_MS)
  t.deepEqual(opened.chunks, RECORDED.streamAndEcho as unknown as Chunk[])

  const warm = await bench.observe(async () => { await echo(opened.result, 64) })
  t.is(warm.tookMs, RTT_MS)
  t.deepEqual(warm.chunks, RECORDED.warmEcho as unknown as Chunk[])

  const closed = await bench.observe(async () => { await opened.result.close() })
  t.is(closed.tookMs, 0)
  t.deepEqual(closed.chunks, RECORDED.streamClose as unknown as Chunk[])
  t.is(dial.result.streams.length, 0)
})

test('a connection monitor exchange of both ends sends the bytes of the real stack', async t => {
  const bench = new Bench()
  const { result: connection } = await bench.observe(async () => await bench.client.dial(bench.serverAddress))
  // Both nodes started at zero, so both monitors act at 10 s.
  await bench.observe(async () => { await sleep(bench.clock, 9_500 - bench.clock.now() - 500) })
  const { chunks } = await bench.observe(async () => { await sleep(bench.clock, 1_000) })
  const startHalfRoundTrips = chunks[0][0]
  // Both ends send at one instant: which of the two comes first says nothing.
  const sorted = chunks.map(([at, direction, bytes]): Chunk => [at - startHalfRoundTrips, direction, bytes])
    .sort((a, b) => a[0] - b[0] || a[1].localeCompare(b[1]))
  t.deepEqual(sorted, RECORDED.monitor as unknown as Chunk[])
  t.is(connection.rtt, RTT_MS)
  t.is(connection.streams.length, 0)
})
