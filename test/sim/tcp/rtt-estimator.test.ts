import test from 'ava'
import { tcpOptions } from '../../../src/sim/tcp/options.ts'
import { RttEstimator } from '../../../src/sim/tcp/rtt-estimator.ts'

const MS = 1e6
const rfc = tcpOptions({ minimumRtoBounds: 'total', minimumRtoNs: 1 })

test('before any sample the timeout is 1 s and doubles up to the maximum', t => {
  const rtt = new RttEstimator(tcpOptions())
  const timeouts = []
  for (let i = 0; i < 10; i++) {
    timeouts.push(rtt.rtoNs / 1e9)
    rtt.backOff()
  }
  t.deepEqual(timeouts, [1, 2, 4, 8, 16, 32, 64, 120, 120, 120])
})

test('RFC 6298 2.2: the first sample R gives SRTT R, RTTVAR R/2 and RTO 3 R', t => {
  const rtt = new RttEstimator(rfc)
  rtt.sample(100 * MS)
  t.is(rtt.srttNs, 100 * MS)
  t.is(rtt.rttvarNs, 50 * MS)
  t.is(rtt.rtoNs, 300 * MS)
})

test('RFC 6298 2.3: RTTVAR is updated before SRTT', t => {
  const rtt = new RttEstimator(rfc)
  rtt.sample(100 * MS)
  rtt.sample(180 * MS)
  // RTTVAR = 3/4 50 + 1/4 |100 - 180| = 57.5; SRTT = 7/8 100 + 1/8 180 = 110. The other order would give 55.
  t.is(rtt.rttvarNs, 57.5 * MS)
  t.is(rtt.srttNs, 110 * MS)
  t.is(rtt.rtoNs, (110 + 4 * 57.5) * MS)
})

test('with a steady RTT the RFC\'s timeout falls to its minimum, Linux\'s to SRTT + 200 ms', t => {
  const linux = new RttEstimator(tcpOptions())
  const total = new RttEstimator(tcpOptions({ minimumRtoBounds: 'total', minimumRtoNs: 1000 * MS }))
  for (let i = 0; i < 100; i++) {
    linux.sample(80 * MS)
    total.sample(80 * MS)
  }
  t.is(linux.rtoNs, 280 * MS)
  t.is(total.rtoNs, 1000 * MS)
})

test('back-off ends where what was sent arrives', t => {
  const rtt = new RttEstimator(rfc)
  rtt.sample(100 * MS)
  rtt.backOff()
  rtt.backOff()
  t.is(rtt.rtoNs, 1200 * MS)
  rtt.endBackOff()
  t.is(rtt.rtoNs, 300 * MS)
})
