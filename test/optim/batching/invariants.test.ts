import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { TwinwireError } from '../../../src/core/errors.ts'
import { PacedUplink } from './paced-uplink.ts'
import { serveRaw } from './raw-peer.ts'
import { bytes, only, outcome, PROTOCOL, setting } from './setting.ts'
import type { DeliveryHooks } from '../../../src/optim/batching/delivery.ts'
import type { Setting } from './setting.ts'
import type { BatchedOptions } from '../../../src/optim/batching/message-batching.ts'
import type { TrafficClass } from '../../../src/optim/traffic-class.ts'

const RTT = 80
const link = { rttMs: RTT }
/** An eighth of the round trip, and the maximum. */
const LINGER = RTT / 8

/** With a stream that is open and a round trip that is known. */
async function warm ({ clock, client, server }: Setting, trafficClass: TrafficClass = 'normal'): Promise<void> {
  await server.batching.handle(PROTOCOL, payload => payload)
  await client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { class: trafficClass })
  // Until the reply is acknowledged, and the stream given back.
  await sleep(clock, RTT)
}

test('what joins others under way waits for the linger and no longer', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await warm(environment)
    const first = client.batching.send(server.node.peerId, PROTOCOL, bytes(10))
    await sleep(clock, 1)
    const second = client.batching.send(server.node.peerId, PROTOCOL, bytes(10))
    await sleep(clock, 4)
    const third = client.batching.send(server.node.peerId, PROTOCOL, bytes(10))
    await Promise.all([first, second, third])
    t.deepEqual(only(client.events, 'batching:batch-sent').slice(1).map(({ reason, items, waitedMs }) => [reason, items, waitedMs]), [['idle', 1, 0], ['linger', 2, LINGER]])
  }, { link })
})

test('on a path that is short the linger is an eighth of its round trip', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await warm(environment)
    const first = client.batching.send(server.node.peerId, PROTOCOL, bytes(10))
    await sleep(clock, 1)
    await Promise.all([first, client.batching.send(server.node.peerId, PROTOCOL, bytes(10))])
    const last = only(client.events, 'batching:batch-sent').at(-1)
    t.is(last?.reason, 'linger')
    t.is(last?.waitedMs, 16 / 8)
  }, { link: { rttMs: 16 } })
})

test('what is urgent does not wait for company', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await warm(environment, 'urgent')
    const sends = [client.batching.send(server.node.peerId, PROTOCOL, bytes(10), { class: 'urgent' })]
    await sleep(clock, 1)
    sends.push(client.batching.send(server.node.peerId, PROTOCOL, bytes(10), { class: 'urgent' }))
    await Promise.all(sends)
    t.deepEqual(only(client.events, 'batching:batch-sent').slice(1).map(({ waitedMs }) => waitedMs), [0, 0])
  }, { link })
})

test('when all that is under way has arrived, what waits goes', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await warm(environment)
    const first = client.batching.send(server.node.peerId, PROTOCOL, bytes(10))
    await sleep(clock, RTT - 3)
    await Promise.all([first, client.batching.send(server.node.peerId, PROTOCOL, bytes(10))])
    const last = only(client.events, 'batching:batch-sent').at(-1)
    t.is(last?.reason, 'completion')
    t.is(last?.waitedMs, 3)
  }, { link })
})

test('a batch that is full goes at once, and the rest waits for company', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await warm(environment)
    const first = client.batching.send(server.node.peerId, PROTOCOL, bytes(10))
    await sleep(clock, 1)
    const sends = Array.from({ length: 25 }, async () => await client.batching.send(server.node.peerId, PROTOCOL, bytes(10)))
    await Promise.all([first, ...sends])
    t.deepEqual(only(client.events, 'batching:batch-sent').slice(2).map(({ reason, items, waitedMs }) => [reason, items, waitedMs]), [['full', 10, 0], ['full', 10, 0], ['linger', 5, LINGER]])
  }, { link, client: { maximumMessages: 10 } })
})

test('a batch is full from 64 KiB on, and holds no more', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await warm(environment)
    const sends = [client.batching.send(server.node.peerId, PROTOCOL, bytes(10))]
    await sleep(clock, 1)
    sends.push(...Array.from({ length: 20 }, async () => await client.batching.send(server.node.peerId, PROTOCOL, bytes(10_000))))
    await Promise.all(sends)
    const batches = only(client.events, 'batching:batch-sent').slice(2)
    t.deepEqual(batches.map(({ reason, items }) => [reason, items]), [['full', 6], ['full', 6], ['full', 6], ['linger', 2]])
    t.true(batches.every(({ plainBytes }) => plainBytes <= 64 * 1024))
  }, { link })
})

