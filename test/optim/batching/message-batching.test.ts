import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { TwinwireError } from '../../../src/core/errors.ts'
import { bytes, only, outcome, PROTOCOL, setting } from './setting.ts'

const RTT = 20

test('a message on an idle link goes at once and resolves when the far side has it', async t => {
  await setting(async ({ clock, client, server }) => {
    const received: number[] = []
    await server.batching.handle(PROTOCOL, payload => { received.push(payload[0]) })
    // The first has to open a stream.
    await client.batching.send(server.node.peerId, PROTOCOL, bytes(10, 1))
    t.is(clock.now(), 2 * RTT)
    const startMs = clock.now()
    await client.batching.send(server.node.peerId, PROTOCOL, bytes(10, 2))
    t.is(clock.now() - startMs, RTT)
    t.deepEqual(received, [1, 2])
    t.deepEqual(only(client.events, 'batching:batch-sent').map(({ waitedMs }) => waitedMs), [RTT, 0])
  })
})

test('a request is answered after one round trip on a stream that is kept', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload.map(byte => byte + 1))
    t.deepEqual(await client.batching.request(server.node.peerId, PROTOCOL, bytes(3, 1)), bytes(3, 2))
    const startMs = clock.now()
    t.deepEqual(await client.batching.request(server.node.peerId, PROTOCOL, bytes(3, 5)), bytes(3, 6))
    t.is(clock.now() - startMs, RTT)
    t.is(client.node.connectionTo('server').streams.length, 1)
  })
})

test('a burst goes in one batch', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload)
    const replies = await Promise.all(Array.from({ length: 30 }, async (_, i) => await client.batching.request(server.node.peerId, PROTOCOL, bytes(5, i))))
    t.deepEqual(replies, Array.from({ length: 30 }, (_, i) => bytes(5, i)))
    t.deepEqual(only(client.events, 'batching:batch-sent').map(({ items, reason }) => [items, reason]), [[30, 'idle']])
    t.is(only(server.events, 'batching:batch-sent').length, 1)
  })
})

test('the round trip is measured without the far side\'s work', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async payload => {
      await sleep(clock, 500)
      return payload
    })
    await client.batching.request(server.node.peerId, PROTOCOL, bytes(3))
    await sleep(clock, 100)
    for (const { observations } of [client, server]) {
      const samples = observations.filter(({ kind }) => kind === 'round-trip').map(observation => 'rttMs' in observation ? observation.rttMs : NaN)
      t.true(samples.length > 0)
      t.true(samples.every(rttMs => Math.abs(rttMs - RTT) < 0.01), String(samples))
    }
  })
})

test('a peer that does not speak it is known not to, until it connects anew', async t => {
  await setting(async ({ client, server }) => {
    const { peerId } = server.node
    t.is(client.batching.speaks(peerId), undefined)
    t.is(await outcome(client.batching.send(peerId, PROTOCOL, bytes(1))), 'ERR_UNSUPPORTED_PROTOCOL')
    t.is(client.batching.speaks(peerId), false)
    client.node.emit('connection:open', { detail: client.node.connectionTo('server') })
    t.is(client.batching.speaks(peerId), undefined)
  })
})

test('a protocol without a handler is refused by itself, and remembered by itself', async t => {
  await setting(async ({ client, server }) => {
    const { peerId } = server.node
    await server.batching.handle(PROTOCOL, payload => payload)
    const outcomes = await Promise.all([
      outcome(client.batching.request(peerId, '/other', bytes(1))),
      outcome(client.batching.request(peerId, PROTOCOL, bytes(1))),
      outcome(client.batching.send(peerId, '/other', bytes(1))),
      outcome(client.batching.send(peerId, PROTOCOL, bytes(1)))
    ])
    t.deepEqual(outcomes, ['ERR_UNSUPPORTED_PROTOCOL', 'resolved', 'ERR_UNSUPPORTED_PROTOCOL', 'resolved'])
    t.is(client.batching.speaks(peerId), true)
    t.is(client.batching.speaks(peerId, '/other'), false)
    t.is(client.batching.speaks(peerId, PROTOCOL), true)
  })
})

test('a handler that throws or answers too much fails its own request and no other', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, async payload => {
      if (payload[0] === 1) {
        throw new Error('a secret')
      }
      return payload[0] === 2 ? bytes(64 * 1024 + 1) : payload
    })
    const request = async (i: number): Promise<string> => await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1, i)))
    t.deepEqual(await Promise.all([request(0), request(1), request(2), request(3)]), ['resolved', 'ERR_REMOTE_FAILED', 'ERR_FRAME_TOO_LARGE', 'resolved'])
    t.false(client.events.some(event => JSON.stringify(event).includes('secret')))
  }, { server: { maximumReplyPayloadBytes: 64 * 1024 } })
})

