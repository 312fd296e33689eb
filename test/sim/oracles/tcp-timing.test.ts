import test from 'ava'
import * as fc from 'fast-check'
import { TCP_PRESETS, tcpOptions } from '../../../src/sim/tcp/options.ts'
import { RttEstimator } from '../../../src/sim/tcp/rtt-estimator.ts'
import { at, CLIENT, connectedPair, DROP, losingData, MS, S } from '../tcp/scripted-network.ts'
import type { Fate } from '../tcp/scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448
/** SRTT + 200 ms, as of `EXACT`. */
const RTO = RTT + 200 * MS

test('RTO, RFC 6298 2.2 and 2.3: SRTT = R, RTTVAR = R/2; then RTTVAR = 3/4 RTTVAR + 1/4 abs(SRTT - R) before SRTT = 7/8 SRTT + 1/8 R; RTO = SRTT + 4 RTTVAR, over any samples', t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 10 * S }), { minLength: 1, maxLength: 30 }), samples => {
    const estimator = new RttEstimator(tcpOptions({ ...TCP_PRESETS.rfc, minimumRtoNs: 1, maximumRtoNs: 1e6 * S }))
    let [srtt, rttvar] = [samples[0], samples[0] / 2]
    samples.forEach((sample, index) => {
      estimator.sample(sample)
      if (index > 0) {
        rttvar = 3 / 4 * rttvar + 1 / 4 * Math.abs(srtt - sample)
        srtt = 7 / 8 * srtt + 1 / 8 * sample
      }
      // A timer's time is a whole number of nanoseconds.
      t.true(Math.abs(estimator.rtoNs - (srtt + 4 * rttvar)) <= 1 + 1e-9 * srtt, `${estimator.rtoNs} and ${srtt + 4 * rttvar}`)
    })
  }))
})

for (const preset of ['rfc', 'linux'] as const) {
  const leastNs = preset === 'rfc' ? 1 * S : 200 * MS
  const options = { ...tcpOptions(TCP_PRESETS[preset]), timerTickNs: 0 }

  test(`the first RTO is 1 s and the least ${leastNs / S} s, by the timers of a lost SYN and of a lost segment: ${preset}`, t => {
    const lostSyn = connectedPair(DELAY, { fate: (_, index) => index === 0 ? DROP : 0, options })
    lostSyn.kernel.run(2 * S)
    t.deepEqual(lostSyn.network.sent.filter(({ from }) => from === CLIENT).slice(0, 2).map(({ atNs }) => atNs), [0, 1 * S])

    // No probe comes before the timer, and the first segment is the whole flight: nothing tells of its loss.
    const { kernel, client, network } = connectedPair(MS / 2, { fate: losingData(0), options: { ...options, tailLossProbe: false } })
    at(kernel, 1 * S, () => client.write(100))
    kernel.run(5 * S)
    // Of the SYN's round trip R of 1 ms SRTT is R, and 4 RTTVAR is 2 R: below the least either way. Linux's bounds 4 RTTVAR.
    const rtoNs = preset === 'rfc' ? leastNs : MS + leastNs
    t.deepEqual(network.data(CLIENT).map(({ atNs }) => atNs), [1 * S, 1 * S + rtoNs])
  })
}

test('the default options are those of the preset linux', t => {
  t.deepEqual(tcpOptions(TCP_PRESETS.linux), tcpOptions())
})

test('Karn: what is sent again does not disturb the estimate, and the doubled timeout stands until something new is acknowledged', t => {
  const { kernel, client, network } = connectedPair(DELAY, { fate: losingData(0) })
  at(kernel, 1 * S, () => client.write(100))
  kernel.run(1 * S + RTO + RTT - 1)
  t.is(client.rtoNs, 2 * RTO)
  kernel.run()
  // The copy left at 1 s + RTO. Measured from the first transmission this would be a round trip of 360 ms.
  t.deepEqual(network.data(CLIENT).map(({ atNs }) => atNs), [1 * S, 1 * S + RTO])
  t.deepEqual([client.srttNs, client.rtoNs], [RTT, RTO])
})

