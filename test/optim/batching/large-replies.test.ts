import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { parseBatchingOptions } from '../../../src/optim/batching/options.ts'
import { PacedUplink } from './paced-uplink.ts'
import { bytes, only, outcome, PROTOCOL, setting } from './setting.ts'
import type { MessageBatchingOptions } from '../../../src/optim/batching/options.ts'

const MEBIBYTE = 1024 * 1024
/** Frames of the responder, whatever they carry. */
const LARGEST_FRAME = 66_048 + 3

test('a reply of several megabytes comes whole and in order, in frames of the usual size, and its parts are seen', async t => {
  await setting(async ({ client, server }) => {
    const reply = Uint8Array.from({ length: 3 * MEBIBYTE + 5 }, (_, i) => (i * 31 + (i >> 8)) & 255)
    await server.batching.handle(PROTOCOL, () => reply)
    let parts = 0
    const received = await client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { hooks: { progress: () => { parts++ } } })
    t.true(Buffer.from(received).equals(reply))
    t.true(parts >= 3 * MEBIBYTE / (16 * 1024))
    t.true(only(server.events, 'batching:batch-sent').every(({ wireBytes }) => wireBytes <= LARGEST_FRAME))
  })
})

test('each size about the borders of items and parts comes back as it was', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, payload => bytes(new DataView(payload.buffer, payload.byteOffset).getUint32(0), 9))
    for (const size of [0, 1, 16_384, 65_535, 65_536, 65_537, 81_919, 81_920, 81_921]) {
      const question = new Uint8Array(4)
      new DataView(question.buffer).setUint32(0, size)
      const reply = await client.batching.request(server.node.peerId, PROTOCOL, question)
      t.is(reply.length, size)
      t.true(reply.every(byte => byte === 9))
    }
  })
})

test('a reply that becomes larger than is taken is given up and cancelled; the stream goes on, and nothing is kept of it', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload[0] === 1 ? bytes(2 * MEBIBYTE) : payload)
    const request = async (i: number): Promise<string> => await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1, i)))
    t.deepEqual(await Promise.all([request(1), request(0)]), ['ERR_FRAME_TOO_LARGE', 'resolved'])
    t.is(await request(2), 'resolved')
    t.is(client.batching.metrics.violations + server.batching.metrics.violations, 0)
    t.is(only(client.events, 'batching:stream').length, 1)
    t.is(server.batching.metrics.waitingReplyBytes, 0)
  }, { client: { maximumReplyPayloadBytes: MEBIBYTE } })
})

test('an urgent reply passes a large one of bulk', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload[0] === 1 ? bytes(MEBIBYTE) : payload)
    const order: string[] = []
    const large = client.batching.request(server.node.peerId, PROTOCOL, bytes(1, 1), { class: 'bulk', hooks: { progress: () => { order.push('part') } } })
    await sleep(clock, 500)
    await client.batching.request(server.node.peerId, PROTOCOL, bytes(1, 0), { class: 'urgent' })
    order.push('urgent')
    await large
    // A megabyte takes ten seconds here, the urgent reply a stream and a round trip.
    t.true(order.lastIndexOf('part') > order.indexOf('urgent'))
    t.true(order.indexOf('urgent') < 10)
  }, { server: { codecs: [] }, serverUplink: clock => new PacedUplink(clock, 1e6, 100_000, 16_384) })
})

test('of a large reply that nobody waits for any more, the rest is not sent', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload[0] === 1 ? bytes(MEBIBYTE) : payload)
    const controller = new AbortController()
    clock.setTimeout(() => controller.abort(new Error('enough')), 500)
    await t.throwsAsync(client.batching.request(server.node.peerId, PROTOCOL, bytes(1, 1), { signal: controller.signal }), { message: 'enough' })
    t.is(await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1, 0))), 'resolved')
    // 0.5 s and a few round trips at 1 Mbit/s, and what the window lets be under way.
    t.true(server.batching.metrics.wireBytesSent < 0.7 * 125_000 + 100_000)
  }, { server: { codecs: [] }, serverUplink: clock => new PacedUplink(clock, 1e6, 100_000, 16_384) })
})

for (const size of [9 * MEBIBYTE, 20 * MEBIBYTE]) {
  test(`a reply of ${size / MEBIBYTE} MiB is given and taken where both sides take so much, whatever the other defaults`, async t => {
    await setting(async ({ client, server }) => {
      await server.batching.handle(PROTOCOL, () => bytes(size))
      t.is((await client.batching.request(server.node.peerId, PROTOCOL, bytes(1))).length, size)
      t.is(server.batching.metrics.refusals, 0)
    }, { client: { maximumReplyPayloadBytes: size }, server: { maximumReplyPayloadBytes: size, codecs: [] } })
  })
}

test('several large replies at once come, though the requests behind them are not read meanwhile', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, () => bytes(3 * MEBIBYTE))
    const requests = [client.batching.request(server.node.peerId, PROTOCOL, bytes(1)), client.batching.request(server.node.peerId, PROTOCOL, bytes(1))]
    await sleep(clock, 50)
    requests.push(client.batching.request(server.node.peerId, PROTOCOL, bytes(1)))
    t.deepEqual((await Promise.all(requests)).map(({ length }) => length), Array.from({ length: 3 }, () => 3 * MEBIBYTE))
    t.is(server.batching.metrics.stalls, 0)
  }, { server: { codecs: [] } })
})

test('the smallest bound on replies still lets one of that size through', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, () => bytes(1))
    t.is((await client.batching.request(server.node.peerId, PROTOCOL, bytes(1))).length, 1)
  }, { server: { maximumReplyPayloadBytes: 1 } })
})

const CONTRADICTIONS: ReadonlyArray<readonly [options: MessageBatchingOptions, path: string]> = [
  [{ maximumReplyPayloadBytes: 5 * MEBIBYTE, maximumReplyBytes: 8 * MEBIBYTE }, 'maximumReplyBytes'],
  [{ maximumReplyBytes: MEBIBYTE }, 'maximumReplyBytes'],
  [{ maximumReplyPayloadBytes: 5 * MEBIBYTE, maximumReplyBytesInAll: 8 * MEBIBYTE }, 'maximumReplyBytesInAll'],
  [{ maximumReplyBytes: 16 * MEBIBYTE, maximumReplyBytesInAll: 8 * MEBIBYTE }, 'maximumReplyBytesInAll'],
  [{ maximumFrameBytes: MEBIBYTE, maximumRunningBytes: MEBIBYTE - 1 }, 'maximumRunningBytes']
]

for (const [options, path] of CONTRADICTIONS) {
  test(`options that contradict each other are refused where they are given: ${JSON.stringify(options)}`, t => {
    t.throws(() => parseBatchingOptions(options), { code: 'ERR_INVALID_OPTION', message: new RegExp(`at messageBatching\\.${path};`) })
  })
}
