import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import { Kernel } from '../../../src/sim/kernel.ts'
import { PacketNetwork } from '../../../src/sim/network.ts'
import { Packets } from '../../../src/sim/packets.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../../../src/sim/tcp/socket.ts'
import { WindowedMaximum } from '../../../src/sim/tcp/windowed-maximum.ts'

const MS = 1e6
const S = 1e9
const RATE = 20e6
const DELAY = 20 * MS
const MSS = 1448
const BDP_BYTES = RATE * 2 * DELAY / S / 8

/** A bulk flow over a bottleneck of 20 Mbit/s and 40 ms with a queue of four bandwidth-delay products. */
function bulk (lossProbability: number): { kernel: Kernel, network: PacketNetwork, client: TcpSocket, received: () => number } {
  const kernel = new Kernel()
  const network = new PacketNetwork(kernel, new Packets(), randomStream('bbr'))
  const a = network.addNode({ forwards: false })
  const b = network.addNode({ forwards: false })
  network.addLink(a, b, {
    rateBitsPerSecond: RATE, delayNs: DELAY, queue: { limitBytes: 4 * BDP_BYTES }, loss: { model: 'bernoulli', probability: lossProbability }
  })
  network.addLink(b, a, { rateBitsPerSecond: RATE, delayNs: DELAY })
  let server: TcpSocket | undefined
  new TcpHost(network, b).listen(1, socket => {
    server = socket
    socket.handler = IGNORING
  })
  const client = new TcpHost(network, a, { congestion: 'bbr' }).connect(b, 1)
  client.handler = IGNORING
  client.write(1e10)
  return { kernel, network, client, received: () => server?.deliveredBytes ?? 0 }
}

// The queue may be shorter at the end of the measurement than at its beginning: 0.1% at most.
test('BBR fills the path with a queue of less than a fifth of what the buffer holds, and loses nothing', t => {
  const { kernel, network, received } = bulk(0)
  kernel.run(3 * S)
  const before = received()
  let queuedBytes = 0
  for (let i = 0; i < 500; i++) {
    kernel.run(kernel.nowNs + 10 * MS)
    queuedBytes += network.links[0].waitingBytes / 500
  }
  const goodput = (received() - before) * 8 / 5
  t.true(goodput > 0.95 * RATE * MSS / 1500 && goodput < 1.001 * RATE * MSS / 1500, String(goodput))
  t.true(queuedBytes < 4 * BDP_BYTES / 5, String(queuedBytes))
  t.is(network.links[0].counters.droppedQueue, 0)
})

test('BBR keeps its rate at 2% loss, which would leave Reno a tenth of it', t => {
  const { kernel, received } = bulk(0.02)
  kernel.run(3 * S)
  const before = received()
  kernel.run(8 * S)
  t.true((received() - before) * 8 / 5 > 0.9 * RATE * MSS / 1500)
})

test('after 10 s without a shorter round trip BBR drains the path to 4 segments for 200 ms and a round trip', t => {
  const { kernel, client } = bulk(0)
  const drainedNs: number[] = []
  for (let atNs = 8 * S; atNs < 12 * S; atNs += 10 * MS) {
    kernel.run(atNs)
    if (client.cwndBytes === 4 * MSS) {
      drainedNs.push(atNs)
    }
  }
  const lasted = drainedNs[drainedNs.length - 1] - drainedNs[0]
  t.true(drainedNs[0] > 10 * S && drainedNs[0] < 10.3 * S)
  t.true(lasted >= 200 * MS && lasted < 400 * MS, String(lasted))
})

test('a windowed maximum forgets what is older than its rounds', t => {
  const maximum = new WindowedMaximum(3)
  const values = [5, 9, 3, 4, 2, 1, 1, 7]
  const seen = values.map((value, round) => {
    maximum.add(round, value)
    return maximum.value
  })
  t.deepEqual(seen, values.map((_, i) => Math.max(...values.slice(Math.max(0, i - 2), i + 1))))
})
