import test from 'ava'
import * as fc from 'fast-check'
import { MemoryRecorder } from '../../../src/core/recorder.ts'
import { randomStream } from '../../../src/core/random.ts'
import { BandwidthManager } from '../../../src/optim/bandwidth/bandwidth-manager.ts'
import { MiddlewareChain } from '../../../src/optim/bandwidth/middleware.ts'
import { SEND_OVERHEAD_BYTES, SendQueue } from '../../../src/optim/bandwidth/send-queue.ts'
import { LibraryStream } from '../library-stream.ts'
import { PairedStream } from '../paired-stream.ts'
import { ManualTime } from './manual-time.ts'
import { TestFlow } from './test-flow.ts'
import type { BandwidthEvent, BandwidthOptions } from '../../../src/optim/bandwidth/bandwidth-manager.ts'
import type { Connection } from '../../../src/optim/port.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

/** 1000 bytes a millisecond, both ways. */
const RATES = { uploadBitsPerSecond: 8e6, downloadBitsPerSecond: 8e6 }
/** What 10 ms of them are. */
const BURST = 10_000

interface Setup {
  readonly time: ManualTime
  readonly manager: BandwidthManager
  readonly recorder: MemoryRecorder<BandwidthEvent>
}

function setUp (options: BandwidthOptions = {}): Setup {
  const time = new ManualTime()
  const recorder = new MemoryRecorder<BandwidthEvent>()
  return { time, recorder, manager: new BandwidthManager({ clock: time, deadlines: time.deadlines, random: randomStream(1), host: 'a', recorder }, { ...RATES, ...options }) }
}

/** Uses up the burst, so that what follows has to wait. */
function block ({ manager }: Setup, extraBytes = 1000): void {
  new TestFlow('blocker', 'normal').offer(manager, BURST + extraBytes)
}

async function microtasks (): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await Promise.resolve()
  }
}

const outcomeOf = async (promise: Promise<unknown>): Promise<string> => await promise.then(() => 'done', (error: Error) => error.message)

test('what is sent waits for the rate, and goes as fast as it allows', async t => {
  const setup = setUp()
  block(setup)
  const [stream] = PairedStream.pair()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  t.true(shaped.send(new Uint8Array(5000)))
  t.deepEqual(stream.sends, [])
  t.is(shaped.writeBufferLength, 5000 + SEND_OVERHEAD_BYTES)
  setup.time.runTo(1)
  // A quantum is two segments of 1460 bytes.
  t.deepEqual(stream.sends, [2920 - SEND_OVERHEAD_BYTES])
  setup.time.runTo(10)
  t.is(stream.sends.reduce((sum, bytes) => sum + bytes), 5000)
  t.is(shaped.writeBufferLength, 0)
})

test('shaped again, a stream waits once and is counted once, whether it is given as itself or as what it was shaped to', t => {
  const setup = setUp()
  const [stream] = PairedStream.pair()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  t.is(setup.manager.shape(shaped, 'b', 'bulk'), shaped)
  t.is(setup.manager.shape(stream, 'b', 'bulk'), shaped)
  shaped.send(new Uint8Array(1000))
  t.is(setup.manager.metrics.upload.bulk.bytes, 1000 + SEND_OVERHEAD_BYTES)
  t.is(setup.manager.metrics.upload.normal.bytes, 0)
})

test('whenSent calls back once, from within the transmission that sends the last of what was given', t => {
  const setup = setUp()
  block(setup)
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  const calls: string[] = []
  const sentBytes = (): number => stream.sent.reduce((sum, bytes) => sum + bytes, 0)
  shaped.send(new Uint8Array(3000))
  setup.manager.whenSent(shaped, () => calls.push(`proxy ${sentBytes()}`))
  setup.manager.whenSent(stream, () => calls.push(`stream ${sentBytes()}`))
  // What is given later, but before all is out, has to be out as well.
  shaped.send(new Uint8Array(2000))
  setup.time.runTo(3)
  t.true(sentBytes() > 0)
  t.deepEqual(calls, [])
  setup.time.runTo(100)
  t.deepEqual(calls, ['proxy 5000', 'stream 5000'])
  shaped.send(new Uint8Array(10))
  setup.time.runTo(200)
  t.is(calls.length, 2)
})

