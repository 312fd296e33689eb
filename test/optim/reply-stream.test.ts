import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { BandwidthManager } from '../../src/optim/bandwidth/bandwidth-manager.ts'
import { Budget } from '../../src/optim/batching/budget.ts'
import { encodeFrame, FrameDecoder } from '../../src/optim/frames.ts'
import { serveRequests } from '../../src/optim/reply-stream.ts'
import { ManualTime } from './bandwidth/manual-time.ts'
import { LibraryStream } from './library-stream.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

/** The libp2p stream whose far end the test is. */
class ServedStream extends LibraryStream {
  readonly #decoder = new FrameDecoder()
  readonly replies: number[] = []

  override sendData (data: { readonly byteLength: number, subarray(): Uint8Array }): { sentBytes: number, canSendMore: boolean } {
    this.replies.push(...this.#decoder.push(data).map(([first]) => first))
    return super.sendData(data)
  }
}

interface Working {
  readonly numbers: number[]
  readonly finish: () => void
  readonly respond: (payload: Uint8Array) => Promise<Uint8Array>
}

/** A responder that answers one after the other, each when it is told to. */
function working (): Working {
  const numbers: number[] = []
  let done = Promise.withResolvers<void>()
  return {
    numbers,
    finish: () => {
      done.resolve()
      done = Promise.withResolvers()
    },
    respond: async payload => {
      numbers.push(payload[0])
      await done.promise
      return payload.subarray(0, 1)
    }
  }
}

function request (number: number, bytes = 1): Uint8Array {
  const payload = new Uint8Array(bytes)
  payload[0] = number
  return encodeFrame(payload)
}

async function turns (): Promise<void> {
  for (let i = 0; i < 30; i++) {
    await Promise.resolve()
  }
}

test('with more than one request waiting the stream is paused, and read on when one is left', async t => {
  const stream = new ServedStream()
  const { respond, finish, numbers } = working()
  const served = serveRequests(stream, respond)
  stream.arrive(request(0))
  await turns()
  stream.arrive(request(1))
  t.is(stream.readStatus, 'readable')
  stream.arrive(request(2))
  t.is(stream.readStatus, 'paused')
  stream.arrive(request(3))
  t.true(stream.readBufferLength > 0)
  finish()
  await turns()
  // Request 1 is being worked on, 2 waits, and 3 was read: one too many again.
  t.deepEqual(numbers, [0, 1])
  t.is(stream.readBufferLength, 0)
  t.is(stream.readStatus, 'paused')
  for (let i = 0; i < 3; i++) {
    finish()
    await turns()
  }
  t.deepEqual(stream.replies, [0, 1, 2, 3])
  stream.end()
  await served
  t.is(stream.status, 'closed')
})

test('of large requests beside the one being answered two at most lie decoded, however many come', async t => {
  const BYTES = 1024 * 1024
  let mostBytes = 0
  let takenBytes = 0
  const budget = {
    take: (bytes: number) => {
      takenBytes += bytes
      mostBytes = Math.max(mostBytes, takenBytes)
      return true
    },
    give: (bytes: number) => { takenBytes -= bytes }
  }
  const stream = new ServedStream()
  const { respond, finish } = working()
  const served = serveRequests(stream, respond, { budget })
  for (let i = 0; i < 16; i++) {
    // As the muxer hands it over; where it is paused, not more than that keeps.
    for (const frame = request(i, BYTES), pieces = { at: 0 }; pieces.at < frame.length; pieces.at += 65_536) {
      stream.arrive(frame.subarray(pieces.at, pieces.at + 65_536))
    }
    await turns()
    while (stream.readBufferLength > 2 * BYTES) {
      finish()
      await turns()
    }
  }
  stream.end()
  while (stream.status === 'open') {
    finish()
    await turns()
  }
  await served
  t.deepEqual(stream.replies, Array.from({ length: 16 }, (_, i) => i))
  t.is(takenBytes, 0)
  // One being answered and two that wait; and where it is read on, as many more as were kept unread: above two the test waits.
  t.true(mostBytes <= (1 + 2 + 2) * BYTES, `${mostBytes / BYTES} MiB`)
})

test('requests behind a pause are answered though the far side closes meanwhile, and the stream then closes', async t => {
  const stream = new ServedStream()
  const { respond, finish } = working()
  const served = serveRequests(stream, respond)
  for (let i = 0; i < 6; i++) {
    stream.arrive(request(i))
    await turns()
  }
  stream.end()
  for (let i = 0; i < 6; i++) {
    t.is(stream.replies.length, i)
    finish()
    await turns()
  }
  await served
  t.deepEqual(stream.replies, [0, 1, 2, 3, 4, 5])
  t.is(stream.status, 'closed')
})

test('a request whose sender closed before anybody served the stream is answered, and the stream closes', async t => {
  for (const requests of [1, 0]) {
    const stream = new ServedStream()
    if (requests === 1) {
      stream.arrive(request(7))
    }
    stream.end()
    await serveRequests(stream, payload => payload)
    t.deepEqual(stream.replies, requests === 1 ? [7] : [])
    t.is(stream.status, 'closed')
  }
})

test('a frame that is cut by the far side\'s close is noticed behind a pause, too, after what came whole was answered', async t => {
  const stream = new ServedStream()
  const { respond, finish } = working()
  const served = serveRequests(stream, respond)
  for (let i = 0; i < 4; i++) {
    stream.arrive(request(i))
    await turns()
  }
  stream.arrive(request(4, 100).subarray(0, 50))
  stream.end()
  for (let i = 0; i < 4; i++) {
    finish()
    await turns()
  }
  await served
  t.deepEqual(stream.replies, [0, 1, 2, 3])
})

for (const [how, end] of [['is reset', (stream: LibraryStream) => stream.reset()], ['is aborted', (stream: LibraryStream) => stream.abort(new Error('enough'))]] as const) {
  test(`a paused stream that ${how} is served no more, and its signal is aborted`, async t => {
    const stream = new ServedStream()
    const { respond, numbers } = working()
    const signals: AbortSignal[] = []
    const budget = new Budget(100, 1000)
    const served = serveRequests(stream, async (payload, { signal }) => {
      signals.push(signal)
      return await respond(payload)
    }, { budget })
    for (let i = 0; i < 5; i++) {
      stream.arrive(request(i))
      await turns()
    }
    end(stream)
    await served
    t.deepEqual(numbers, [0])
    t.true(signals[0].aborted)
    // The responder is still at it.
    t.is(budget.bytes, 1)
  })
}

test('one that has no room in the budget is reset, others go on, and all is given back when responders are done', async t => {
  const budget = new Budget(100, 250)
  const streams = [new ServedStream(), new ServedStream(), new ServedStream()]
  const { respond, finish } = working()
  const served = streams.map(async stream => await serveRequests(stream, respond, { budget }))
  streams.forEach((stream, i) => stream.arrive(request(i, 100)))
  await turns()
  t.deepEqual(streams.map(({ status }) => status), ['open', 'open', 'aborted'])
  t.is(budget.bytes, 200)
  finish()
  await turns()
  t.is(budget.bytes, 0)
  streams[0].arrive(request(7, 250))
  await turns()
  t.is(streams[0].status, 'open')
  finish()
  await turns()
  t.deepEqual(streams[0].replies, [0, 7])
  streams.forEach(stream => stream.end())
  await Promise.all(served)
  t.is(budget.messages, 0)
})

test('a shaped stream that is held up by the rate and by its server at once loses nothing', async t => {
  const time = new ManualTime()
  // 1000 bytes a millisecond, with a burst of 10 ms.
  const manager = new BandwidthManager({ clock: time, deadlines: time.deadlines, random: randomStream(1), host: 'a' }, { downloadBitsPerSecond: 8e6 })
  const stream = new ServedStream()
  const { respond, finish } = working()
  const served = serveRequests(manager.shape(stream, 'b', 'bulk'), respond)
  for (let i = 0; i < 10; i++) {
    stream.arrive(request(i, 20_000))
    await turns()
  }
  stream.end()
  for (let ms = 0; ms < 1000; ms += 10) {
    time.runTo(ms)
    finish()
    await turns()
  }
  await served
  t.deepEqual(stream.replies, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  t.is(stream.status, 'closed')
  manager.stop()
})

const actionArbitrary = fc.constantFrom('arrive', 'arrive', 'finish', 'turn')

test('whatever comes in whatever pieces, each request is answered once and in order', async t => {
  const schedule = fc.record({
    sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
    cuts: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
    actions: fc.array(actionArbitrary, { maxLength: 40 })
  })
  await fc.assert(fc.asyncProperty(schedule, async ({ sizes, cuts, actions }) => {
    const stream = new ServedStream()
    const { respond, finish } = working()
    const budget = new Budget(1000, 1e6)
    const served = serveRequests(stream, respond, { budget })
    const bytes = Buffer.concat(sizes.map((size, i) => request(i, size)))
    let at = 0
    let cut = 0
    const arrive = (): void => {
      const end = at + cuts[cut++ % cuts.length]
      stream.arrive(bytes.subarray(at, end))
      at = end
    }
    for (const action of actions) {
      if (action === 'arrive' && at < bytes.length) {
        arrive()
      } else if (action === 'finish') {
        finish()
      } else {
        await Promise.resolve()
      }
    }
    while (at < bytes.length) {
      arrive()
    }
    stream.end()
    for (let turn = 0; stream.status === 'open' && turn < 1000; turn++) {
      finish()
      await Promise.resolve()
    }
    await served
    return stream.status === 'closed' && budget.messages === 0 && stream.replies.length === sizes.length && stream.replies.every((number, i) => number === i)
  }))
  t.pass()
})