test('where another connection takes the place of its own, what follows goes on that, though there is always something under way', async t => {
  await setting(async ({ clock, client, server }) => {
    const { peerId } = server.node
    await server.batching.handle(PROTOCOL, async payload => {
      await sleep(clock, 100)
      return payload
    })
    const ask = async (i: number): Promise<string> => await outcome(client.batching.request(peerId, PROTOCOL, bytes(1, i)))
    // Every 50 ms one that takes 100: the stream is never given back by itself.
    const answers: Array<Promise<string>> = []
    for (let i = 0; i < 20; i++) {
      answers.push(ask(i))
      await sleep(clock, 50)
      if (i === 9) {
        client.node.replace('server')
      }
    }
    t.true((await Promise.all(answers)).every(answer => answer === 'resolved'))
    // Until the last reply is acknowledged.
    await sleep(clock, 100)
    const [first, second] = client.node.everyConnection
    t.is(first.streams.length, 1)
    t.is(second.streams.length, 1)
    t.deepEqual(client.node.leases, ['released', 'released'])
    t.is(client.node.suspected, 0)
  })
})

test('a compression policy that throws, or chooses what it may not, compresses nothing and stops nobody', async t => {
  for (const compression of [() => { throw new Error('no idea') }, () => 'deflate' as const]) {
    await setting(async ({ client, server }) => {
      await server.batching.handle(PROTOCOL, payload => payload)
      t.is(await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(2_000))), 'resolved')
      t.deepEqual(only(client.events, 'batching:batch-sent').map(({ codec }) => codec).filter(codec => codec !== 'none'), [])
      t.true(only(client.events, 'batching:policy-failed').length > 0)
    }, { client: { compression, codecs: ['snappy'] } })
  }
})

test('after stop nothing is left: no timer, no lease, no stream, no listener, and everything has settled', async t => {
  await setting(async ({ clock, time, client, server }) => {
    const { peerId } = server.node
    await server.batching.handle(PROTOCOL, async () => {
      await new Promise(() => {})
    })
    const outcomes = [
      outcome(client.batching.request(peerId, PROTOCOL, bytes(1))),
      outcome(client.batching.request(peerId, PROTOCOL, bytes(1), { class: 'urgent' }))
    ]
    await sleep(clock, 100)
    outcomes.push(outcome(client.batching.send(peerId, PROTOCOL, bytes(1))))
    const startMs = clock.now()
    await client.batching.stop(50)
    t.is(clock.now() - startMs, 50)
    t.deepEqual(await Promise.all(outcomes), ['ERR_STOPPED', 'ERR_STOPPED', 'resolved'])
    t.is(await outcome(client.batching.send(peerId, PROTOCOL, bytes(1))), 'ERR_STOPPED')
    await server.batching.stop(0)
    await sleep(clock, 100)
    t.is(client.deadlines.size + server.deadlines.size, 0)
    t.is(client.node.openLeases, 0)
    t.is(client.node.listeners + server.node.listeners, 0)
    t.is(time.pending, 0)
    for (const stream of client.node.connectionTo('server').streams) {
      t.not(stream.status, 'open')
      t.is(stream.listeners + stream.remote.listeners, 0)
    }
  })
})

test('stop lets what waits and what is under way finish within its deadline', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async payload => {
      await sleep(clock, 100)
      return payload
    })
    const request = outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1)))
    await client.batching.stop(10_000)
    t.is(await request, 'resolved')
    // Stream, request, work, reply, and the acknowledgement of that, which waits for company for an eighth of the round trip at most.
    t.true(clock.now() <= RTT + RTT + 100 + RTT / 8 + 1)
  })
})

test('an aborted message that waits is not sent, and its bytes are released', async t => {
  await setting(async ({ clock, client, server }) => {
    const { peerId } = server.node
    const received: number[] = []
    await server.batching.handle(PROTOCOL, payload => { received.push(payload[0]) })
    const controller = new AbortController()
    const sends = [
      outcome(client.batching.send(peerId, PROTOCOL, bytes(100, 1))),
      outcome(client.batching.send(peerId, PROTOCOL, bytes(100, 2), { signal: controller.signal })),
      outcome(client.batching.send(peerId, PROTOCOL, bytes(100, 3)))
    ]
    await sleep(clock, 1)
    const { queuedBytes } = client.batching.metrics
    controller.abort(new TwinwireError('ERR_ABORTED', 'changed its mind'))
    t.is(client.batching.metrics.queuedBytes, queuedBytes / 3 * 2)
    t.deepEqual(await Promise.all(sends), ['resolved', 'ERR_ABORTED', 'resolved'])
    t.deepEqual(received, [1, 3])
    t.is(client.batching.metrics.queuedBytes, 0)
  })
})

