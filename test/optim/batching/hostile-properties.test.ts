import test from 'ava'
import * as fc from 'fast-check'
import { sleep } from '../../../src/core/clock.ts'
import { openRaw, serveRaw } from './raw-peer.ts'
import { bytes, outcome, PROTOCOL, setting } from './setting.ts'
import type { RawEnd } from './raw-peer.ts'
import type { Item } from '../../../src/optim/batching/wire/items.ts'

const id = fc.integer({ min: 1, max: 4 })
const attempt = fc.integer({ min: 1, max: 2 })
const payload = fc.nat(3).map(fill => bytes(3, fill))

const fromInitiator: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant('message' as const), id, protocol: fc.constantFrom(PROTOCOL, '/other'), payload }),
  fc.record({ kind: fc.constant('request' as const), id, attempt, protocol: fc.constantFrom(PROTOCOL, '/other'), payload }),
  fc.record({ kind: fc.constant('cancel' as const), id, attempt })
)
const fromResponder: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant('reply' as const), id, attempt, payload }),
  fc.record({ kind: fc.constant('refusal' as const), id, attempt: fc.nat(2), code: fc.constantFrom('failed' as const, 'overloaded' as const, 'too-large' as const, 'unsupported-protocol' as const), text: fc.constantFrom('', 'no') })
)

type Move =
  | { readonly kind: 'batch', readonly items: readonly Item[], readonly acknowledges: number | undefined }
  | { readonly kind: 'bytes', readonly data: Uint8Array }
  | { readonly kind: 'close' | 'abort' }

function moves (item: fc.Arbitrary<Item>): fc.Arbitrary<ReadonlyArray<readonly [Move, number]>> {
  const move: fc.Arbitrary<Move> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('batch' as const), items: fc.array(item, { minLength: 1, maxLength: 4 }), acknowledges: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('bytes' as const), data: fc.uint8Array({ minLength: 1, maxLength: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('close' as const, 'abort' as const) }) }
  )
  return fc.array(fc.tuple(move, fc.constantFrom(0, 0, 7, 25)), { minLength: 1, maxLength: 6 })
}

function make (move: Move, end: RawEnd): void {
  if (move.kind === 'batch') {
    end.send(move.items, move.acknowledges === undefined ? undefined : { batch: move.acknowledges, heldUs: 0 })
  } else if (end.stream.status === 'open') {
    if (move.kind === 'bytes') {
      end.stream.send(move.data)
    } else if (move.kind === 'close') {
      void end.stream.close()
    } else {
      end.stream.abort(new Error('enough'))
    }
  }
}

test('whatever a peer asks by hand, its stream serves it or ends, each attempt is answered at most once, and nothing is left', async t => {
  await fc.assert(fc.asyncProperty(moves(fromInitiator), async steps => {
    await setting(async ({ clock, time, client, server }) => {
      await server.batching.handle(PROTOCOL, async payload => {
        if (payload[0] === 1) {
          await sleep(clock, 30)
        } else if (payload[0] === 2) {
          throw new Error('failed')
        }
        return payload
      })
      const end = await openRaw(client.node, 'server')
      const asked = new Map<string, number>()
      for (const [move, waitMs] of steps) {
        for (const item of move.kind === 'batch' ? move.items : []) {
          if (item.kind === 'request') {
            const key = `${item.id}.${item.attempt}`
            asked.set(key, (asked.get(key) ?? 0) + 1)
          }
        }
        try {
          make(move, end)
        } catch {
          // It was closed by hand before.
        }
        await sleep(clock, waitMs)
      }
      await sleep(clock, 200)
      for (const item of end.items) {
        if (item.kind === 'reply' || (item.kind === 'refusal' && item.attempt > 0)) {
          const key = `${item.id}.${item.attempt}`
          const left = (asked.get(key) ?? 0) - 1
          t.true(left >= 0, `${key} was answered once more than it was asked`)
          asked.set(key, left)
        }
      }
      t.is(server.batching.metrics.running, 0)
      t.is(server.batching.metrics.waitingReplyBytes, 0)
      await server.batching.stop(0)
      t.is(server.batching.metrics.incomingStreams, 0)
      t.is(server.deadlines.size, 0)
      await sleep(clock, 100)
      t.is(time.pending, 0)
    })
  }), { numRuns: 10_000 })
})

test('whatever a peer answers by hand, every promise settles, its stream serves or ends, and nothing is left', async t => {
  await fc.assert(fc.asyncProperty(moves(fromResponder), fc.boolean(), async (steps, acknowledges) => {
    await setting(async ({ clock, time, client, server }) => {
      const { peerId } = server.node
      const ends = serveRaw(server.node, ({ items }, end) => {
        if (acknowledges && items.length > 0 && end.stream.status === 'open') {
          try {
            end.send([], { batch: end.batches.length, heldUs: 0 })
          } catch {
            // It was closed by hand before.
          }
        }
      })
      let settled = 0
      const ask = async (options: object = {}): Promise<void> => {
        await outcome(client.batching.request(peerId, PROTOCOL, bytes(1), options))
        settled++
      }
      const say = async (): Promise<void> => {
        await outcome(client.batching.send(peerId, PROTOCOL, bytes(1)))
        settled++
      }
      const all = [ask(), say(), ask(), say()]
      await sleep(clock, 31)
      for (const [move, waitMs] of steps) {
        const end = ends.at(-1)
        try {
          if (end !== undefined) {
            make(move, end)
          }
        } catch {
          // It was closed by hand before.
        }
        await sleep(clock, waitMs)
      }
      await client.batching.stop(100)
      t.is(client.deadlines.size, 0)
      await Promise.all(all)
      t.is(settled, 4)
      t.is(client.node.openLeases, 0)
      const { queuedMessages, queuedBytes, streams } = client.batching.metrics
      t.deepEqual({ queuedMessages, queuedBytes, streams }, { queuedMessages: 0, queuedBytes: 0, streams: 0 })
      await sleep(clock, 100)
      t.is(time.pending, 0)
    })
  }), { numRuns: 10_000 })
})