test('whenSent calls back at once where nothing waits, and for a stream that is not shaped by this manager', t => {
  const setup = setUp()
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  let calls = 0
  setup.manager.whenSent(shaped, () => { calls++ })
  shaped.send(new Uint8Array(10))
  setup.manager.whenSent(shaped, () => { calls++ })
  t.is(calls, 2)
  block(setup)
  shaped.send(new Uint8Array(10))
  setUp().manager.whenSent(shaped, () => { calls++ })
  t.is(calls, 3)
})

test('whenSent does not call back for a stream that ends before, however it ends, nor for one that has ended', t => {
  for (const end of [(stream: LibraryStream) => stream.abort(new Error('enough')), (stream: LibraryStream) => stream.reset()]) {
    const setup = setUp()
    block(setup)
    const stream = new LibraryStream()
    const shaped = setup.manager.shape(stream, 'b', 'normal')
    shaped.send(new Uint8Array(3000))
    setup.manager.whenSent(shaped, () => t.fail())
    end(stream)
    setup.manager.whenSent(shaped, () => t.fail())
    setup.time.runTo(100)
  }
  // Within its last transmission the stream fails: its bytes are gone, not sent.
  const setup = setUp()
  block(setup)
  const stream = new LibraryStream()
  stream.sendData = () => { throw new Error('the muxer failed') }
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.send(new Uint8Array(100))
  setup.manager.whenSent(shaped, () => t.fail())
  setup.time.runTo(100)
  t.is(stream.status, 'aborted')
})

test('whoever sends more from whenSent sends it, and stopping the manager calls back', t => {
  const setup = setUp()
  block(setup)
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.send(new Uint8Array(100))
  setup.manager.whenSent(shaped, () => shaped.send(new Uint8Array(50)))
  setup.time.runTo(100)
  t.deepEqual(stream.sent, [100, 50])
  block(setup)
  shaped.send(new Uint8Array(7))
  let calls = 0
  setup.manager.whenSent(shaped, () => { calls++ })
  setup.manager.stop()
  t.is(calls, 1)
})

test('above the high-water mark send answers false, and drain follows each time when half is left', async t => {
  const setup = setUp({ streamHighWaterBytes: 10_000 })
  const [stream] = PairedStream.pair()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  let drains = 0
  shaped.addEventListener('drain', () => { drains++ })
  for (let round = 1; round <= 5; round++) {
    while (shaped.send(new Uint8Array(1000))) {
      t.true(shaped.writeBufferLength <= 10_000)
    }
    t.true(shaped.writableNeedsDrain)
    // At 1000 bytes a millisecond, 2920 at a time.
    setup.time.runTo(setup.time.now() + 2)
    await microtasks()
    t.is(drains, round - 1)
    setup.time.runTo(setup.time.now() + 6)
    await microtasks()
    t.is(drains, round)
    t.false(shaped.writableNeedsDrain)
  }
})

test('onDrain of libp2p\'s streams works again and again, and fails with the stream', async t => {
  const setup = setUp({ streamHighWaterBytes: 1000 })
  const shaped = setup.manager.shape(new LibraryStream(), 'b', 'normal')
  await shaped.onDrain()
  for (let round = 0; round < 3; round++) {
    t.false(shaped.send(new Uint8Array(BURST + 20_000)))
    const drained = shaped.onDrain()
    setup.time.runTo(setup.time.now() + 100)
    await drained
  }
  shaped.send(new Uint8Array(BURST + 20_000))
  const failing = outcomeOf(shaped.onDrain())
  shaped.abort(new Error('enough'))
  t.is(await failing, 'enough')
  await shaped.onDrain()
})

