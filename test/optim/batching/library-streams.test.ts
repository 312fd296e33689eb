import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { BatchEncoder } from '../../../src/optim/batching/wire/batch-encoder.ts'
import { BATCH_PROTOCOL } from '../../../src/optim/batching/wire/format.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import { MessageBatching } from '../../../src/optim/batching/message-batching.ts'
import { UnshapedUplink } from '../../../src/optim/uplink.ts'
import { LibraryStream } from '../library-stream.ts'
import { bytes, outcome, PROTOCOL, setting } from './setting.ts'
import type { Side } from './setting.ts'

/** As a peer opened it. */
function serveOn (stream: LibraryStream, { node }: Side): void {
  void node.handlers.get(BATCH_PROTOCOL)?.(stream, node.connectionTo('client'))
}

/** One batch each, as the peer would send them. */
function frames (ids: readonly number[]): Uint8Array[] {
  const encoder = new BatchEncoder()
  return ids.map(id => {
    encoder.begin('normal')
    encoder.add({ kind: 'message', id, protocol: PROTOCOL, payload: bytes(1, id) })
    return encoder.finish({ codec: 'none', acknowledgement: undefined }).frame
  })
}

test('what a peer sent before it ended the stream is read to its end, however often reading pauses', async t => {
  await setting(async ({ clock, server }) => {
    const taken: number[] = []
    await server.batching.handle(PROTOCOL, async ([id]) => {
      await sleep(clock, 10)
      taken.push(id)
      return undefined
    })
    const stream = new LibraryStream()
    serveOn(stream, server)
    const [first, second, ...others] = frames([1, 2, 3, 4, 5])
    stream.arrive(first)
    // One at a time: nothing is read from here on.
    stream.arrive(second)
    others.forEach(frame => stream.arrive(frame))
    stream.end()
    await sleep(clock, 100)
    t.deepEqual(taken, [1, 2, 3, 4, 5])
    t.is(stream.status, 'closed')
    t.is(server.batching.metrics.incomingStreams, 0)
  }, { server: { maximumRunning: 1 } })
})

test('a stream that the peer had ended before anybody listened is closed when what is on it is answered', async t => {
  await setting(async ({ clock, server }) => {
    const taken: number[] = []
    await server.batching.handle(PROTOCOL, ([id]) => {
      taken.push(id)
      return undefined
    })
    const stream = new LibraryStream()
    frames([1, 2]).forEach(frame => stream.arrive(frame))
    stream.end()
    serveOn(stream, server)
    await sleep(clock, 100)
    t.deepEqual(taken, [1, 2])
    t.is(stream.sent.length, 2, 'settings, and that both were taken')
    t.is(stream.status, 'closed')
    t.is(server.batching.metrics.incomingStreams, 0)
  })
})

test('a peer that ends the stream in the middle of a batch has it reset, be it before anybody listened', async t => {
  await setting(async ({ clock, server }) => {
    await server.batching.handle(PROTOCOL, () => undefined)
    const stream = new LibraryStream()
    stream.arrive(frames([1])[0].subarray(0, -1))
    stream.end()
    serveOn(stream, server)
    await sleep(clock, 100)
    t.is(stream.status, 'aborted')
    t.is(server.batching.metrics.incomingStreams, 0)
  })
})

test('replies that are held back find room for all that the muxer lets the peer send', async t => {
  await setting(async ({ clock, client, server }) => {
    const stream = new LibraryStream()
    const batching = new MessageBatching({
      node: client.node,
      clock,
      deadlines: new Deadlines(clock),
      uplink: new UnshapedUplink(),
      downlink: { received: held => held.pause(), closed () {} },
      acquire: async () => ({ stream, connection: client.node.connectionTo('server'), retired: false, answered () {}, release () {}, discard () {}, fail () {}, suspect () {} }),
      host: 'client'
    })
    const request = outcome(batching.request(server.node.peerId, PROTOCOL, bytes(1)))
    await sleep(clock, 1)
    stream.arrive(frames([1])[0].subarray(0, 1))
    t.is(stream.readStatus, 'paused')
    stream.arrive(16 * 1024 * 1024)
    t.is(stream.status, 'open')
    await batching.stop(0)
    t.is(await request, 'ERR_STOPPED')
  })
})
