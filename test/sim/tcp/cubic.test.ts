import test from 'ava'
import { Cubic } from '../../../src/sim/tcp/cubic.ts'
import { tcpOptions } from '../../../src/sim/tcp/options.ts'
import { connectedPair, DROP, losingData, MS, S } from './scripted-network.ts'

const MSS = 1448
const DELAY = 50 * MS
const RTT = 2 * DELAY

for (const period of [10_000, 100_000]) {
  test(`CUBIC as in RFC 9438 under periodic loss of 1 in ${period}: the mean window is 1.054 (RTT/p)^0.75 segments within 7%`, t => {
    let count = 0
    const theory = 1.054 * ((RTT / S) * period) ** 0.75
    // One more loss, when slow start has about this window: it begins where it is to end, and periods are alike from the
    // third on (without that one, it takes as many as 0.7^k of the overshoot needs).
    const firstLoss = Math.round(theory)
    const { kernel, client } = connectedPair(DELAY, {
      fate: ({ length }) => length > 0 && (++count % period === 0 || count === firstLoss) ? DROP : 0,
      options: { congestion: 'cubic', lossDetection: 'rack' }
    })
    const periods = (): number => count / period
    client.write(1e13)
    while (periods() < 3) {
      kernel.run(kernel.nowNs + RTT)
    }
    // Whole periods, to a round trip: a part of one has another mean.
    let [sum, samples] = [0, 0]
    for (; periods() < 8; samples++) {
      kernel.run(kernel.nowNs + RTT)
      sum += client.cwndBytes / MSS
    }
    client.abort()
    const ratio = sum / samples / theory
    t.true(Math.abs(ratio - 1) < 0.07, `${ratio} of ${theory}`)
    t.is(client.timeouts, 0)
  })
}

test('CUBIC keeps 717/1024 of the window at a loss, and less is remembered of it where the window was falling', t => {
  const cubic = new Cubic(tcpOptions({ initialWindowSegments: 100, mssBytes: 1000 }))
  const loss = { nowNs: 0, flightBytes: 100_000, pipeBytes: 99_000 }
  cubic.onLoss(loss)
  cubic.onRecovered()
  t.is(cubic.cwndBytes, Math.floor(100 * 717 / 1024) * 1000)
  cubic.onLoss({ ...loss, flightBytes: 70_000 })
  cubic.onRecovered()
  t.is(cubic.cwndBytes, Math.floor(70 * 717 / 1024) * 1000)
})

test('an undone reduction gives window and threshold back', t => {
  const cubic = new Cubic(tcpOptions({ initialWindowSegments: 100, mssBytes: 1000 }))
  cubic.onLoss({ nowNs: 0, flightBytes: 100_000, pipeBytes: 99_000 })
  t.is(cubic.ssthreshBytes, 70_000)
  cubic.onUndo()
  t.is(cubic.cwndBytes, 100_000)
  t.is(cubic.ssthreshBytes, Infinity)
})

test('RFC 9438 5.8: while nothing is sent the curve stands still, restarts of slow start or not', t => {
  // Below the plateau by 30% of some 200 segments: cbrt(60 / 0.4) = 5.3 s away, were the pause to count.
  const windowAfter = (pauseNs: number): number => {
    const { kernel, client } = connectedPair(DELAY, {
      fate: losingData(300),
      options: { congestion: 'cubic', lossDetection: 'rack', hystart: 'off', slowStartAfterIdle: false, initialWindowSegments: 30 }
    })
    client.write(1e6)
    kernel.run(5 * S)
    t.is(client.queuedBytes, 0)
    kernel.run(5 * S + pauseNs)
    const before = client.cwndBytes
    client.write(1e6)
    kernel.run(kernel.nowNs + 3 * RTT)
    client.abort()
    return client.cwndBytes / before
  }
  const [short, long] = [windowAfter(1), windowAfter(60 * S)]
  t.true(Math.abs(long / short - 1) < 0.05, `${long} and ${short}`)
})
