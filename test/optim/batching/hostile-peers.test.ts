import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { TwinwireError } from '../../../src/core/errors.ts'
import { encodeFrame } from '../../../src/optim/frames.ts'
import { compress } from '../../../src/optim/batching/compression/codecs.ts'
import { BatchEncoder } from '../../../src/optim/batching/wire/batch-encoder.ts'
import { PacedUplink } from './paced-uplink.ts'
import { openRaw, serveRaw } from './raw-peer.ts'
import { bytes, only, outcome, PROTOCOL, setting } from './setting.ts'
import type { RawEnd } from './raw-peer.ts'
import type { Item } from '../../../src/optim/batching/wire/items.ts'

const RTT = 20

/** Replies to each request of a batch, and acknowledges it. */
function answers (items: readonly Item[]): Item[] {
  return items.flatMap(item => item.kind === 'request' ? [{ kind: 'reply' as const, id: item.id, attempt: item.attempt, payload: item.payload }] : [])
}

const VIOLATIONS: ReadonlyArray<{ readonly name: string, readonly act: (end: RawEnd, id: number) => void }> = [
  { name: 'answers twice', act: (end, id) => end.send([reply(id), reply(id)], { batch: 1, heldUs: 0 }) },
  { name: 'answers somebody else\'s id', act: (end, id) => end.send([reply(id + 100)], { batch: 1, heldUs: 0 }) },
  { name: 'answers another attempt', act: (end, id) => end.send([{ ...reply(id), attempt: 2 }]) },
  { name: 'refuses a message that was not sent', act: (end, id) => end.send([{ kind: 'refusal', id, attempt: 0, code: 'failed', text: '' }]) },
  { name: 'acknowledges what was not sent', act: end => end.send([], { batch: 100, heldUs: 0 }) },
  { name: 'sends a frame with no end to its length', act: ({ stream }) => { stream.send(bytes(10, 0x80)) } },
  { name: 'announces more than was agreed', act: ({ stream }) => { stream.send(Uint8Array.of(0xff, 0xff, 0xff, 0x7f)) } },
  { name: 'sends what is no batch', act: ({ stream }) => { stream.send(encodeFrame(bytes(30, 0xff))) } },
  { name: 'sends a batch that becomes larger than was agreed', act: ({ stream }) => { stream.send(encodeFrame(bomb(10_000_000))) } },
  { name: 'sends a batch that becomes larger than it says', act: ({ stream }) => { stream.send(encodeFrame(bomb(100_000, 100))) } },
  { name: 'sends its settings again', act: end => end.send([{ kind: 'settings', maximumFrameBytes: 100_000, maximumRequests: 5 }]) }
]

function reply (id: number): Item & { readonly kind: 'reply' } {
  return { kind: 'reply', id, attempt: 1, payload: bytes(1) }
}

/** A body of the DEFLATE codec that yields so many bytes, and says so or something else. */
function bomb (plainBytes: number, claimedBytes = plainBytes): Uint8Array {
  const packed = compress('deflate', new Uint8Array(plainBytes))
  const length: number[] = []
  for (let rest = claimedBytes; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      length.push(rest)
      break
    }
    length.push(rest % 128 + 128)
  }
  return Uint8Array.of(2 | 1 << 2, ...length, ...packed)
}

for (const { name, act } of VIOLATIONS) {
  test(`a peer that ${name} loses its stream, what was under way may have arrived, and no other peer is touched`, async t => {
    await setting(async ({ clock, client, server, side }) => {
      const good = side('good')
      await good.batching.handle(PROTOCOL, async payload => {
        await sleep(clock, 200)
        return payload
      })
      serveRaw(server.node, (batch, end) => {
        const [item] = batch.items
        if (item?.kind === 'request') {
          act(end, item.id)
        }
      })
      const beside = outcome(client.batching.request(good.node.peerId, PROTOCOL, bytes(1)))
      const request = client.batching.request(server.node.peerId, PROTOCOL, bytes(1))
      const other = client.batching.request(server.node.peerId, PROTOCOL, bytes(1))
      const results = await Promise.allSettled([request, other])
      const errors = results.flatMap(result => result.status === 'rejected' && result.reason instanceof TwinwireError ? [result.reason] : [])
      // Where the first was answered before the violation, it has its answer.
      t.true(errors.length >= 1 && errors.every(({ code, cause }) => code === 'ERR_STREAM_CLOSED' && cause instanceof TwinwireError), String(errors))
      t.is(client.batching.metrics.violations, 1)
      t.is(only(client.events, 'batching:violation').length, 1)
      t.deepEqual(client.node.leases, ['discarded'])
      t.is(await beside, 'resolved')
    })
  })
}