test('a cancelled request frees the far side, and nothing of it is left', async t => {
  await setting(async ({ clock, client, server }) => {
    let aborted = false
    await server.batching.handle(PROTOCOL, async (_payload, { signal }) => {
      await sleep(clock, 60_000, signal).catch(() => { aborted = true })
    })
    const controller = new AbortController()
    const request = outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1), { signal: controller.signal }))
    await sleep(clock, 100)
    t.is(server.batching.metrics.running, 1)
    controller.abort(new TwinwireError('ERR_ABORTED', 'enough'))
    t.is(await request, 'ERR_ABORTED')
    await sleep(clock, 2 * RTT)
    t.true(aborted)
    t.is(server.batching.metrics.running, 0)
    t.deepEqual(client.node.leases, ['released'])
    t.is(client.batching.metrics.violations + server.batching.metrics.violations, 0)
  })
})

test('an aborted acquire fails what waited for it, and a later message makes another', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, () => {})
    const controller = new AbortController()
    const first = outcome(client.batching.send(server.node.peerId, PROTOCOL, bytes(1), { signal: controller.signal }))
    await sleep(clock, 1)
    controller.abort(new TwinwireError('ERR_ABORTED', 'enough'))
    const second = outcome(client.batching.send(server.node.peerId, PROTOCOL, bytes(1)))
    t.is(await first, 'ERR_ABORTED')
    t.is(await second, 'resolved')
    t.is(client.node.connectionTo('server').streams.length, 1)
  })
})

test('a retry that finds its request being worked on does not call the handler twice, and both are answered', async t => {
  await setting(async ({ clock, client, server }) => {
    let calls = 0
    await server.batching.handle(PROTOCOL, async payload => {
      calls++
      await sleep(clock, 200)
      return payload
    })
    const { peerId } = server.node
    const id = client.batching.nextId()
    const first = outcome(client.batching.request(peerId, PROTOCOL, bytes(3), { id }))
    await sleep(clock, 100)
    const second = outcome(client.batching.request(peerId, PROTOCOL, bytes(3), { id, attempt: 2 }))
    t.deepEqual(await Promise.all([first, second]), ['resolved', 'resolved'])
    t.is(calls, 1)
    t.is(server.batching.metrics.joined, 1)
  })
})

test('an attempt that is under way is not made again', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload)
    const { peerId } = server.node
    const id = client.batching.nextId()
    const attempts = [1, 1, 2, 0].map(async attempt => await outcome(client.batching.request(peerId, PROTOCOL, bytes(3), { id, attempt })))
    t.deepEqual(await Promise.all(attempts), ['resolved', 'ERR_INVALID_STATE', 'resolved', 'ERR_INVALID_STATE'])
  })
})

test('a late reply to an attempt that was given up is dropped and counted', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, async payload => {
      await sleep(clock, 200)
      return payload
    })
    const { peerId } = server.node
    const controller = new AbortController()
    const first = outcome(client.batching.request(peerId, PROTOCOL, bytes(3), { signal: controller.signal }))
    await sleep(clock, 100)
    controller.abort(new TwinwireError('ERR_TIMEOUT', 'overdue'))
    t.is(await first, 'ERR_TIMEOUT')
    await sleep(clock, 300)
    t.is(client.batching.metrics.lateReplies, 1)
    t.is(client.batching.metrics.violations, 0)
    t.is(client.node.suspected, 0)
  })
})

test('what is overdue before it was acknowledged makes its stream suspect, and all else goes on another', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, payload => payload)
    const { peerId } = server.node
    await client.batching.request(peerId, PROTOCOL, bytes(3))
    client.node.connectionTo('server').streams[0].silent = true
    const controller = new AbortController()
    const first = outcome(client.batching.request(peerId, PROTOCOL, bytes(3), { signal: controller.signal }))
    const beside = outcome(client.batching.request(peerId, PROTOCOL, bytes(3)))
    await sleep(clock, 100)
    controller.abort(new TwinwireError('ERR_TIMEOUT', 'overdue'))
    t.is(await first, 'ERR_TIMEOUT')
    const startMs = clock.now()
    t.is(await outcome(client.batching.request(peerId, PROTOCOL, bytes(3))), 'resolved')
    t.is(clock.now() - startMs, 2 * RTT)
    t.is(client.node.suspected, 1)
    // What was beside it was waited for until the stream stalled.
    t.is(await beside, 'ERR_STREAM_CLOSED')
    t.true(client.node.leases.includes('timeout'))
  })
})

