import test from 'ava'
import * as fc from 'fast-check'
import { sleep } from '../../../src/core/clock.ts'
import { RunningShares } from '../../../src/optim/batching/running-shares.ts'
import { Turns } from '../../../src/optim/batching/turns.ts'
import { openRaw } from './raw-peer.ts'
import { bytes, outcome, PROTOCOL, setting } from './setting.ts'
import type { Setting } from './setting.ts'

const RTT = 20
const HANDLER = 20
const RUNNING = 4

/** Serves each in the same time. */
async function serve ({ clock, server }: Setting): Promise<void> {
  await server.batching.handle(PROTOCOL, async payload => {
    await sleep(clock, HANDLER)
    return payload
  })
}

/** Puts a thousand messages before the server, of which it can take four in 20 ms. */
async function flood ({ network, side }: Setting, name: string): Promise<void> {
  const { node } = side(name)
  const end = await openRaw(network.nodes.get(name) ?? node, 'server')
  for (let i = 0; i < 10; i++) {
    end.send(Array.from({ length: 100 }, (_, j) => ({ kind: 'message', id: 100 * i + j, protocol: PROTOCOL, payload: bytes(1) })))
  }
}

test('a peer with a thousand messages does not keep another waiting', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await serve(environment)
    await flood(environment, 'greedy')
    await sleep(clock, 100)
    const startMs = clock.now()
    await client.batching.request(server.node.peerId, PROTOCOL, bytes(1))
    // A stream, a round trip, and its own work: a place was left free.
    t.is(clock.now() - startMs, 2 * RTT + HANDLER)
  }, { server: { maximumRunning: RUNNING } })
})

test('where peers have more to do than there are places, each gets one in turn, and one that comes waits for one round of them', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await serve(environment)
    const others = 6
    for (let i = 0; i < others; i++) {
      await flood(environment, `greedy${i}`)
    }
    await sleep(clock, 100)
    const startMs = clock.now()
    await client.batching.request(server.node.peerId, PROTOCOL, bytes(1))
    // Of the seven, four go in each 20 ms.
    t.true(clock.now() - startMs <= 2 * RTT + Math.ceil((others + 1) / RUNNING) * HANDLER + HANDLER, String(clock.now() - startMs))
  }, { server: { maximumRunning: RUNNING } })
})

test('the streams of one peer take turns as well', async t => {
  await setting(async environment => {
    const { clock, client, server } = environment
    await serve(environment)
    const { peerId } = server.node
    const bulk = Array.from({ length: 500 }, async () => await outcome(client.batching.send(peerId, PROTOCOL, bytes(1), { class: 'bulk' })))
    await sleep(clock, 200)
    const startMs = clock.now()
    await client.batching.request(peerId, PROTOCOL, bytes(1), { class: 'urgent' })
    // Two of its own at a time.
    t.true(clock.now() - startMs <= 2 * RTT + 2 * HANDLER, String(clock.now() - startMs))
    await Promise.all(bulk)
  }, { server: { maximumRunning: RUNNING } })
})

test('whatever comes and goes, no more than all is given, a peer with something at work never has more than is left, and one with nothing gets what is left', t => {
  const step = fc.record({ peer: fc.nat(3), bytes: fc.nat(40), ends: fc.boolean() })
  fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 40 }), (maximumHandlers, steps) => {
    const maximumBytes = 100
    const shares = new RunningShares(maximumHandlers, maximumBytes)
    const peers = Array.from({ length: 4 }, (_, i) => ({ share: shares.join(String(i)), running: [] as number[] }))
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
    for (const { peer, bytes, ends } of steps) {
      const { share, running } = peers[peer]
      if (ends) {
        const ended = running.shift()
        if (ended !== undefined) {
          shares.give(share, ended)
        }
        continue
      }
      const all = peers.flatMap(({ running }) => running)
      const freeHandlers = maximumHandlers - all.length
      const freeBytes = maximumBytes - sum(all)
      const expected = running.length === 0
        ? freeHandlers >= 1 && bytes <= freeBytes
        : running.length + 1 <= freeHandlers && sum(running) + bytes <= freeBytes - bytes
      if (shares.take(share, bytes) !== expected) {
        return false
      }
      if (expected) {
        running.push(bytes)
      }
    }
    const count = peers.flatMap(({ running }) => running).length
    return shares.handlers === count && shares.exhausted === (count === maximumHandlers)
  }), { numRuns: 10_000 })
  t.pass()
})

test('each that waits has a turn before any has two, and a round in vain is the last', t => {
  const turns = new Turns<string>()
  const left = new Map([['a1', 3], ['a2', 1], ['b1', 2], ['c1', 0]])
  for (const name of left.keys()) {
    turns.add(name[0], name)
  }
  turns.add('a', 'a1')
  turns.add('d', 'd1')
  turns.remove('d', 'd1')
  const order: string[] = []
  turns.give(name => {
    order.push(name)
    const items = left.get(name) ?? 0
    left.set(name, items - 1)
    turns.add(name[0], name)
    return items > 0
  }, () => false)
  // c1 never has anything to begin; a2 had its own with its first turn, and then leaves its turn to a1.
  t.deepEqual(order, ['a1', 'b1', 'c1', 'a2', 'b1', 'c1', 'a1', 'b1', 'c1', 'a2', 'a1', 'b1', 'c1', 'a2', 'a1'])
})