test('an acknowledgement that goes back is a violation', async t => {
  await setting(async ({ client, server }) => {
    let asked = 0
    serveRaw(server.node, ({ items }, end) => {
      if (items.length > 0) {
        asked++
        end.send(answers(items), { batch: asked < 3 ? end.batches.length : 1, heldUs: 0 })
      }
    })
    for (let i = 0; i < 3; i++) {
      t.is(client.batching.metrics.violations, 0)
      await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1)))
    }
    t.is(client.batching.metrics.violations, 1)
  })
})

test('a peer that never reads holds no more than the window and the queue, and is given up when it stalls', async t => {
  const link = { capacityBytes: 8 * 1024 }
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, () => {})
    const { peerId } = server.node
    await client.batching.send(peerId, PROTOCOL, bytes(1))
    const [stream] = client.node.connectionTo('server').streams
    stream.remote.readsBytesPerSecond = 1e-4
    const outcomes = Array.from({ length: 40 }, async () => await outcome(client.batching.send(peerId, PROTOCOL, bytes(1_000))))
    let mostBytes = 0
    for (let i = 0; i < 100; i++) {
      await sleep(clock, 10)
      mostBytes = Math.max(mostBytes, stream.unreadThere)
    }
    // A batch is sent while there is room, so one may go above it.
    t.true(mostBytes <= 8 * 1024 + 64 * 1024, String(mostBytes))
    t.true(client.batching.metrics.queuedBytes <= 20_000)
    const results = await Promise.all(outcomes)
    t.true(results.filter(result => result === 'ERR_QUEUE_FULL').length >= 20)
    t.is(client.batching.metrics.stalls, 1)
    t.is(client.node.leases.filter(lease => lease === 'timeout').length, 1)
  }, { link, client: { maximumQueuedBytesPerPeer: 20_000, stallTimeoutMs: 2_000 } })
})

test('a peer that reads a byte a second is given up too, and no other waits for it', async t => {
  await setting(async ({ clock, client, server, side }) => {
    const good = side('good')
    await good.batching.handle(PROTOCOL, payload => payload)
    await server.batching.handle(PROTOCOL, payload => payload)
    const { peerId } = server.node
    await client.batching.request(peerId, PROTOCOL, bytes(1))
    const [stream] = client.node.connectionTo('server').streams
    stream.remote.readsBytesPerSecond = 1
    const slow = outcome(client.batching.request(peerId, PROTOCOL, bytes(5_000)))
    const startMs = clock.now()
    await client.batching.request(good.node.peerId, PROTOCOL, bytes(5_000))
    t.is(clock.now() - startMs, 2 * RTT)
    t.is(await slow, 'ERR_STREAM_CLOSED')
    t.true(clock.now() - startMs <= 2_000 + RTT)
  }, { client: { stallTimeoutMs: 2_000 } })
})

