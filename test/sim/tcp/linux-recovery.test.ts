import test from 'ava'
import { MAX_SACK_BLOCKS, Packets } from '../../../src/sim/packets.ts'
import { Scoreboard } from '../../../src/sim/tcp/scoreboard.ts'
import { CLIENT, connectedPair, DROP, losingData, MS, SERVER } from './scripted-network.ts'
import type { Segment } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448
/** When the first flight, of ten segments at once, has arrived. */
const ARRIVAL = RTT + DELAY

/** What the server acknowledged of a flight of ten of which `lost` (segments counted from 0) did not arrive. */
function answers (sackCompression: boolean, ...lost: number[]): Segment[] {
  const { kernel, client, network } = connectedPair(DELAY, { fate: losingData(...lost), options: { sackCompression, quickAcks: 0 } })
  client.write(10 * MSS)
  kernel.run(ARRIVAL + DELAY - 1)
  return network.acknowledgements(SERVER)
}

/** Payload segments, counted from 0, that SACK blocks name. */
function named (segments: readonly Segment[]): Set<number> {
  const numbers = new Set<number>()
  for (const { sackBlocks } of segments) {
    for (let i = 0; i < sackBlocks.length; i += 2) {
      for (let sequence = sackBlocks[i]; sequence < sackBlocks[i + 1]; sequence += MSS) {
        numbers.add((sequence - 1) / MSS)
      }
    }
  }
  return numbers
}

test('while a hole is open three acknowledgements leave at once, and 1 ms later one for all that came since', t => {
  const compressed = answers(true, 0)
  t.deepEqual(compressed.map(({ atNs }) => atNs - ARRIVAL), [0, 0, 0, 1 * MS])
  t.deepEqual(compressed.at(-1)?.sackBlocks, [1 + MSS, 1 + 10 * MSS])
  t.deepEqual(answers(false, 0).map(({ atNs }) => atNs - ARRIVAL), Array.from({ length: 9 }, () => 0))
})

test('segments do not wait where there are more blocks than an acknowledgement has room for: each is reported', t => {
  const compressed = answers(true, 0, 2, 4, 6, 8)
  t.deepEqual([...named(compressed)].sort((a, b) => a - b), [1, 3, 5, 7, 9])
  t.is(compressed.at(-1)?.atNs, ARRIVAL)
  t.true(compressed.length < 5)
})

test('the blocks of an acknowledgement, of which the latest comes first, do not look like reordering', t => {
  const packets = new Packets()
  const id = packets.allocate()
  const board = new Scoreboard()
  for (let n = 0; n < 6; n++) {
    board.add(1 + n * MSS, MSS, false, 0)
  }
  packets.sackCount[id] = 2
  packets.sackBlocks.set([1 + 4 * MSS, 1 + 5 * MSS, 1 + MSS, 1 + 3 * MSS], id * 2 * MAX_SACK_BLOCKS)
  board.beginAcknowledgement(RTT, Infinity)
  t.is(board.acknowledgeBlocks(packets, id), 3 * MSS)
  t.false(board.reorderingSeen)
})

test('a loss found during a recovery, of what was sent after it began, lowers the window once more', t => {
  // Segment 30 and its copy are lost, so that the recovery lasts two round trips, and so is one sent in the first of these.
  let copies = 2
  const { kernel, client, serverJournal } = connectedPair(DELAY, {
    fate: ({ from, sequence, length, atNs }) => from === CLIENT && length > 0 && (
      (sequence === 1 + 30 * MSS && copies-- > 0) || (sequence === 1 + 80 * MSS && atNs < 4.5 * RTT)) ? DROP : 0,
    options: { congestion: 'reno', lossDetection: 'rack', lossReduces: 'window', sackCompression: true }
  })
  client.write(200 * MSS)
  const thresholds = new Set<number>()
  for (let atNs = 0; atNs < 20 * RTT; atNs += MS) {
    kernel.run(atNs)
    if (client.ssthreshBytes !== Infinity) {
      thresholds.add(client.ssthreshBytes / MSS)
    }
  }
  t.is(serverJournal.bytes, 200 * MSS)
  t.is(client.timeouts, 0)
  const [first, second, ...more] = thresholds
  t.is(second, Math.floor(first / 2))
  t.deepEqual(more, [])
})

test('a loss halves the window or, by RFC 5681 (4), what of it was outstanding', t => {
  for (const lossReduces of ['window', 'flight'] as const) {
    const { kernel, client } = connectedPair(DELAY, { fate: losingData(30), options: { congestion: 'reno', lossReduces, wholeSegments: true } })
    client.write(30 * MSS)
    kernel.run(4 * RTT)
    const segments = client.cwndBytes / MSS
    t.true(segments > 30)
    client.write(11 * MSS)
    kernel.run(7 * RTT)
    t.is(client.ssthreshBytes / MSS, Math.floor((lossReduces === 'window' ? segments : 11) / 2))
  }
})
