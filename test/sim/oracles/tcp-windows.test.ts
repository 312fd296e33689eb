import test from 'ava'
import * as fc from 'fast-check'
import { initialWindowBytes, tcpOptions } from '../../../src/sim/tcp/options.ts'
import { at, CLIENT, connectedPair, DROP, losingData, MS, S } from '../tcp/scripted-network.ts'
import type { Fate, Pair } from '../tcp/scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448
const RTO = RTT + 200 * MS

test('the initial window is min(10 MSS, max(2 MSS, 14600)) bytes (RFC 6928), and so many whole segments leave first', t => {
  for (const mssBytes of [536, 1448, 1460, 4000, 8960]) {
    const bytes = Math.min(10 * mssBytes, Math.max(2 * mssBytes, 14_600))
    t.is(initialWindowBytes(tcpOptions({ mssBytes })), bytes)
    const { kernel, client, network } = connectedPair(DELAY, { options: { mssBytes } })
    client.write(1e6)
    kernel.run(1.5 * RTT)
    t.is(network.data(CLIENT).length, Math.floor(bytes / mssBytes))
    client.abort()
  }
})

test('without loss S segments take ceil(log2(S / 10 + 1)) rounds, for any S, delayed acknowledgements or not', t => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(0, 16, 10_000), (segments, quickAcks) => {
    const { kernel, client, serverJournal } = connectedPair(DELAY, { options: { quickAcks } })
    client.write(segments * MSS)
    kernel.run()
    t.is(serverJournal.bytes, segments * MSS)
    t.is(serverJournal.last('data'), RTT + (Math.ceil(Math.log2(segments / 10 + 1)) - 1) * RTT + DELAY)
  }), { numRuns: 60 })
})

test('after a timeout the window is 1 MSS, not the initial 10, and ssthresh max(flight / 2, 2 MSS) (RFC 5681)', t => {
  for (const [flight, threshold] of [[10, 5], [3, 2], [1, 2]]) {
    const { kernel, client } = connectedPair(DELAY, { fate: losingData(...Array.from({ length: flight }, (_, i) => i)) })
    client.write(flight * MSS)
    kernel.run(RTT + RTO)
    t.deepEqual([client.timeouts, client.cwndBytes, client.ssthreshBytes], [1, MSS, threshold * MSS])
    kernel.run()
  }
})

test('idle for no longer than the RTO the window stays; for longer, it is halved for each RTO (RFC 5681 4.1 as Linux does it), down to the initial one', t => {
  for (const [idle, halvings] of [[0.99, 0], [1.01, 1], [1.99, 1], [2.01, 2], [30, 20]]) {
    const { kernel, client, network } = connectedPair(DELAY)
    client.write(310 * MSS)
    // Flights of 10, 20, 40, 80 and 160, the last of them 5 RTT after the SYN and acknowledged a round trip later.
    kernel.run(6.5 * RTT)
    t.is(network.data(CLIENT).at(-1)?.atNs, 5 * RTT)
    const grown = client.cwndBytes / MSS
    kernel.run(5 * RTT + Math.round(idle * RTO))
    client.write(MSS)
    kernel.run(kernel.nowNs)
    t.is(client.cwndBytes / MSS, Math.max(10, Math.floor(grown / 2 ** halvings)), `${idle} RTO`)
  }
})

for (const congestion of ['reno', 'cubic'] as const) {
  test(`in congestion avoidance ${congestion} does not grow while the application and not the window limits sending (RFC 9438 5.8, RFC 7661)`, t => {
    const { kernel, client } = connectedPair(DELAY, { fate: losingData(100), options: { congestion } })
    client.write(300 * MSS)
    kernel.run(20 * RTT)
    const before = client.cwndBytes
    t.true(before <= client.ssthreshBytes + 10 * MSS)
    for (let i = 0; i < 200; i++) {
      at(kernel, (20 + i) * RTT, () => client.write(2 * MSS))
    }
    for (let i = 0; i < 200; i++) {
      kernel.run((20 + i) * RTT)
      t.true(client.cwndBytes <= before)
    }
  })
}

/** RFC 9438 4.2 and 4.6. */
const [C, BETA] = [0.4, 0.7]

/** A CUBIC sender with data without end, and when its window begins to grow after each loss. */
class CubicRun {
  readonly pair: Pair
  /** Loses the next segment. */
  lose = false

  constructor (delayNs: number) {
    const fate: Fate = ({ from, length }) => {
      const drop = this.lose && from === CLIENT && length > 0
      this.lose &&= !drop
      return drop ? DROP : 0
    }
    this.pair = connectedPair(delayNs, { fate, options: { congestion: 'cubic', lossDetection: 'rack' } })
    this.pair.client.write(1e12)
  }

  get segments (): number {
    return this.pair.client.cwndBytes / MSS
  }

  /** Loses a segment; returns the window at which that was found, by what was left of it, once the window grows again. */
  loseAt (atNs: number): number {
    const { kernel, client } = this.pair
    kernel.run(atNs)
    const threshold = client.ssthreshBytes
    this.lose = true
    const until = (reached: () => boolean): void => {
      while (!reached()) {
        kernel.run(kernel.nowNs + MS)
      }
    }
    until(() => client.ssthreshBytes !== threshold)
    until(() => client.cwndBytes <= client.ssthreshBytes)
    until(() => client.cwndBytes > client.ssthreshBytes)
    return client.ssthreshBytes / MSS / BETA
  }
}

