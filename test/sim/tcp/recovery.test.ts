import test from 'ava'
import { at, CLIENT, connectedPair, DROP, losingData, MS, S, SERVER } from './scripted-network.ts'
import type { Fate } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448

for (const sack of [true, false]) {
  const how = sack ? 'with SACK' : 'without SACK'

  test(`${how} a single loss is repaired by fast retransmit, 1 RTT late, without a timeout`, t => {
    const { kernel, client, network, serverJournal } = connectedPair(DELAY, { fate: losingData(2), options: { sack } })
    client.write(10 * MSS)
    kernel.run()
    t.is(serverJournal.bytes, 10 * MSS)
    // Data leaves at 1 RTT; three segments beyond the hole tell at 2 RTT; the copy arrives half an RTT later.
    t.is(serverJournal.last('data'), 2.5 * RTT)
    t.is(client.retransmittedSegments, 1)
    t.is(client.timeouts, 0)
    t.is(network.data(CLIENT).length, 11)
  })

  test(`${how} the window is halved once for several losses of one flight`, t => {
    const { kernel, client, serverJournal } = connectedPair(DELAY, { fate: losingData(30, 33, 36), options: { sack } })
    client.write(200 * MSS)
    kernel.run()
    t.is(serverJournal.bytes, 200 * MSS)
    t.is(client.retransmittedSegments, 3)
    t.is(client.timeouts, 0)
    // The losses are the first of the third flight of 10, 20, 40: 40 segments are out when they are found, and those
    // that the segments before the losses let go.
    t.true(client.ssthreshBytes >= 19 * MSS && client.ssthreshBytes <= 22 * MSS, String(client.ssthreshBytes / MSS))
  })

  test(`${how} a lost tail is repaired by the retransmission timer`, t => {
    const { kernel, client, serverJournal } = connectedPair(DELAY, { fate: losingData(9), options: { sack } })
    client.write(10 * MSS)
    kernel.run()
    t.is(serverJournal.bytes, 10 * MSS)
    t.is(client.timeouts, 1)
    t.is(client.retransmittedSegments, 1)
    // The last acknowledgement comes at 2 RTT (the 9th segment's is quick) and sets the timer to SRTT + 200 ms.
    t.is(serverJournal.last('data'), 2 * RTT + RTT + 200 * MS + DELAY)
  })

  test(`${how} a lost flight is sent again in slow start from 1 segment`, t => {
    const { kernel, client, network, serverJournal } = connectedPair(DELAY, { fate: losingData(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), options: { sack } })
    client.write(10 * MSS)
    kernel.run()
    t.is(serverJournal.bytes, 10 * MSS)
    t.is(client.timeouts, 1)
    const again = network.data(CLIENT).slice(10)
    const rounds = new Map<number, number>()
    for (const { atNs } of again) {
      rounds.set(atNs, (rounds.get(atNs) ?? 0) + 1)
    }
    // ssthresh is 5: 1, 2, 4 and the rest.
    t.deepEqual([...rounds.values()], [1, 2, 4, 3])
    t.is(client.ssthreshBytes, 5 * MSS)
  })
}

test('with SACK, limited transmit sends new data on the first two duplicate acknowledgements', t => {
  const { kernel, client, network } = connectedPair(DELAY, { fate: losingData(0), options: { initialWindowSegments: 4, mssBytes: 1000 } })
  client.write(20_000)
  kernel.run(2 * RTT)
  // Of the 4 sent (RFC 6928 allows min(4 x 1000, 4 x 1460)) the first is lost; three duplicates come at 2 RTT.
  t.deepEqual(network.data(CLIENT).map(({ sequence }) => (sequence - 1) / 1000), [0, 1, 2, 3, 4, 5, 0])
})

test('SACK blocks report the latest hole first and make an ACK 8 n + 4 bytes longer', t => {
  const { kernel, client, network } = connectedPair(DELAY, { fate: losingData(1, 3, 5, 7) })
  client.write(10 * MSS)
  kernel.run(1.5 * RTT)
  const acks = network.acknowledgements(SERVER)
  t.deepEqual(acks.map(({ size, sackBlocks }) => size - 52 - (sackBlocks.length === 0 ? 0 : 4 * sackBlocks.length + 4)), acks.map(() => 0))
  const { sackBlocks, acknowledgement, size } = acks[acks.length - 1]
  const edge = (segment: number): number => 1 + segment * MSS
  t.is(acknowledgement, edge(1))
  t.is(size, 52 + 28)
  t.deepEqual(sackBlocks, [edge(8), edge(10), edge(6), edge(7), edge(4), edge(5)])
})

test('the retransmissions of a black-holed connection double until it is given up', t => {
  const holeAt = 1 * S
  let hole = false
  const fate: Fate = ({ atNs }) => {
    hole ||= atNs >= holeAt
    return hole ? DROP : 0
  }
  const { kernel, client, network, clientJournal } = connectedPair(DELAY, { fate, options: { maximumTimeouts: 5 } })
  kernel.run(holeAt)
  client.write(100)
  kernel.run()
  const rto = RTT + 200 * MS
  t.deepEqual(network.data(CLIENT).map(({ atNs }) => (atNs - holeAt) / rto), [0, 1, 3, 7, 15, 31])
  t.is(clientJournal.at('timeout'), holeAt + 63 * rto)
  t.is(client.timeouts, 5)
})

test('reordering by less than three segments is not taken for a loss', t => {
  let count = 0
  const { kernel, client, serverJournal } = connectedPair(DELAY, {
    fate: ({ length }) => length > 0 && count++ % 5 === 1 ? 1 : 0,
    options: { quickAcks: 0 }
  })
  // Late by 1 ns: behind the rest of its flight, which is at most two segments.
  const flights = 30
  for (let i = 0; i < flights; i++) {
    at(kernel, (1 + i) * RTT, () => client.write(3 * MSS))
  }
  kernel.run()
  t.is(serverJournal.bytes, flights * 3 * MSS)
  t.is(client.retransmittedSegments, 0)
})