test('above the maximum send throws ERR_QUEUE_FULL and aborts the stream, and nothing that waited is sent', t => {
  const setup = setUp({ streamHighWaterBytes: 5000, streamMaximumBytes: 20_000 })
  block(setup)
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.send(new Uint8Array(10_000))
  shaped.send(new Uint8Array(10_000))
  t.throws(() => shaped.send(new Uint8Array(1)), { code: 'ERR_QUEUE_FULL' })
  t.is(stream.status, 'aborted')
  setup.time.runTo(1000)
  t.deepEqual(stream.sent, [])
  t.is(setup.time.deadlines.size, 0)
  t.true(setup.recorder.events.some(({ type, reason }) => type === 'bandwidth:queue-full' && reason === 'stream'))
})

test('a maxWriteBufferLength that its user sets is the maximum', t => {
  const setup = setUp()
  block(setup)
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.maxWriteBufferLength = 1000
  shaped.send(new Uint8Array(2000))
  t.throws(() => shaped.send(new Uint8Array(1)), { code: 'ERR_QUEUE_FULL' })
})

test('close waits until all is out, and no more can be sent meanwhile', async t => {
  const setup = setUp()
  block(setup)
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.send(new Uint8Array(5000))
  const closing = shaped.close()
  await microtasks()
  t.false(stream.closedWrite)
  t.is(shaped.writeStatus, 'closing')
  t.throws(() => shaped.send(new Uint8Array(1)), { code: 'ERR_STREAM_CLOSED' })
  setup.time.runTo(100)
  await closing
  t.true(stream.closedWrite)
  t.is(stream.sent.reduce((sum, bytes) => sum + bytes), 5000)
})

test('a close whose signal is aborted rejects with its reason, and one whose stream is reset with the reset', async t => {
  const setup = setUp()
  block(setup)
  const streams = [new LibraryStream(), new LibraryStream()]
  const shaped = streams.map(stream => setup.manager.shape(stream, 'b', 'normal'))
  const controller = new AbortController()
  const outcomes = shaped.map(async stream => {
    stream.send(new Uint8Array(5000))
    return await outcomeOf(stream.close({ signal: controller.signal }))
  })
  streams[1].reset()
  controller.abort(new Error('no patience'))
  t.is(await outcomes[0], 'no patience')
  t.not(await outcomes[1], 'done')
})

test('abort drops what waits, refunds what the muxer had not sent, and leaves no timer', t => {
  const setup = setUp()
  const stream = new LibraryStream()
  stream.roomBytes = 0
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.send(new Uint8Array(2000))
  t.is(stream.writeBufferLength, 2000)
  // The burst but for these 2000 bytes and their overhead: as good as used up.
  new TestFlow('b', 'normal').offer(setup.manager, BURST - 2000)
  const flow = new TestFlow('c', 'normal')
  flow.offer(setup.manager, 2000, 1)
  t.is(flow.sentBytes, 0)
  shaped.abort(new Error('enough'))
  t.is(stream.resets, 1)
  t.is(flow.sentBytes, 2001)
  t.is(setup.time.deadlines.size, 0)
})

test('a stream without room is passed over, and goes on when it has some', async t => {
  const setup = setUp()
  const stream = new LibraryStream()
  stream.roomBytes = 1000
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.send(new Uint8Array(8000))
  setup.time.runTo(100)
  const flow = new TestFlow('c', 'normal')
  flow.offer(setup.manager, 1000)
  t.is(flow.sentBytes, 1000)
  for (let i = 0; i < 10; i++) {
    stream.makeRoom(1000)
    await microtasks()
    setup.time.runTo(setup.time.now() + 100)
  }
  t.is(stream.sent.reduce((sum, bytes) => sum + bytes), 8000)
  t.is(shaped.writeBufferLength, 0)
})

test('a stream that fails while it is sent on is aborted, and others are served', async t => {
  const setup = setUp()
  block(setup)
  const [stream] = PairedStream.pair()
  stream.send = () => { throw new Error('broken') }
  let ended: Error | undefined
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  shaped.addEventListener('close', ({ error }) => { ended = error })
  shaped.send(new Uint8Array(10))
  const flow = new TestFlow('c', 'normal')
  flow.offer(setup.manager, 1000)
  setup.time.runTo(100)
  t.is(ended?.message, 'broken')
  t.is(flow.sentBytes, 1000)
})

