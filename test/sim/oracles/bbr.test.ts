import test from 'ava'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../../../src/sim/tcp/socket.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import type { PacketNetwork } from '../../../src/sim/network.ts'
import { emptyNetwork } from '../packet-tools.ts'

// The draft's constants (draft-cardwell-iccrg-bbr-congestion-control-00, section 4), seen in when segments leave. All
// rates are 1% below what the gains say, as the draft's 4.2.1 has it from Linux.

const [MS, S] = [1e6, 1e9]
const MSS = 1448
const RATE = 20e6
const DELAY = 20 * MS
/** Of payload, in bytes a second. */
const BANDWIDTH = RATE / 8 * MSS / 1500
const PACED = 0.99

/** A bulk flow over a bottleneck with room for all. */
class BbrFlow {
  readonly network: PacketNetwork = emptyNetwork('bbr')
  readonly client: TcpSocket
  /** When data segments left. */
  readonly sentNs: number[] = []

  constructor () {
    const { network } = this
    const [a, b] = [network.addNode(), network.addNode()]
    network.addLink(a, b, { rateBitsPerSecond: RATE, delayNs: DELAY, queue: { limitBytes: 1e7 } })
    network.addLink(b, a, { delayNs: DELAY })
    new TcpHost(network, b).listen(1, socket => { socket.handler = IGNORING })
    const send = network.send.bind(network)
    network.send = packet => {
      if (network.packets.length[packet] > 0) {
        this.sentNs.push(network.kernel.nowNs)
      }
      send(packet)
    }
    this.client = new TcpHost(network, a, { congestion: 'bbr', bursts: 'single', timerTickNs: 0 }).connect(b, 1)
    this.client.handler = IGNORING
    this.client.write(1e10)
  }

  /** Runs of segments paced alike: the gain over the bandwidth that their distances stand for, and how long it held. */
  phases (fromNs: number): Array<{ readonly gain: number, readonly lastedNs: number }> {
    const phases: Array<{ gain: number, lastedNs: number }> = []
    for (let i = this.sentNs.findIndex(atNs => atNs >= fromNs) + 1; i < this.sentNs.length; i++) {
      const gapNs = this.sentNs[i] - this.sentNs[i - 1]
      const gain = MSS / (gapNs / S) / BANDWIDTH / PACED
      const last = phases.at(-1)
      if (last !== undefined && Math.abs(last.gain / gain - 1) < 0.01) {
        last.lastedNs += gapNs
      } else {
        phases.push({ gain, lastedNs: gapNs })
      }
    }
    return phases
  }
}

test('BBR begins at 2.89 times the initial window a round trip', t => {
  const { network, sentNs, client } = new BbrFlow()
  network.kernel.run(2.5 * DELAY)
  const expectedNs = client.srttNs / 10 / 2.89 / PACED
  network.kernel.run(5 * DELAY)
  // Linux lets the initial window go at once, and the first segment that had to wait after half of its time.
  t.deepEqual(sentNs.slice(0, 10), Array.from({ length: 10 }, () => sentNs[0]))
  const gapsNs = sentNs.slice(12).map((atNs, i) => atNs - sentNs[11 + i])
  t.true(gapsNs.length >= 10)
  gapsNs.forEach(gapNs => t.true(Math.abs(gapNs / expectedNs - 1) < 0.005, `${gapNs} ns, not ${expectedNs}`))
})

test('BBR drains what startup queued at 1 / 2.89 of the bandwidth, then probes it in cycles of 1.25, 0.75 and six times 1, a least round trip each', t => {
  const flow = new BbrFlow()
  flow.network.kernel.run(9 * S)
  // Where the gain changes between two segments their distance may be anything.
  const phases = flow.phases(0.4 * S).filter(({ lastedNs }) => lastedNs > 10 * MS)
  const drain = phases.findIndex(({ gain }) => Math.abs(gain * 2.89 - 1) < 0.01)
  t.true(drain >= 0 && drain <= 1, JSON.stringify(phases.slice(0, 5)))
  // Of the full cycles: a gain other than 1 is held until it has done its work, which takes a round trip, or less where
  // the queue is gone before.
  const leastNs = 2 * DELAY + 1500 * 8 * S / RATE
  const cycles = phases.slice(drain + 2, -3)
  t.true(cycles.length > 60)
  cycles.forEach(({ gain, lastedNs }, i) => {
    const rtts = lastedNs / leastNs
    const [expected, least, most] = [[1.25, 1, 1.5], [0.75, 0.75, 1.1], [1, 6, 6.3]][i % 3]
    t.true(Math.abs(gain / expected - 1) < 0.01 && rtts >= least && rtts <= most, `${gain} for ${rtts} round trips at ${i}`)
  })
})

test('BBR takes the largest bandwidth of the last 10 rounds: after the rate is halved, the window stands for 10 rounds and then halves, too', t => {
  const { network, client } = new BbrFlow()
  const { kernel } = network
  kernel.run(3 * S)
  const productBytes = BANDWIDTH * (2 * DELAY + 1500 * 8 * S / RATE) / S
  t.true(client.cwndBytes > 2 * productBytes)
  network.links[0].setRate(RATE / 2)
  let [rounds, roundEnd] = [0, client.nextSequence]
  while (client.cwndBytes > 1.5 * productBytes && rounds < 20) {
    kernel.run(kernel.nowNs + MS)
    if (client.acknowledgedBytes >= roundEnd) {
      rounds++
      roundEnd = client.nextSequence
    }
  }
  // A round before, and one after, which is under way at the change.
  t.true(rounds >= 9 && rounds <= 11, String(rounds))
})