test('a burst on an idle link goes at once, all of it', async t => {
  await setting(async environment => {
    const { client, server } = environment
    await warm(environment)
    await Promise.all(Array.from({ length: 25 }, async () => await client.batching.send(server.node.peerId, PROTOCOL, bytes(10))))
    t.deepEqual(only(client.events, 'batching:batch-sent').slice(1).map(({ items, waitedMs }) => [items, waitedMs]), [[10, 0], [10, 0], [5, 0]])
  }, { link, client: { maximumMessages: 10 } })
})

test('where a grant has to be waited for, what waits meanwhile fills the batch', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await warm(environment)
    const sends: Array<Promise<void>> = []
    for (let i = 0; i < 40; i++) {
      sends.push(client.batching.send(server.node.peerId, PROTOCOL, bytes(50)))
      await sleep(clock, 1)
    }
    await Promise.all(sends)
    // 50 bytes a millisecond come, 25 go: grants of 600 bytes are 24 ms apart and are filled, which one by one they were not.
    const batches = only(client.events, 'batching:batch-sent').slice(1)
    t.true(batches.length <= 8, String(batches.length))
  }, { link, uplink: clock => new PacedUplink(clock, 200_000, 1_000_000) })
})

test('classes never share a batch', async t => {
  await setting(async environment => {
    const { client, server } = environment
    await warm(environment)
    const classes = ['urgent', 'normal', 'bulk'] as const
    await Promise.all(Array.from({ length: 30 }, async (_, i) => await client.batching.send(server.node.peerId, PROTOCOL, bytes(10), { class: classes[i % 3] })))
    t.deepEqual(only(client.events, 'batching:batch-sent').slice(1).map(({ class: trafficClass, items }) => `${items} ${trafficClass}`).toSorted(), ['10 bulk', '10 normal', '10 urgent'])
    t.is(client.node.connectionTo('server').streams.length, 3)
  }, { link })
})

test('a full queue refuses with ERR_QUEUE_FULL at once and drops nothing', async t => {
  await setting(async environment => {
    const { clock, client, server, side } = environment
    await warm(environment)
    const other = side('other')
    await other.batching.handle(PROTOCOL, () => {})
    const startMs = clock.now()
    const sends = Array.from({ length: 14 }, async () => await outcome(client.batching.send(server.node.peerId, PROTOCOL, bytes(10))))
    // Another peer has room of its own, as long as there is some in all.
    const beside = Array.from({ length: 7 }, async () => await outcome(client.batching.send(other.node.peerId, PROTOCOL, bytes(10))))
    t.deepEqual(await Promise.all(sends.slice(10)), Array.from({ length: 4 }, () => 'ERR_QUEUE_FULL'))
    t.is(clock.now(), startMs)
    t.deepEqual(await Promise.all([...sends.slice(0, 10), ...beside.slice(0, 5)]), Array.from({ length: 15 }, () => 'resolved'))
    t.deepEqual(await Promise.all(beside.slice(5)), ['ERR_QUEUE_FULL', 'ERR_QUEUE_FULL'])
    t.is(await outcome(client.batching.send(server.node.peerId, PROTOCOL, bytes(10))), 'resolved')
  }, { link, client: { maximumQueuedMessagesPerPeer: 10, maximumQueuedMessages: 15 } })
})

test('a payload that is too large for a batch is refused before anything is done', async t => {
  await setting(async ({ client, server }) => {
    t.is(await outcome(client.batching.send(server.node.peerId, PROTOCOL, bytes(64 * 1024 + 1))), 'ERR_FRAME_TOO_LARGE')
    t.is(client.node.connections.size, 0)
  }, { link })
})

test('a payload of 64 KiB goes in a frame that every peer takes', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload)
    const reply = await client.batching.request(server.node.peerId, PROTOCOL, bytes(64 * 1024))
    t.is(reply.length, 64 * 1024)
  }, { link })
})