test('replies to a peer that does not read them are bounded, and its stream is given up', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async () => bytes(10_000))
    const end = await openRaw(client.node, 'server')
    end.stream.readsBytesPerSecond = 1e-4
    for (let id = 1; id <= 60; id++) {
      end.send([{ kind: 'request', id, attempt: 1, protocol: PROTOCOL, payload: bytes(1) }])
      await sleep(clock, 1)
      t.true(server.batching.metrics.waitingReplyBytes <= 100_000)
    }
    t.true(end.stream.remote.paused)
    await sleep(clock, 20_000)
    t.is(end.stream.status, 'reset')
    t.is(server.batching.metrics.incomingStreams, 0)
    t.is(server.batching.metrics.waitingReplyBytes, 0)
  }, { server: { maximumReplyBytes: 100_000, maximumReplyPayloadBytes: 50_000 }, link: { capacityBytes: 4 * 1024 } })
})

test('refusals to a peer that does not read them are bounded', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, () => {})
    const end = await openRaw(client.node, 'server')
    end.stream.readsBytesPerSecond = 1e-4
    for (let i = 0; i < 100; i++) {
      end.send(Array.from({ length: 10 }, (_, j) => ({ kind: 'message', id: 10 * i + j, protocol: '/other', payload: bytes(1) })))
      await sleep(clock, 1)
    }
    t.true(end.stream.remote.paused)
    // As many as may wait, those that the stream had room for (kind, id, attempt, code and length are 5 bytes), and the last batch.
    t.true(server.batching.metrics.refusals <= 32 + 512 / 5 + 10, String(server.batching.metrics.refusals))
  }, { server: { maximumRequests: 32 }, link: { capacityBytes: 512 } })
})

test('a refused message is not taken for delivered, however long its refusal waits', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, () => {})
    const { peerId } = server.node
    const first = outcome(client.batching.send(peerId, '/other', bytes(1)))
    await sleep(clock, 2 * RTT)
    const startMs = clock.now()
    const second = outcome(client.batching.send(peerId, '/other', bytes(1)))
    const third = outcome(client.batching.send(peerId, PROTOCOL, bytes(1), { class: 'urgent' }))
    t.deepEqual(await Promise.all([first, second, third]), ['ERR_UNSUPPORTED_PROTOCOL', 'ERR_UNSUPPORTED_PROTOCOL', 'resolved'])
    // The first refusal takes the way out for longer than a round trip.
    t.true(clock.now() - startMs > 2 * RTT)
  }, { serverUplink: clock => new PacedUplink(clock, 1_000) })
})

test('a flood of requests is refused above what the settings say, each one by itself', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async payload => {
      await sleep(clock, 1_000)
      return payload
    })
    const end = await openRaw(client.node, 'server')
    end.send(Array.from({ length: 50 }, (_, i) => ({ kind: 'request', id: i + 1, attempt: 1, protocol: PROTOCOL, payload: bytes(1) })))
    await sleep(clock, 500)
    t.is(server.batching.metrics.running, 32)
    t.is(end.items.filter(item => item.kind === 'refusal' && item.code === 'overloaded').length, 50 - 32)
    await sleep(clock, 1_000)
    t.is(end.items.filter(({ kind }) => kind === 'reply').length, 32)
  }, { server: { maximumRequests: 32 } })
})

test('above the bound on running handlers nothing more is read, and all is served in the end', async t => {
  await setting(async ({ clock, client, server }) => {
    let most = 0
    let running = 0
    await server.batching.handle(PROTOCOL, async payload => {
      most = Math.max(most, ++running)
      await sleep(clock, 50)
      running--
      return payload
    })
    const results = await Promise.all(Array.from({ length: 30 }, async (_, i) => await client.batching.request(server.node.peerId, PROTOCOL, bytes(1, i), { class: i % 2 === 0 ? 'urgent' : 'bulk' })))
    t.deepEqual(results.map(([byte]) => byte), Array.from({ length: 30 }, (_, i) => i))
    // Half, of a peer that is alone.
    t.is(most, 4)
  }, { server: { maximumRunning: 8 } })
})