test('a list of chunks is sent as its bytes, and nothing as nothing', async t => {
  const setup = setUp()
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  // Two chunks that come before anybody listens are one list.
  stream.arrive(3)
  stream.arrive(4)
  shaped.addEventListener('message', ({ data }) => {
    t.false(data instanceof Uint8Array)
    shaped.send(data)
    shaped.send(new Uint8Array(0))
  })
  await microtasks()
  t.deepEqual(stream.sent, [7])
})

test('a send queue gives each byte once and in order, whatever is pushed and granted, and counts as much as it answers', t => {
  const action = fc.oneof(fc.record({ push: fc.integer({ min: 1, max: 300 }) }), fc.record({ grant: fc.integer({ min: SEND_OVERHEAD_BYTES + 1, max: 400 }) }))
  fc.assert(fc.property(fc.array(action, { maxLength: 40 }), actions => {
    const [stream] = PairedStream.pair()
    const out: number[] = []
    stream.send = data => {
      out.push(...data)
      return true
    }
    let told = 0
    const queue = new SendQueue(stream, 'b', 'normal', bytes => { told += bytes })
    let pushed = 0
    let answered = 0
    for (const step of [...actions, ...Array.from({ length: 300 }, () => ({ grant: 400 }))]) {
      if ('push' in step) {
        queue.push(Uint8Array.from({ length: step.push }, () => pushed++))
      } else if (queue.backlogBytes > 0) {
        const bytes = queue.transmit(step.grant)
        if (bytes === 0 || bytes > step.grant) {
          return false
        }
        answered += bytes
      }
    }
    return queue.queuedBytes === 0 && told === answered && out.length === pushed && out.every((byte, i) => byte === i % 256)
  }))
  t.pass()
})

test('what comes faster than the rate pauses the stream until it is paid for, and it is as if it had come later', async t => {
  const setup = setUp()
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'bulk')
  let received = 0
  shaped.addEventListener('message', ({ data }) => { received += data.byteLength })
  stream.arrive(BURST + 5000)
  t.is(stream.readStatus, 'paused')
  t.is(shaped.readStatus, 'readable')
  stream.arrive(1000)
  t.is(received, BURST + 5000)
  setup.time.runTo(4.9)
  t.is(received, BURST + 5000)
  setup.time.runTo(5.1)
  t.is(received, BURST + 6000)
  t.is(setup.manager.metrics.download.bulk.bytes, BURST + 6000)
})

test('bulk is paused before normal, and normal before urgent', t => {
  const setup = setUp()
  const streams = (['bulk', 'normal', 'urgent'] as const).map(name => {
    const stream = new LibraryStream()
    setup.manager.shape(stream, 'b', name).addEventListener('message', () => {})
    return stream
  })
  const paused = (): boolean[] => {
    for (const stream of streams) {
      stream.arrive(1)
    }
    return streams.map(({ readStatus }) => readStatus === 'paused')
  }
  t.deepEqual(paused(), [false, false, false])
  streams[2].arrive(BURST + 1000)
  t.deepEqual(paused(), [true, false, false])
  streams[2].arrive(60_000)
  t.deepEqual(paused(), [true, true, false])
  streams[2].arrive(200_000)
  t.deepEqual(streams.map(({ readStatus }) => readStatus === 'paused'), [true, true, true])
  // And are resumed the other way round.
  setup.time.runTo(100)
  t.deepEqual(streams.map(({ readStatus }) => readStatus === 'paused'), [true, true, false])
})

test('an end that comes while the stream is paused does not overtake what is unread, though libp2p\'s iteration ends with it', async t => {
  const setup = setUp()
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'bulk')
  const read = (async () => {
    let bytes = 0
    for await (const chunk of shaped) {
      bytes += chunk.byteLength
    }
    return bytes
  })()
  await microtasks()
  await shaped.close()
  stream.arrive(BURST + 5000)
  stream.arrive(3000)
  stream.end()
  await microtasks()
  t.is(stream.status, 'closed')
  setup.time.runTo(100)
  t.is(await read, BURST + 8000)
})

