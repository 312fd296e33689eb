import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import type { RandomStream } from '../../../src/core/random.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { CLIENT, connectedPair, DROP, MS, S } from '../tcp/scripted-network.ts'
import type { Fate } from '../tcp/scripted-network.ts'

const MSS = 1448
const RTT_S = 0.1

/** Padhye, Firoiu, Towsley and Kurose 1998, (30), in segments a second. Bytes are counted, not acknowledgements: b is 1. */
function pftk (p: number, timeoutS: number, windowSegments = Infinity, b = 1): number {
  const perSegment = RTT_S * Math.sqrt(2 * b * p / 3) + timeoutS * Math.min(1, 3 * Math.sqrt(3 * b * p / 8)) * p * (1 + 32 * p ** 2)
  return Math.min(windowSegments / RTT_S, 1 / perSegment)
}

/** Segments a second of a bulk transfer, over ten runs of 150 s each after 10 s: at 1% about 1750 losses. */
function meanRate (options: Partial<TcpOptions>, fate: (random: RandomStream) => Fate): number {
  const runs = 10
  let sum = 0
  for (let run = 0; run < runs; run++) {
    const { kernel, client, serverJournal } = connectedPair(RTT_S / 2 * S, { fate: fate(randomStream(`losses ${run}`)), options: { congestion: 'reno', ...options } })
    client.write(1e12)
    kernel.run(10 * S)
    const before = serverJournal.bytes
    kernel.run(160 * S)
    client.abort()
    sum += (serverJournal.bytes - before) / MSS / 150
  }
  return sum / runs
}

/** Each data segment on its own. */
function independent (p: number): (random: RandomStream) => Fate {
  return random => ({ from, length }) => from === CLIENT && length > 0 && random.next() < p ? DROP : 0
}

/** As the formula's derivation has it: with a segment all that follow it in its flight are lost, which here leaves in one instant. */
function restOfFlight (p: number): (random: RandomStream) => Fate {
  return random => {
    let lostNs = -1
    return ({ from, length, atNs }) => {
      if (from === CLIENT && length > 0 && (atNs === lostNs || random.next() < p)) {
        lostNs = atNs
        return DROP
      }
      return 0
    }
  }
}

for (const p of [0.01, 0.02, 0.05, 0.1]) {
  test(`Reno at ${p * 100}% random loss has PFTK's rate, 1 / (RTT sqrt(2bp/3) + T0 min(1, 3 sqrt(3bp/8)) p (1 + 32 p^2)), within 20%`, t => {
    // Linux's timeout: SRTT + 200 ms.
    const ratio = meanRate({}, independent(p)) / pftk(p, RTT_S + 0.2)
    t.true(Math.abs(ratio - 1) <= 0.2, `${ratio} of theory`)
  })
}

for (const p of [0.015, 0.03, 0.1]) {
  test(`Reno without SACK, its timeout 1 s, losing the rest of a flight at ${p * 100}%, as PFTK assumes, has PFTK's rate within 20%`, t => {
    const ratio = meanRate({ sack: false, minimumRtoBounds: 'total', minimumRtoNs: 1000 * MS }, restOfFlight(p)) / pftk(p, 1)
    t.true(Math.abs(ratio - 1) <= 0.2, `${ratio} of theory`)
  })
}

test('PFTK where the window is the limit: B = Wm / RTT within 1%', t => {
  // 20 segments a round trip: 1e-6 would allow 12,000 a second.
  const window = 20
  const rate = meanRate({ receiveBufferBytes: window * MSS }, independent(1e-6))
  t.true(Math.abs(rate / pftk(1e-6, RTT_S + 0.2, window) - 1) < 0.01, String(rate))
})

test('Reno under periodic loss of 1 in 30000: rate = (MSS / RTT) sqrt(3 / (2bp)) within 3%', t => {
  const period = 30_000
  let count = 0
  const { kernel, client, serverJournal } = connectedPair(RTT_S / 2 * S, {
    fate: ({ length }) => length > 0 && ++count % period === 0 ? DROP : 0, options: { congestion: 'reno' }
  })
  client.write(1e12)
  // A sawtooth from W/2 to W takes W/2 round trips, W = sqrt(8 / (3p)); slow start ends with the first loss.
  const toothNs = Math.round(Math.sqrt(8 * period / 3) / 2 * RTT_S * S)
  kernel.run(3 * toothNs)
  const before = serverJournal.bytes
  kernel.run(13 * toothNs)
  client.abort()
  const ratio = (serverJournal.bytes - before) / (10 * toothNs / S) / (MSS / RTT_S * Math.sqrt(3 * period / 2))
  t.true(Math.abs(ratio - 1) < 0.03, `${ratio} of theory`)
  t.is(client.timeouts, 0)
})