test('flush sends at once what lingers, and resolves when it was handed over', async t => {
  await setting(async ({ clock, client, server }) => {
    await server.batching.handle(PROTOCOL, () => {})
    const { peerId } = server.node
    await client.batching.send(peerId, PROTOCOL, bytes(1))
    const first = client.batching.send(peerId, PROTOCOL, bytes(1))
    await sleep(clock, 1)
    const second = client.batching.send(peerId, PROTOCOL, bytes(1))
    const startMs = clock.now()
    await client.batching.flush(peerId)
    t.is(clock.now(), startMs)
    t.is(client.batching.metrics.queuedMessages, 0)
    t.is(only(client.events, 'batching:batch-sent').at(-1)?.reason, 'flush')
    await Promise.all([first, second])
  })
})

for (const { name, reply } of [{ name: 'text', reply: 'hello' }, { name: 'an ArrayBuffer', reply: new ArrayBuffer(5) }, { name: 'a number', reply: 5 }]) {
  for (const later of [false, true]) {
    test(`a handler that answers ${name}${later ? ' later' : ''} has failed, which is not for the peer to have caused`, async t => {
      await setting(async ({ client, server }) => {
        const answer = reply as unknown as Uint8Array
        await server.batching.handle(PROTOCOL, later ? async () => answer : () => answer)
        t.is(await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1))), 'ERR_REMOTE_FAILED')
        const [{ reason }, ...others] = only(server.events, 'batching:handler-failed')
        t.regex(reason, /answered what is not bytes.*expected a Uint8Array, or nothing; found (String|ArrayBuffer|Number)/)
        t.deepEqual(others, [])
        t.is(server.batching.metrics.waitingReplyBytes, 0)
      })
    })
  }
}

test('where the node has a handler of the batch protocol, serving fails, and is possible as soon as it has none', async t => {
  await setting(async ({ client, server: { node, batching } }) => {
    const handle = node.handle.bind(node)
    node.handle = async () => { throw new Error('handler already registered') }
    await t.throwsAsync(batching.handle(PROTOCOL, payload => payload), { message: 'handler already registered' })
    node.handle = handle
    await batching.handle('/app/2', payload => payload)
    t.is(await outcome(client.batching.request(node.peerId, '/app/2', bytes(1))), 'resolved')
    // The first was never served.
    t.is(await outcome(client.batching.request(node.peerId, PROTOCOL, bytes(1))), 'ERR_UNSUPPORTED_PROTOCOL')
    await batching.handle(PROTOCOL, payload => payload)
    t.is(await outcome(client.batching.request(node.peerId, PROTOCOL, bytes(1))), 'resolved')
  })
})

test('a protocol that has a handler is refused another, and keeps its own', async t => {
  await setting(async ({ client, server }) => {
    await server.batching.handle(PROTOCOL, () => bytes(1, 1))
    t.is(await outcome(server.batching.handle(PROTOCOL, () => bytes(1, 2))), 'ERR_INVALID_STATE')
    t.deepEqual([...await client.batching.request(server.node.peerId, PROTOCOL, bytes(1))], [1])
    server.batching.unhandle(PROTOCOL)
    await server.batching.handle(PROTOCOL, () => bytes(1, 2))
    t.deepEqual([...await client.batching.request(server.node.peerId, PROTOCOL, bytes(1))], [2])
  })
})

test('once serving is stopped what was begun is answered, nothing new is taken, and sending goes on', async t => {
  await setting(async ({ clock, client, server }) => {
    await client.batching.handle(PROTOCOL, payload => payload)
    await server.batching.handle(PROTOCOL, async payload => {
      await sleep(clock, 500)
      return payload
    })
    const begun = outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1)))
    await sleep(clock, 100)
    const stopped = server.batching.stopServing()
    t.is(server.batching.stopServing(), stopped)
    await stopped
    t.is(await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1))), 'ERR_OVERLOADED')
    t.is(await outcome(server.batching.handle('/app/2', () => undefined)), 'ERR_STOPPED')
    t.is(await outcome(server.batching.request(client.node.peerId, PROTOCOL, bytes(1))), 'resolved')
    t.is(await begun, 'resolved')
    await sleep(clock, 100)
    // Its stream was closed, and no other is taken.
    t.is(await outcome(client.batching.request(server.node.peerId, PROTOCOL, bytes(1))), 'ERR_UNSUPPORTED_PROTOCOL')
  })
})
