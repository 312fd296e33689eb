import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import type { SimStream } from '../../../src/sim/session/stream.ts'
import { UNLIMITED_SESSION } from '../../../src/sim/session/options.ts'
import { NodePair, RTT_MS } from './node-pair.ts'
import type { Chunk } from './node-pair.ts'

const ECHO = '/twinwire/echo/1.0.0'

/** What js-libp2p 3.3.11 (tcp, noise, yamux, ping) sends in TCP, as `test/fixtures/wire-bytes.ts` prints it: half round trips, direction, bytes. */
const RECORDED = {
  dial: [[2, 'client', 28], [3, 'server', 28], [4, 'client', 34], [5, 'server', 218], [6, 'client', 216], [7, 'server', 60], [8, 'client', 30]],
  identifiedDial: [[2, 'client', 28], [3, 'server', 28], [4, 'client', 34], [5, 'server', 218], [6, 'client', 312], [7, 'server', 693], [8, 'client', 665], [9, 'server', 120]],
  streamAndEcho: [[0, 'client', 102], [1, 'server', 132], [2, 'client', 154], [3, 'server', 124], [4, 'client', 30]],
  warmEcho: [[0, 'client', 94], [1, 'server', 124], [2, 'client', 30]],
  streamClose: [[0, 'client', 30], [1, 'server', 30]],
  monitor: [[0, 'client', 98], [0, 'server', 98], [1, 'client', 128], [1, 'server', 128], [2, 'client', 122], [2, 'server', 122], [3, 'client', 92], [3, 'server', 92], [4, 'client', 60], [4, 'server', 60], [5, 'client', 30], [5, 'server', 30]]
} as const

/**
 * A dial's segments on Linux, as tshark saw them between two namespaces: multistream-select's lines, each behind its length;
 * Noise's e, s and payload, behind theirs; frames of yamux, behind Noise's length.
 */
const DIAL_SEGMENTS = {
  client: [1, 19, 1, 7, 2, 32, 2, 48, 136, 2, 28, 2, 28],
  server: [1, 19, 1, 7, 2, 32, 48, 136, 2, 28, 2, 28]
}

/** So that what a session has to say at one time leaves at one time: ten small segments fill Linux's first window. */
const WIDE_WINDOW = { initialWindowSegments: 100 }

async function echo (stream: SimStream, bytes: number): Promise<void> {
  await new Promise<void>(resolve => {
    stream.addEventListener('message', () => resolve(), { once: true })
    stream.send(new Uint8Array(bytes))
  })
}

test('dial, stream, echo and close send the bytes of the real stack at the same multiples of a round trip', async t => {
  const bench = new NodePair()
  await bench.server.handle(ECHO, stream => {
    stream.addEventListener('message', ({ data }) => { stream.send(data) })
    stream.addEventListener('remoteCloseWrite', () => { void stream.close() })
  })

  const dial = await bench.observe(async () => await bench.client.dial(bench.serverAddress))
  t.is(dial.tookMs, 3 * RTT_MS)
  t.deepEqual(dial.chunks, RECORDED.dial as unknown as Chunk[])

  const opened = await bench.observe(async () => {
    const stream = await dial.result.newStream(ECHO)
    await echo(stream, 64)
    return stream
  })
  t.is(opened.tookMs, 2 * RTT_MS)
  t.deepEqual(opened.chunks, RECORDED.streamAndEcho as unknown as Chunk[])

  const warm = await bench.observe(async () => { await echo(opened.result, 64) })
  t.is(warm.tookMs, RTT_MS)
  t.deepEqual(warm.chunks, RECORDED.warmEcho as unknown as Chunk[])

  const closed = await bench.observe(async () => { await opened.result.close() })
  t.is(closed.tookMs, 0)
  t.deepEqual(closed.chunks, RECORDED.streamClose as unknown as Chunk[])
  t.is(dial.result.streams.length, 0)
})

test('each write of libp2p is a segment, as tshark sees them on Linux: lengths and what they are the lengths of leave one by one', async t => {
  const bench = new NodePair()
  await bench.server.handle(ECHO, () => {})
  const dial = await bench.observe(async () => await bench.client.dial(bench.serverAddress))
  t.deepEqual(lengthsOf(dial.segments), DIAL_SEGMENTS)
  // A line has its length before it and a line feed behind. The dialler answers each of the two lines with a window update.
  const stream = await bench.observe(async () => await dial.result.newStream(ECHO))
  const [tag, frame, header, protocol] = [16, 12, 20, ECHO.length + 2]
  t.deepEqual(lengthsOf(stream.segments), {
    client: [2, frame + tag, 2, frame + header + protocol + tag, 2, frame + tag, 2, frame + tag],
    server: [2, frame + tag, 2, frame + header + tag, 2, frame + protocol + tag]
  })
})

