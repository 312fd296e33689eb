import test from 'ava'
import type { AckSample } from '../../../src/sim/tcp/congestion.ts'
import { HyStartPlusPlus } from '../../../src/sim/tcp/hystart-plus-plus.ts'
import { TCP_PRESETS, tcpOptions } from '../../../src/sim/tcp/options.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import { emptyNetwork } from '../packet-tools.ts'
import { MS, S } from './scripted-network.ts'

const ROUND_BYTES = 1000

/** Slow start as the RFC's pseudo-code sees it: rounds of so many acknowledgements, each with a round trip. */
class Rounds {
  readonly exit = new HyStartPlusPlus()
  #round = 0

  /** True where slow start ended within the round. */
  run (...rttsMs: readonly number[]): boolean {
    const start = this.#round++ * ROUND_BYTES
    // Written out in full for the type; HyStart++ reads three of them.
    const results = rttsMs.map((rttMs, i) => this.exit.full({
      acknowledgedSequence: start + i + 1, nextSequence: start + ROUND_BYTES, rttNs: rttMs * MS
    } as AckSample))
    return results.includes(true)
  }

  /** Whether it grows at a quarter of the pace. */
  get conservative (): boolean {
    return this.exit.growth(4) === 1
  }
}

function samples (count: number, rttMs: number): number[] {
  return Array.from({ length: count }, () => rttMs)
}

for (const [baseMs, riseMs] of [[10, 4], [32, 4], [80, 10], [128, 16], [400, 16]]) {
  test(`RFC 9406 4.3: after a round of ${baseMs} ms a rise by ${riseMs} ms, an eighth within 4 and 16 ms, is what slows slow start down`, t => {
    const below = new Rounds()
    below.run(...samples(8, baseMs))
    below.run(...samples(8, baseMs + riseMs - 0.001))
    t.false(below.conservative)
    const at = new Rounds()
    at.run(...samples(8, baseMs))
    at.run(...samples(8, baseMs + riseMs))
    t.true(at.conservative)
  })
}

test('seven samples of a round are not believed, and the least of eight or more counts', t => {
  const seven = new Rounds()
  seven.run(...samples(8, 80))
  seven.run(...samples(7, 200))
  t.false(seven.conservative)
  const eight = new Rounds()
  eight.run(...samples(8, 80))
  eight.run(...samples(8, 200))
  t.true(eight.conservative)
  const early = new Rounds()
  early.run(...samples(8, 80))
  early.run(80, ...samples(20, 200))
  t.false(early.conservative)
})

test('after five conservative rounds, the one in which it began included, slow start is over', t => {
  const rounds = new Rounds()
  rounds.run(...samples(8, 80))
  t.false(rounds.run(...samples(8, 100)))
  for (let round = 2; round <= 5; round++) {
    t.false(rounds.run(...samples(8, 110)), `round ${round}`)
  }
  // The fifth ends with the first acknowledgement of the next.
  t.true(rounds.run(110))
})

test('where the round trip falls below that of the rise it was jitter: slow start resumes, and may slow down again', t => {
  const rounds = new Rounds()
  rounds.run(...samples(8, 80))
  rounds.run(...samples(8, 100))
  t.true(rounds.conservative)
  rounds.run(...samples(7, 99))
  t.true(rounds.conservative)
  rounds.run(...samples(8, 99))
  t.false(rounds.conservative)
  rounds.run(...samples(8, 120))
  t.true(rounds.conservative)
  for (let round = 2; round <= 5; round++) {
    t.false(rounds.run(...samples(8, 120)))
  }
  t.true(rounds.run(120))
})

test('one acknowledgement of an unpaced sender adds 8 segments at most, a quarter of that when conservative', t => {
  const rounds = new Rounds()
  t.is(rounds.exit.growth(3), 3)
  t.is(rounds.exit.growth(100), 8)
  rounds.run(...samples(8, 80))
  rounds.run(...samples(8, 100))
  t.is(rounds.exit.growth(3), 0.75)
  t.is(rounds.exit.growth(100), 2)
})

/** CUBIC for 4 s over 50 Mbit/s and 40 ms; the window at the end of slow start, if that ended, and what was lost. */
function start (options: Partial<TcpOptions>, bufferBdp: number): { exitBdp: number, retransmitted: number, delivered: number } {
  const network = emptyNetwork('hystart')
  const [from, to] = [network.addNode(), network.addNode()]
  const bdpBytes = 50e6 / 8 * 0.04
  network.addLink(from, to, { rateBitsPerSecond: 50e6, delayNs: 20 * MS, queue: { limitBytes: bufferBdp * bdpBytes } })
  network.addLink(to, from, { rateBitsPerSecond: 50e6, delayNs: 20 * MS })
  const tcp = { ...TCP_PRESETS.rfc, congestion: 'cubic' as const, receiveBufferBytes: 2 ** 26, sendBufferBytes: 2 ** 26, ...options }
  let delivered = 0
  new TcpHost(network, to, tcp).listen(1, socket => {
    socket.handler = { ...IGNORING, onData: bytes => { delivered += bytes } }
  })
  const source = new TcpHost(network, from, tcp).connect(to, 1)
  source.handler = IGNORING
  source.write(1e9)
  let exitBdp = Infinity
  for (let ms = 0; ms < 4000; ms++) {
    network.kernel.run(ms * MS)
    if (exitBdp === Infinity && source.ssthreshBytes !== Infinity) {
      exitBdp = source.ssthreshBytes / bdpBytes
    }
  }
  network.kernel.run(4 * S)
  return { exitBdp, retransmitted: source.retransmittedSegments, delivered }
}

test('over a deep buffer HyStart++ ends slow start before it overshoots; without it packets are lost', t => {
  const off = start({ hystart: 'off' }, 16)
  t.true(off.retransmitted > 100, String(off.retransmitted))
  const plus = start({}, 16)
  t.is(plus.retransmitted, 0)
  // The first of a round meet the queue that the round before left, of up to two paths, when the window is of up to four;
  // then five rounds grow it by a quarter each: 4 x 1.25^5.
  t.true(plus.exitBdp > 1 && plus.exitBdp < 4 * 1.25 ** 5, String(plus.exitBdp))
  // 4 s less the round trips until the path is full: 10 segments become 167 in five.
  t.true(plus.delivered > 50e6 / 8 * 1448 / 1500 * (4 - 7 * 0.04), String(plus.delivered))
})

test('the preset of the RFCs has HyStart++ with CUBIC (RFC 9438 4.10), that of Linux the classic one, which ends sooner', t => {
  t.is(tcpOptions(TCP_PRESETS.rfc).hystart, 'plus-plus')
  t.is(tcpOptions(TCP_PRESETS.linux).hystart, 'classic')
  const classic = start({ hystart: 'classic' }, 16)
  t.is(classic.retransmitted, 0)
  t.true(classic.exitBdp < start({}, 16).exitBdp)
})