test('its user\'s pause and the rate\'s are two: only when both are over is the stream read', t => {
  const setup = setUp()
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'bulk')
  shaped.addEventListener('message', () => {})
  stream.arrive(BURST + 5000)
  shaped.pause()
  setup.time.runTo(100)
  t.is(stream.readStatus, 'paused')
  t.is(shaped.readStatus, 'paused')
  shaped.resume()
  t.is(stream.readStatus, 'readable')
  stream.arrive(2 * BURST)
  shaped.pause()
  shaped.resume()
  t.is(stream.readStatus, 'paused')
})

test('a paused stream that closes is forgotten, and no timer is left for it', t => {
  const setup = setUp()
  const stream = new LibraryStream()
  setup.manager.shape(stream, 'b', 'bulk').addEventListener('message', () => {})
  stream.arrive(BURST + 5000)
  t.is(setup.manager.metrics.pausedStreams, 1)
  stream.abort(new Error('enough'))
  t.is(setup.manager.metrics.pausedStreams, 0)
  // Calm for a second: what was saturated is not any more.
  t.true(setup.manager.metrics.saturated.download)
  setup.time.runTo(1000)
  t.false(setup.manager.metrics.saturated.download)
  t.is(setup.time.deadlines.size, 0)
})

test('stopping the manager sends what waits, resumes what is paused, and leaves streams that work', t => {
  const setup = setUp()
  block(setup)
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'bulk')
  let received = 0
  shaped.addEventListener('message', ({ data }) => { received += data.byteLength })
  shaped.send(new Uint8Array(50_000))
  stream.arrive(BURST + 500_000)
  stream.arrive(7)
  setup.manager.stop()
  t.is(stream.sent.reduce((sum, bytes) => sum + bytes), 50_000)
  t.is(received, BURST + 500_007)
  t.is(setup.time.deadlines.size, 0)
  shaped.send(new Uint8Array(9))
  stream.arrive(9e6)
  t.is(stream.sent.at(-1), 9)
  t.is(received, BURST + 500_007 + 9e6)
  t.deepEqual(setup.recorder.events.map(({ type, reason }) => `${type} ${reason}`), [
    'bandwidth:stream-paused rate', 'bandwidth:saturated streams', 'bandwidth:stream-resumed stopped', 'bandwidth:saturated idle'
  ])
})

test('listeners are called once where they ask for it, can be objects, and end with their signal', t => {
  const setup = setUp()
  const stream = new LibraryStream()
  const shaped = setup.manager.shape(stream, 'b', 'normal')
  const calls: string[] = []
  const controller = new AbortController()
  shaped.addEventListener('remoteCloseWrite', () => calls.push('once'), { once: true })
  shaped.addEventListener('remoteCloseWrite', { handleEvent: () => { calls.push('object') } })
  shaped.addEventListener('remoteCloseWrite', () => calls.push('signal'), { signal: controller.signal })
  const removed = (): void => { calls.push('removed') }
  shaped.addEventListener('remoteCloseWrite', removed)
  shaped.removeEventListener('remoteCloseWrite', removed)
  controller.abort()
  stream.end()
  t.deepEqual(calls, ['once', 'object'])
})

test('the middleware hands an appended handler to the stream that it was appended for, and to no other', async t => {
  const chain = new MiddlewareChain(stream => stream)
  const [outbound, inbound] = PairedStream.pair()
  const connection = {} as Connection
  const passed: string[] = []
  const run = (stream: PairedStream): void => {
    void chain[0](stream, connection, ({ direction }) => passed.push(direction))
  }
  chain.push((stream, connection, next) => {
    passed.push('handler')
    next(stream, connection)
  })
  run(inbound)
  run(outbound)
  t.is(chain.length, 1)
  t.deepEqual(passed, ['handler', 'inbound', 'outbound'])
})
