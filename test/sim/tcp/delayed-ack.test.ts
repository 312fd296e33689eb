import test from 'ava'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { TCP_PRESETS } from '../../../src/sim/tcp/options.ts'
import { at, CLIENT, connectedPair, MS, S, SERVER } from './scripted-network.ts'
import type { Pair } from './scripted-network.ts'

const MSS = 1448

/** Linux's adaptive delays, to the nanosecond, without what would have a lone segment acknowledged at once. */
const ADAPTIVE: Partial<TcpOptions> = {
  ...TCP_PRESETS.rfc, minimumRtoNs: 200 * MS, minimumRtoBounds: 'variance', delayedAcks: 'adaptive', quickAcks: 0, acknowledgePushes: false
}

/** The client writes so much at each of these times; returns how long the server held each acknowledgement back. */
function delaysMs (oneWayMs: number, writes: ReadonlyArray<readonly [atMs: number, bytes: number]>, options: Partial<TcpOptions> = {}): number[] {
  const pair = connectedPair(oneWayMs * MS, { options: { ...ADAPTIVE, ...options } })
  for (const [atMs, bytes] of writes) {
    at(pair.kernel, atMs * MS, () => pair.client.write(bytes))
  }
  pair.kernel.run(60 * S)
  pair.client.abort()
  return heldMs(pair, oneWayMs)
}

function heldMs ({ network }: Pair, oneWayMs: number): number[] {
  const data = network.data(CLIENT)
  return network.acknowledgements(SERVER).map(({ atNs, acknowledgement }) => {
    const last = data.findLast(({ sequence, length }) => sequence + length <= acknowledgement)
    return (atNs - (last?.atNs ?? NaN)) / MS - oneWayMs
  })
}

test('a delay that nothing came to end is twice as long the next time, up to the round trip and 200 ms', t => {
  const every = (gapMs: number): Array<readonly [number, number]> => [1, 2, 3, 4, 5].map(i => [i * gapMs, 100])
  // The gap of 360 ms is below the RTO, 200 ms and more above the round trip.
  t.deepEqual(delaysMs(75, every(340)), [40, 80, 150, 150, 150])
  t.deepEqual(delaysMs(150, every(490)), [40, 80, 160, 200, 200])
  t.deepEqual(delaysMs(10, every(200)), [40, 40, 40, 40, 40])
  t.deepEqual(delaysMs(75, every(340), { delayedAcks: 'constant' }), [40, 40, 40, 40, 40])
})

test('an adaptive delay stays a tick below the minimum RTO', t => {
  const writes = [1, 2, 3, 4, 5].map(i => [i * 490, 100] as const)
  t.deepEqual(delaysMs(150, writes, { minimumRtoNs: 100 * MS, maximumDelayedAckNs: 200 * MS }), [40, 80, 100, 100, 100])
  const ticking = delaysMs(150, writes, { minimumRtoNs: 100 * MS, timerTickNs: 4 * MS })
  t.true(ticking.every(ms => ms <= 96 + 4 + 32), String(ticking))
})

test('segments that come fast shorten the delay: each takes it half of the way to 40 ms', t => {
  const slow = [1, 2, 3].map(i => [i * 490, 10] as const)
  const fast = [0, 1, 2, 3, 4, 5, 6].map(i => [1800 + i * 10, 10] as const)
  const held = delaysMs(150, [...slow, ...fast, [2300, 10]])
  t.deepEqual(held.slice(0, 3), [40, 80, 160])
  // 320 after the third, 44.375 after six short gaps, and twice that after the delay which nothing came to end.
  t.is(held.at(-1), 2 * (40 + 280 / 2 ** 6))
})

test('after a pause longer than the RTO each segment is acknowledged at once again', t => {
  // The first 2 use up the quick acknowledgements; of the pair after the pause neither waits.
  const held = delaysMs(40, [[500, 100], [600, 100], [700, 100], [3000, 100], [3100, 100], [3200, 100]], { quickAcks: 2 })
  t.deepEqual(held, [0, 0, 40, 0, 0, 40])
})

test('what is a full segment is learnt: of a peer that sends 600 B at a time every second one is acknowledged at once', t => {
  const writes = [[500, 600], [501, 600], [502, 600], [503, 600]] as const
  t.deepEqual(delaysMs(40, writes), [0, 0])
  // By the RFCs two of 1448 B make an acknowledgement due: the third of 600 B.
  t.deepEqual(delaysMs(40, writes, { delayedAcks: 'constant' }), [0, 40])
})

test('a second short segment that an interactive application has read is acknowledged without waiting for the answer', t => {
  const run = (acknowledgePushes: boolean): number => {
    const pair = connectedPair(40 * MS, {
      options: { ...ADAPTIVE, acknowledgePushes },
      onAccept: socket => {
        socket.handler = { onConnected () {}, onData: () => { at(pair.kernel, pair.kernel.nowNs + 30 * MS, () => socket.write(10)) }, onRemoteClose () {}, onClosed () {} }
      }
    })
    // One question makes the server interactive; then two before the answer.
    for (const atMs of [500, 1000, 1010]) {
      at(pair.kernel, atMs * MS, () => pair.client.write(10))
    }
    pair.kernel.run(3 * S)
    return pair.network.acknowledgements(SERVER).length
  }
  t.is(run(true), 2, 'the very first, not yet interactive, and that of the second of two')
  t.is(run(false), 0)
})

test('no quick acknowledgement is used up by segments that acknowledge nothing', t => {
  const pair = connectedPair(40 * MS, { options: { ...ADAPTIVE, quickAcks: 4 } })
  const { kernel, client, network } = pair
  at(kernel, 500 * MS, () => client.write(10))
  // The server sends much, which the client acknowledges; that is no use of the server's own count.
  at(kernel, 1000 * MS, () => pair.server?.write(40 * MSS))
  for (const atMs of [3000, 3050, 3100]) {
    at(kernel, atMs * MS, () => client.write(10))
  }
  kernel.run(5 * S)
  t.deepEqual(network.acknowledgements(SERVER).map(({ atNs }) => atNs / MS), [540, 3040, 3090, 3140])
})

test('a FIN is acknowledged with the FIN that answers it, after the delay where none does, at once by the RFCs and when answered', t => {
  const acknowledged = (options: Partial<TcpOptions>, answerMs: number): Array<[number, boolean]> => {
    const pair = connectedPair(40 * MS, { options })
    pair.serverJournal.onRemoteClose = () => {
      at(pair.kernel, pair.kernel.nowNs + answerMs * MS, () => pair.server?.close())
    }
    at(pair.kernel, 1 * S, () => pair.client.close())
    pair.kernel.run()
    return pair.network.sent.filter(({ atNs, from }) => atNs > S && from === SERVER).map(({ atNs, flags }) => [(atNs - S) / MS - 40, (flags & 1) !== 0])
  }
  t.deepEqual(acknowledged(ADAPTIVE, 30), [[30, true]])
  t.deepEqual(acknowledged(ADAPTIVE, 50), [[40, false], [50, true]])
  t.deepEqual(acknowledged({ ...ADAPTIVE, delayedAcks: 'constant' }, 30), [[0, false], [30, true]])
})