test('what came at once is begun as there is room, and no more of it is decoded meanwhile', async t => {
  await setting(async ({ clock, client, server }) => {
    let most = 0
    let running = 0
    await server.batching.handle(PROTOCOL, async payload => {
      most = Math.max(most, ++running)
      await sleep(clock, 5)
      running--
      return payload
    })
    const end = await openRaw(client.node, 'server')
    const encoder = new BatchEncoder()
    const frames = Array.from({ length: 100 }, (_, i) => {
      encoder.begin('normal')
      encoder.add({ kind: 'request', id: i + 1, attempt: 1, protocol: PROTOCOL, payload: bytes(1_000) })
      return encoder.finish({ codec: 'none', acknowledgement: undefined }).frame
    })
    end.stream.send(Uint8Array.from(frames.flatMap(frame => [...frame])))
    await sleep(clock, 50)
    t.true(server.batching.metrics.batchesReceived <= 50 / 5 * 4 + 4 + 1, String(server.batching.metrics.batchesReceived))
    await sleep(clock, 1_000)
    t.is(most, 4)
    t.deepEqual(end.items.flatMap(item => item.kind === 'reply' ? [item.id] : []), Array.from({ length: 100 }, (_, i) => i + 1))
  }, { server: { maximumRunning: 8 } })
})

test('of bytes that hold many batches, which become large, one is decompressed at a time while handlers are at work', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async () => { await sleep(clock, 50) })
    const end = await openRaw(client.node, 'server')
    const encoder = new BatchEncoder()
    const frames = Array.from({ length: 52 }, (_, i) => {
      encoder.begin('normal')
      encoder.add({ kind: 'message', id: i + 1, protocol: PROTOCOL, payload: bytes(60_000) })
      return encoder.finish({ codec: 'deflate', acknowledgement: undefined }).frame
    })
    const wire = Uint8Array.from(frames.flatMap(frame => [...frame]))
    t.true(wire.length < 16 * 1024)
    end.stream.send(wire)
    await sleep(clock, RTT / 2 + 1)
    // Two at work, and one that waits.
    t.is(server.batching.metrics.running, 2)
    t.is(server.batching.metrics.batchesReceived, 3)
    await sleep(clock, 52 / 2 * 50 + RTT)
    t.is(server.batching.metrics.batchesReceived, 52)
    t.is(server.batching.metrics.running, 0)
    t.is(server.batching.metrics.violations, 0)
  }, { server: { maximumRunning: 4 } })
})

test('a small payload is charged for all of the batch that it keeps', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async () => { await sleep(clock, 50) })
    const end = await openRaw(client.node, 'server')
    for (let id = 1; id <= 20; id += 2) {
      // The second message has no handler, and makes the batch large.
      end.send([{ kind: 'message', id, protocol: PROTOCOL, payload: bytes(1) }, { kind: 'message', id: id + 1, protocol: '/other', payload: bytes(60_000) }])
    }
    await sleep(clock, RTT / 2 + 1)
    // With a third batch of 60,020 bytes it would have more than is left of the 245,000.
    t.is(server.batching.metrics.running, 2)
    await sleep(clock, 1_000)
    t.is(server.batching.metrics.refusals, 10)
    t.is(server.batching.metrics.running, 0)
  }, { server: { maximumRunningBytes: 245_000 } })
})

test('what is cancelled in the batch that it came in is never begun, among thousands', async t => {
  await setting(async ({ clock, client, server }) => {
    const begun: number[] = []
    await server.batching.handle(PROTOCOL, async payload => { begun.push(payload[0]) })
    const end = await openRaw(client.node, 'server')
    const many = 2_000
    const requests = Array.from({ length: many }, (_, i): Item => ({ kind: 'request', id: i, attempt: 1, protocol: PROTOCOL, payload: bytes(1, i % 7) }))
    const cancels = requests.flatMap((_, i): Item[] => i % 500 === 499 ? [] : [{ kind: 'cancel', id: i, attempt: 1 }])
    end.send([...requests, ...cancels])
    await sleep(clock, 4 * RTT)
    t.deepEqual(begun, [499, 999, 1_499, 1_999].map(i => i % 7))
    t.deepEqual(end.items.flatMap(item => item.kind === 'reply' ? [item.id] : []), [499, 999, 1_499, 1_999])
    t.is(server.batching.metrics.running, 0)
  })
})