test('CUBIC: after a loss the window is W(t) = C (t - K)^3 + Wmax with K = cbrt((Wmax - cwnd) / C), C = 0.4, beta = 0.7, to a round trip; and Wmax = cwnd (1 + beta) / 2 where it was falling', t => {
  const run = new CubicRun(50 * MS)
  const { kernel } = run.pair
  const follow = (windowMax: number, lostAt: number, seconds: number): void => {
    const startNs = kernel.nowNs
    const k = Math.cbrt((windowMax - BETA * lostAt) / C)
    const curve = (atS: number): number => C * (atS - k) ** 3 + windowMax
    for (let elapsedS = 0; elapsedS < seconds; elapsedS += 0.1) {
      kernel.run(startNs + Math.round(elapsedS * S))
      // The window heads for W(t + RTT) and is at W(t) a round trip later at the latest. Linux's C and beta are 0.1% and
      // 0.03% larger.
      const [low, high] = [curve(Math.max(0, elapsedS - 0.1)), curve(elapsedS + 0.1)]
      t.true(run.segments >= low * 0.999 - 1 && run.segments <= high * 1.001 + 1, `${run.segments} at ${elapsedS} s, not ${low} to ${high}`)
    }
  }
  // The flights of slow start are 10, 20, ... 640.
  const first = run.loseAt(0.68 * S)
  t.true(first > 400)
  follow(first, first, 4)
  // Below the plateau: room is left for others.
  const second = run.loseAt(kernel.nowNs)
  t.true(second < 0.99 * first)
  follow(second * (1 + BETA) / 2, second, 10)
})

test('CUBIC: within a round trip the window grows to 1.5 cwnd at most (RFC 9438 4.4)', t => {
  // With 4 s a round trip the curve soon asks for more.
  const run = new CubicRun(2 * S)
  run.loseAt(13 * S)
  const { kernel } = run.pair
  let [before, steepest] = [run.segments, 0]
  for (let round = 0; round < 6; round++) {
    kernel.run(kernel.nowNs + 4 * S)
    steepest = Math.max(steepest, run.segments / before)
    t.true(run.segments <= 1.5 * before + 1, `${run.segments} after ${before}`)
    before = run.segments
  }
  t.true(steepest > 1.45, String(steepest))
})

/** Reno with 20 segments in flight, the first of which arrive a microsecond apart: the number of the ACK at which each is sent. */
function recover (lost: readonly number[]): { readonly sentAtAck: number[], readonly pair: Pair } {
  const losing = losingData(...lost)
  const pair = connectedPair(DELAY, {
    fate: (segment, index) => {
      const fate = losing(segment, index)
      return segment.from === CLIENT && segment.length > 0 && segment.atNs === RTT && fate === 0 ? (segment.sequence - 1) / MSS * 1000 : fate
    },
    options: { initialWindowSegments: 20 }
  })
  pair.client.write(1e6)
  pair.kernel.run(2 * RTT + MS)
  return { sentAtAck: pair.network.data(CLIENT).slice(20).map(({ atNs }) => (atNs - 2 * RTT) / 1000), pair }
}

test('PRR: of 20 segments one lost, ssthresh 10, every second ACK lets one go, and the pipe ends at ssthresh (RFC 9937 6.2; the first example of RFC 6937 3.1)', t => {
  const { sentAtAck, pair } = recover([0])
  // Two by limited transmit, the copy with the third duplicate, and from there on the RFC's algorithm.
  const expected = [1, 2]
  const [threshold, flight] = [10, 20]
  let [pipe, out] = [flight - 1, 0]
  for (let ack = 3; ack <= 19; ack++) {
    pipe--
    const delivered = ack - 2
    const may = pipe > threshold ? Math.ceil(delivered * threshold / flight) - out : Math.min(threshold - pipe, Math.max(delivered - out, 1) + 1)
    for (let i = 0; i < may; i++) {
      pipe++
      out++
      expected.push(ack)
    }
  }
  t.deepEqual(sentAtAck, expected)
  t.is(pair.client.pipeBytes, 10 * MSS)
  t.is(pair.client.ssthreshBytes, 10 * MSS)
})

test('PRR: of 20 segments the first 15 lost, each ACK lets one go, as long as none says that copies arrive (RFC 9937 6.2, PRR-CRB; the second example of RFC 6937 3.1)', t => {
  const { sentAtAck, pair } = recover(Array.from({ length: 15 }, (_, i) => i))
  t.deepEqual(sentAtAck, [15, 16, 17, 18, 19])
  // The copies' acknowledgements advance: slow start from then on, up to ssthresh (PRR-SSRB).
  const { kernel, client, network } = pair
  const before = network.data(CLIENT).length
  kernel.run(2 * RTT + MS + RTT)
  t.true(network.data(CLIENT).length - before > 3)
  t.true(client.pipeBytes <= client.ssthreshBytes)
  kernel.run(6 * RTT)
  t.is(client.timeouts, 0)
})