test('one that cannot be sent fails alone: its siblings go', async t => {
  await setting(async environment => {
    const { client, server } = environment
    await warm(environment)
    const outcomes = await Promise.all([PROTOCOL, '', 'x'.repeat(300), PROTOCOL].map(async protocol => await outcome(client.batching.send(server.node.peerId, protocol, bytes(1)))))
    t.deepEqual(outcomes, ['resolved', 'ERR_BATCH_INVALID', 'ERR_BATCH_INVALID', 'resolved'])
  }, { link })
})

test('what waits for the window goes as acknowledgements come, and no more than the window is under way', async t => {
  const windowBytes = 3_000
  await setting(async environment => {
    const { client, server } = environment
    await warm(environment)
    const sends = Array.from({ length: 50 }, async () => await client.batching.send(server.node.peerId, PROTOCOL, bytes(500)))
    await Promise.all(sends)
    let underWay = 0
    for (const event of client.events) {
      if (event.type === 'batching:batch-sent') {
        underWay += event.wireBytes
      } else if (event.type === 'batching:acknowledged') {
        underWay -= event.bytes
      }
      // A header may go above what items alone come to.
      t.true(underWay <= windowBytes + 20, String(underWay))
    }
    t.true(only(client.events, 'batching:acknowledged').some(({ applicationLimited }) => !applicationLimited))
    t.true(client.observations.some(({ kind }) => kind === 'delivery'))
  }, { link, uplink: clock => new PacedUplink(clock, 1e9, windowBytes) })
})

/** Text, which compresses. */
function text (length: number): Uint8Array {
  return new TextEncoder().encode('the quick brown fox jumps over the lazy dog '.repeat(length / 44 + 1).slice(0, length))
}

const CONTEXTS: ReadonlyArray<{ readonly name: string, readonly messages: ReadonlyArray<readonly [protocol: string, options: BatchedOptions]>, readonly compressed: boolean }> = [
  { name: 'of one protocol', messages: [[PROTOCOL, {}], [PROTOCOL, {}]], compressed: true },
  { name: 'with a secret among them', messages: [[PROTOCOL, {}], [PROTOCOL, { sensitive: true }]], compressed: false },
  { name: 'of two protocols', messages: [[PROTOCOL, {}], ['/app/2', {}]], compressed: false },
  { name: 'of two origins in one protocol', messages: [[PROTOCOL, { compressionContext: 'a' }], [PROTOCOL, { compressionContext: 'b' }]], compressed: false },
  { name: 'of two protocols and one origin', messages: [[PROTOCOL, { compressionContext: 'a' }], ['/app/2', { compressionContext: 'a' }]], compressed: true }
]

for (const { name, messages, compressed } of CONTEXTS) {
  test(`messages ${name} are ${compressed ? '' : 'not '}compressed together`, async t => {
    await setting(async environment => {
      const { client, server } = environment
      await warm(environment)
      await server.batching.handle('/app/2', () => {})
      await Promise.all(messages.map(async ([protocol, options]) => await client.batching.send(server.node.peerId, protocol, text(2_000), options)))
      const batch = only(client.events, 'batching:batch-sent').at(-1)
      t.is(batch?.items, 2)
      t.is(batch?.codec !== 'none', compressed)
      t.is((batch?.wireBytes ?? 0) < 2_000, compressed)
    }, { link, uplink: clock => new PacedUplink(clock, 1_000_000, 1_000_000, 64 * 1024) })
  })
}

test('replies of a handler that holds secrets are not compressed', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle('/open', () => text(3_000))
    await server.batching.handle('/secret', () => text(3_000), { sensitive: true })
    await client.batching.request(server.node.peerId, '/open', bytes(1))
    await client.batching.request(server.node.peerId, '/secret', bytes(1))
    const codecs = only(server.events, 'batching:batch-sent').map(({ codec, wireBytes }) => [codec === 'none', wireBytes > 3_000])
    t.deepEqual(codecs, [[false, false], [true, true]])
  }, { link, serverUplink: clock => new PacedUplink(clock, 1_000_000, 1_000_000, 64 * 1024) })
})