function lengthsOf (segments: readonly Chunk[]): Record<'client' | 'server', number[]> {
  const of = (end: 'client' | 'server'): number[] => segments.filter(([, direction]) => direction === end).map(([, , bytes]) => bytes)
  return { client: of('client'), server: of('server') }
}

test('a dial with identify at both ends sends the bytes of the real stack, and tells the listener where the dialler listens', async t => {
  const bench = new NodePair({ ...UNLIMITED_SESSION, identify: true }, WIDE_WINDOW)
  await bench.server.handle(ECHO, () => {})
  const dial = await bench.observe(async () => await bench.client.dial(bench.serverAddress))
  t.is(dial.tookMs, 3 * RTT_MS)
  t.deepEqual(dial.chunks, RECORDED.identifiedDial as unknown as Chunk[])
  const { addresses } = await bench.server.peerStore.get(bench.client.peerId)
  t.deepEqual(addresses.map(({ multiaddr }) => multiaddr.toString()), ['/ip4/10.0.0.1/tcp/4001'])
})

test('ten small segments fill the first window: what the listener of an identified dial has beyond them leaves a round trip later in one', async t => {
  const bench = new NodePair({ ...UNLIMITED_SESSION, identify: true })
  await bench.server.handle(ECHO, () => {})
  const dial = await bench.observe(async () => await bench.client.dial(bench.serverAddress))
  // Behind its length each: its ping, the answers to the dialler's ping and to its stream, the window update and the lines
  // that open its own.
  const [tag, frame, lines] = [16, 12, 36]
  const first = [2, frame + tag, 2, frame + tag, 2, frame + tag, 2, frame + tag, 2, frame + lines + tag]
  const [, , recordedBytes] = RECORDED.identifiedDial[5]
  const sent = (at: number): number[] => dial.segments.filter(chunk => chunk[0] === at && chunk[1] === 'server').map(([, , bytes]) => bytes)
  t.deepEqual(sent(7), first)
  t.is(sent(9)[0], recordedBytes - first.reduce((sum, bytes) => sum + bytes))
})

test('eleven streams that arrive with the end of the handshake leave both ends with an open connection that carries nothing, ten do not', async t => {
  for (const [streams, outcome] of [[10, 'carries'], [11, 'carries nothing']] as const) {
    const bench = new NodePair(UNLIMITED_SESSION, WIDE_WINDOW)
    await bench.server.handle(ECHO, stream => {
      stream.addEventListener('message', ({ data }) => { stream.send(data) })
    })
    const { result: connection } = await bench.observe(async () => {
      const connection = await bench.client.dial(bench.serverAddress)
      await Promise.allSettled(Array.from({ length: streams }, async () => await connection.newStream(ECHO)))
      return connection
    })
    t.is(connection.status, 'open')
    t.is(bench.server.getConnections()[0].status, 'open')
    const { result } = await bench.observe(async () => await connection.newStream(ECHO).then(() => 'carries', () => 'carries nothing'))
    t.is(result, outcome)
  }
})

test('a connection monitor exchange of both ends sends the bytes of the real stack', async t => {
  const bench = new NodePair()
  const { result: connection } = await bench.observe(async () => await bench.client.dial(bench.serverAddress))
  // Both nodes started at zero, so both monitors act at 10 s.
  await bench.observe(async () => { await sleep(bench.clock, 9_500 - bench.clock.now() - 500) })
  const { chunks } = await bench.observe(async () => { await sleep(bench.clock, 1_000) })
  const startHalfRoundTrips = chunks[0][0]
  // Both ends send at one instant: which of the two comes first says nothing.
  const sorted = chunks.map(([at, direction, bytes]): Chunk => [at - startHalfRoundTrips, direction, bytes])
    .sort((a, b) => a[0] - b[0] || a[1].localeCompare(b[1]))
  t.deepEqual(sorted, RECORDED.monitor as unknown as Chunk[])
  t.is(connection.rtt, RTT_MS)
  t.is(connection.streams.length, 0)
})
