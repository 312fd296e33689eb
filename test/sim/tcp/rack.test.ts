import test from 'ava'
import { FLAG_SYN } from '../../../src/sim/packets.ts'
import { timerExpiryNs } from '../../../src/sim/tcp/timer-clock.ts'
import { at, CLIENT, connectedPair, DROP, losingData, MS, S } from './scripted-network.ts'
import type { Fate } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448
const RACK = { lossDetection: 'rack', tailLossProbe: true, forwardRtoRecovery: true, undo: true } as const

/** Loses the first `times` transmissions of the payload segment at `segment`, counted from 0. */
function losingRepeatedly (segment: number, times: number): Fate {
  let left = times
  return ({ from, length, sequence }) => from === CLIENT && length > 0 && sequence === 1 + segment * MSS && left-- > 0 ? DROP : 0
}

test('a lost retransmission is found 1 RTT later by what was sent after it, without a timeout', t => {
  const { kernel, client, serverJournal, network } = connectedPair(DELAY, { fate: losingRepeatedly(2, 2), options: RACK })
  client.write(60 * MSS)
  kernel.run()
  t.is(serverJournal.bytes, 60 * MSS)
  t.is(client.timeouts, 0)
  t.deepEqual(network.data(CLIENT).filter(({ sequence }) => sequence === 1 + 2 * MSS).map(({ atNs }) => atNs), [RTT, 2 * RTT, 3 * RTT])
})

test('a lost tail is found by a probe after 2 SRTT, which repairs it: RFC 8985 7', t => {
  const { kernel, client, serverJournal } = connectedPair(DELAY, { fate: losingData(9), options: RACK })
  client.write(10 * MSS)
  kernel.run()
  t.is(serverJournal.bytes, 10 * MSS)
  t.is(client.timeouts, 0)
  // Of a single segment the acknowledgement may be delayed by the least timeout: 2 SRTT + 200 ms, but not beyond the RTO.
  t.is(serverJournal.last('data'), 2 * RTT + RTT + 200 * MS + DELAY)
})

test('a late flight makes the timer expire for nothing, and F-RTO gives the window back', t => {
  const late = 600 * MS
  const { kernel, client, serverJournal } = connectedPair(DELAY, {
    fate: ({ from, length, atNs }) => from === CLIENT && length > 0 && atNs >= 1 * S && atNs < 1.01 * S ? late : 0,
    options: { ...RACK, tailLossProbe: false }
  })
  client.write(10 * MSS)
  at(kernel, 1 * S, () => client.write(40 * MSS))
  kernel.run()
  t.is(serverJournal.bytes, 50 * MSS)
  t.true(client.timeouts >= 1)
  t.is(client.ssthreshBytes, Infinity)
})

test('reordering by less than a quarter of the least RTT does not lower the window', t => {
  let count = 0
  const { kernel, client, serverJournal } = connectedPair(DELAY, {
    fate: ({ length }) => length > 0 && ++count % 50 === 0 ? RTT / 8 : 0,
    options: RACK
  })
  client.write(2000 * MSS)
  kernel.run(20 * RTT)
  t.is(serverJournal.bytes, 2000 * MSS)
  t.is(client.ssthreshBytes, Infinity)
})

test('with ticks of 4 ms a timeout of 40 ms comes within (40, 44], one of 1 s within (1000, 1032] ms: the wheel\'s slots', t => {
  for (let nowNs = 0; nowNs < 64 * MS; nowNs += 1_300_000) {
    const short = timerExpiryNs(nowNs, 40 * MS, 4 * MS) - nowNs
    t.true(short > 40 * MS && short <= 44 * MS)
    const long = timerExpiryNs(nowNs, 1 * S, 4 * MS) - nowNs
    t.true(long > 1 * S - 4 * MS && long <= 1.032 * S)
  }
  t.is(timerExpiryNs(5, 7, 0), 12)
})

test('RFC 8985 6.2 step 5: the reordering timer counts from when what waits was sent, not from what arrived', t => {
  const { kernel, client, network } = connectedPair(DELAY, { fate: losingData(0), options: RACK })
  at(kernel, 1 * S, () => client.write(MSS))
  at(kernel, 1 * S + 10 * MS, () => client.write(MSS))
  kernel.run()
  const [, , copy] = network.data(CLIENT)
  // A quarter of the least round trip, as one segment alone arrived beyond it; and Linux's 2 ms.
  t.deepEqual([copy.sequence, copy.atNs], [1, 1 * S + RTT + RTT / 4 + 2 * MS])
})

test('a tail loss probe that was not needed costs nothing, whether or not reductions are undone: the receiver tells that it came twice', t => {
  for (const undo of [true, false]) {
    let held = false
    const { kernel, client } = connectedPair(DELAY, {
      // Acknowledgements of the first flight come 2 RTT late.
      fate: ({ from, length, flags }) => from === CLIENT || length > 0 || (flags & FLAG_SYN) !== 0 || held ? 0 : 2 * RTT,
      options: { ...RACK, undo }
    })
    at(kernel, 1 * S, () => client.write(10 * MSS))
    at(kernel, 1 * S + RTT, () => { held = true })
    at(kernel, 3 * S, () => client.write(MSS))
    kernel.run()
    t.is(client.retransmittedSegments, 1)
    t.is(client.timeouts, 0)
    t.is(client.ssthreshBytes, Infinity)
  }
})