test('with timestamps the acknowledgement of a late original, though it was sent again, measures the original (RFC 7323)', t => {
  let copies = 0
  const fate: Fate = ({ from, length }) => from === CLIENT && length > 0 ? (copies++ === 0 ? 500 * MS : DROP) : 0
  const { kernel, client } = connectedPair(DELAY, { fate })
  at(kernel, 1 * S, () => client.write(100))
  kernel.run()
  t.is(copies, 2)
  t.is(client.srttNs, 7 / 8 * RTT + 1 / 8 * (RTT + 500 * MS))
})

test('RACK-TLP: the probe for a lost tail leaves 2 SRTT after the last acknowledgement, and Linux\'s 2 ms (RFC 8985 7.2)', t => {
  const { kernel, client, network } = connectedPair(DELAY, { fate: losingData(7, 8, 9), options: { lossDetection: 'rack', tailLossProbe: true } })
  client.write(10 * MSS)
  kernel.run()
  const [probe] = network.data(CLIENT).slice(10)
  t.deepEqual([probe.sequence, probe.atNs], [1 + 9 * MSS, 2 * RTT + 2 * RTT + 2 * MS])
})

test('RACK: once reordering was seen, a segment is given a quarter of the least round trip before it is sent again (RFC 8985 6.2), and Linux\'s 2 ms', t => {
  const late: Record<string, number> = {}
  const { kernel, client, network } = connectedPair(DELAY, {
    fate: ({ atNs, sequence }) => late[`${atNs / S} ${(sequence - 1) / MSS}`] ?? 0, options: { lossDetection: 'rack' }
  })
  for (const second of [1, 2, 3]) {
    at(kernel, second * S, () => client.write(10 * MSS))
  }
  // The last but one of a flight: one segment alone is beyond it, which is no sign of a loss.
  late['1 8'] = 5 * MS
  late['2 12'] = 19 * MS
  late['3 22'] = 30 * MS
  kernel.run()
  const copies = network.data(CLIENT).slice(10).filter(({ sequence }, i, all) => all.findIndex(other => other.sequence === sequence) !== i)
  t.deepEqual(copies.map(({ atNs, sequence }) => [atNs, (sequence - 1) / MSS]), [[3 * S + RTT + RTT / 4 + 2 * MS, 22]])
})

test('NewReno without SACK: of several losses of a flight each partial acknowledgement repairs one, a round trip after the other (RFC 6582)', t => {
  const { kernel, client, network } = connectedPair(DELAY, { fate: losingData(30, 33, 36), options: { sack: false } })
  client.write(200 * MSS)
  kernel.run()
  const edge = (segment: number): number => 1 + segment * MSS
  const copies = network.data(CLIENT).filter(({ sequence }, i, all) => all.findIndex(other => other.sequence === sequence) !== i)
  // The flights of 10, 20 and 40 leave at 1, 2 and 3 RTT.
  t.deepEqual(copies.map(({ sequence, atNs }) => [sequence, atNs]), [[edge(30), 4 * RTT], [edge(33), 5 * RTT], [edge(36), 6 * RTT]])
  t.is(client.timeouts, 0)
})

test('with the default options an unanswered SYN is repeated and given up at the times of Linux\'s tcp_syn_linear_timeouts 4 and tcp_syn_retries 6, its timer\'s ticks aside', t => {
  const { kernel, network, clientJournal } = connectedPair(DELAY, { fate: () => DROP, options: { ...tcpOptions(), timerTickNs: 0 } })
  kernel.run()
  t.deepEqual(network.sent.map(({ atNs }) => atNs / S), [0, 1, 2, 3, 4, 5, 7])
  // The last wait is 4 s, twice that before.
  t.is(clientJournal.at('timeout'), 11 * S)
})