test('an abort at whatever time settles once, leaves nothing, and leaves the others alone', async t => {
  // Dial, stream, linger, flight, work, reply: 5 ms apart.
  for (let abortAtMs = 0; abortAtMs < 400; abortAtMs += 5) {
    for (const code of ['ERR_ABORTED', 'ERR_TIMEOUT'] as const) {
      await setting(async ({ clock, client, server }) => {
        await server.batching.handle(PROTOCOL, async payload => {
          await sleep(clock, 50)
          return payload
        })
        const { peerId } = server.node
        const { signal, abort } = aborting()
        clock.setTimeout(() => abort(new TwinwireError(code, 'enough')), abortAtMs)
        const outcomes = [
          outcome(client.batching.request(peerId, PROTOCOL, bytes(1), { signal })),
          outcome(client.batching.request(peerId, PROTOCOL, bytes(1))),
          outcome(client.batching.send(peerId, PROTOCOL, bytes(1), { signal }))
        ]
        const [request, beside, message] = await Promise.all(outcomes)
        t.is(beside, 'resolved', `${abortAtMs} ms`)
        // Stream, flight and back, and between them the work, or the linger of an acknowledgement that may go with a reply.
        t.is(request, abortAtMs <= 2 * RTT + 50 ? code : 'resolved', `${abortAtMs} ms`)
        t.is(message, abortAtMs <= 2 * RTT + LINGER ? code : 'resolved', `${abortAtMs} ms`)
        await sleep(clock, 1_000)
        t.is(client.node.openLeases, 0, `${abortAtMs} ms`)
        t.is(client.batching.metrics.violations + server.batching.metrics.violations, 0, `${abortAtMs} ms`)
        t.is(client.deadlines.size + server.deadlines.size, 0, `${abortAtMs} ms`)
        t.is(server.batching.metrics.running, 0)
      }, { link })
    }
  }
})

function aborting (): { readonly signal: AbortSignal, readonly abort: (reason: Error) => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: reason => controller.abort(reason) }
}

test('a request is told apart by hooks: waiting, opening, sent, and nothing of it left where its stream could not be had', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload)
    const calls: string[] = []
    const hooks = (name: string): DeliveryHooks => ({
      connecting: () => calls.push(`${name} waits at ${clock.now()}`),
      opening: () => calls.push(`${name} opens at ${clock.now()}`),
      sent: () => calls.push(`${name} sent at ${clock.now()}`)
    })
    client.node.refusal = new TwinwireError('ERR_DIAL_FAILED', 'nobody there')
    t.is(await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { hooks: hooks('a') })), 'ERR_DIAL_FAILED')
    client.node.refusal = undefined
    await client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { hooks: hooks('b') })
    t.deepEqual(calls, ['a waits at 0', 'a opens at 0', `b waits at ${RTT}`, `b opens at ${RTT}`, `b sent at ${2 * RTT}`])
  }, { link })
})

test('part of a reply is progress where it can only be of one request', async t => {
  await setting(async ({ clock, client, server }) => {
    serveRaw(server.node, ({ items }, { stream }) => {
      if (items.length > 0) {
        // The beginning of a frame of 100 bytes.
        stream.send(bytes(3, 100))
      }
    })
    let progress = 0
    const hooks = { progress: () => { progress++ } }
    const one = outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { hooks }))
    await sleep(clock, 2 * RTT + 1)
    t.is(progress, 1)
    await client.batching.stop(0)
    t.is(await one, 'ERR_STOPPED')
  }, { link })
})

test('what is kept although overdue puts its connection under suspicion only until the far side has it', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async payload => {
      await sleep(clock, 1_000)
      return payload
    })
    const kept: Array<() => void> = []
    const request = client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { hooks: { whenKept: callback => kept.push(callback) } })
    await sleep(clock, 500)
    kept[0]()
    t.is(client.node.suspected, 0)
    await request
    const [stream] = client.node.connectionTo('server').streams
    stream.silent = true
    const lost = outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { hooks: { whenKept: callback => kept.push(callback) } }))
    await sleep(clock, 500)
    kept[1]()
    t.is(client.node.suspected, 1)
    t.is(await lost, 'ERR_STREAM_CLOSED')
  }, { link })
})

test('a stream that the downlink holds back for longer than a stall takes is not given up', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload)
    t.is(await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(10))), 'resolved')
    t.is(client.batching.metrics.stalls, 0)
  }, {
    client: { stallTimeoutMs: 1_000 },
    downlink: clock => ({
      received (stream) {
        stream.pause()
        clock.setTimeout(() => stream.resume(), 1_500)
      },
      closed () {}
    })
  })
})