test('the same request twice while it runs is a violation', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async () => { await sleep(clock, 1_000) })
    const end = await openRaw(client.node, 'server')
    const request: Item = { kind: 'request', id: 1, attempt: 1, protocol: PROTOCOL, payload: bytes(1) }
    end.send([request, request])
    await sleep(clock, RTT)
    t.is(server.batching.metrics.violations, 1)
    await sleep(clock, RTT)
    t.is(end.stream.status, 'reset')
  })
})

test('attempts at one request without number are bounded as requests are', async t => {
  await setting(async ({ clock, client, server }) => {
    let calls = 0
    await server.batching.handle(PROTOCOL, async () => {
      calls++
      await sleep(clock, 1_000)
    })
    const end = await openRaw(client.node, 'server')
    end.send(Array.from({ length: 1_000 }, (_, i) => ({ kind: 'request', id: 1, attempt: i + 1, protocol: PROTOCOL, payload: bytes(1) })))
    await sleep(clock, 500)
    t.is(calls, 1)
    t.is(server.batching.metrics.joined, 31)
    t.is(end.items.filter(({ kind }) => kind === 'refusal').length, 1_000 - 32)
  }, { server: { maximumRequests: 32 } })
})

test('a stream that ends in the middle of a batch ends what it has begun', async t => {
  await setting(async ({ clock, client, server }) => {
    let aborted = 0
    await server.batching.handle(PROTOCOL, async (_payload, { signal }) => {
      await sleep(clock, 1_000, signal).catch(() => { aborted++ })
    })
    const end = await openRaw(client.node, 'server')
    end.send([{ kind: 'request', id: 1, attempt: 1, protocol: PROTOCOL, payload: bytes(1) }])
    end.stream.send(Uint8Array.of(100, 1, 2))
    await end.stream.close()
    await sleep(clock, RTT)
    t.is(aborted, 1)
    t.is(server.batching.metrics.incomingStreams, 0)
  })
})

test('a peer that ends every stream at once fails what waits after three', async t => {
  await setting(async ({ client, server }) => {
    const ends = serveRaw(server.node, (_batch, { stream }) => stream.abort(new Error('no')))
    const outcomes = await Promise.all(Array.from({ length: 20 }, async () => await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1)))))
    // Two went on each of three streams, and fourteen never left.
    t.is(ends.length, 3)
    t.deepEqual(outcomes, [...Array.from({ length: 6 }, () => 'ERR_STREAM_CLOSED'), ...Array.from({ length: 14 }, () => 'ERR_CONNECTION_RESET')])
  }, { client: { maximumMessages: 2 }, uplink: clock => new PacedUplink(clock, 1e9, 1) })
})

test('a peer that answers no cancelled request keeps no other from being sent', async t => {
  await setting(async ({ clock, client, server }) => {
    const { peerId } = server.node
    serveRaw(server.node, ({ items }, end) => {
      if (items.length > 0) {
        const last = end.batches.length
        end.send(answers(items.filter(item => item.kind === 'request' && item.payload[0] === 2)), { batch: last, heldUs: 0 })
      }
    })
    const controller = new AbortController()
    const forgotten = Array.from({ length: 32 }, async () => await outcome(client.batching.request(peerId, PROTOCOL, bytes(1, 1), { signal: controller.signal })))
    await sleep(clock, 100)
    const last = outcome(client.batching.request(peerId, PROTOCOL, bytes(1, 2)))
    await sleep(clock, 100)
    t.is(client.batching.metrics.queuedMessages, 1)
    controller.abort(new TwinwireError('ERR_ABORTED', 'enough'))
    t.deepEqual(new Set(await Promise.all(forgotten)), new Set(['ERR_ABORTED']))
    const startMs = clock.now()
    t.is(await last, 'resolved')
    // The cancels go at once, and their acknowledgement makes room.
    t.is(clock.now() - startMs, 2 * RTT)
  }, { client: { maximumRequests: 32 } })
})
