import test from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { NetworkNode } from '../../src/optim/index.ts'
import { onHeldStream } from '../../src/workload/messages.ts'
import type { MessageSender } from '../../src/workload/messages.ts'
import { inVirtualTime } from '../optim/timeouts/virtual-time.ts'

const HELD_MS = 10

class Sink extends EventTarget {
  readonly writes: Uint8Array[] = []
  writableNeedsDrain = false
  readonly writeStatus = 'writable'
  readonly remoteWriteStatus = 'writable'
  readonly readBufferLength = 0
  closed = false

  send (bytes: Uint8Array): boolean {
    this.writes.push(bytes)
    return true
  }

  async close (): Promise<void> {
    this.closed = true
  }
}

async function held (body: (world: { readonly clock: Clock, readonly sender: MessageSender, readonly sink: Sink }) => Promise<void>): Promise<void> {
  await inVirtualTime(async ({ clock }) => {
    const sink = new Sink()
    const node = { dial: async () => ({ newStream: async () => sink }) } as unknown as NetworkNode
    await body({ clock, sender: onHeldStream({ node, clock }, [], HELD_MS), sink })
  })
}

const message = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes)

test('what comes within the time of a first message is written with it at one go, each a frame, and resolves then', async t => {
  await held(async ({ clock, sender, sink }) => {
    using limit = timeoutSignal(clock, 1_000)
    const first = sender.send(message(1), limit.signal)
    await sleep(clock, HELD_MS - 1)
    const second = sender.send(message(2, 3), limit.signal)
    t.is(sink.writes.length, 0)
    await Promise.all([first, second])
    t.is(clock.now(), HELD_MS)
    await sender.send(message(4), limit.signal)
    t.deepEqual(sink.writes.map(bytes => [...bytes]), [[1, 1, 2, 2, 3], [1, 4]])
    await sender[Symbol.asyncDispose]()
    t.true(sink.closed)
  })
})

test('a batch is given up with its first message, and its bytes are not in the next one', async t => {
  await held(async ({ clock, sender, sink }) => {
    using short = timeoutSignal(clock, HELD_MS / 2)
    using long = timeoutSignal(clock, 1_000)
    await t.throwsAsync(sender.send(message(1), short.signal), { code: 'ERR_TIMEOUT' })
    await sender.send(message(2), long.signal)
    t.deepEqual(sink.writes.map(bytes => [...bytes]), [[1, 2]])
  })
})

test('a batch that finds no room is given up at its deadline, and closing waits for none', async t => {
  await held(async ({ clock, sender, sink }) => {
    sink.writableNeedsDrain = true
    using limit = timeoutSignal(clock, 100)
    await t.throwsAsync(sender.send(message(1), limit.signal), { code: 'ERR_TIMEOUT' })
    t.is(clock.now(), 100)
    await sender[Symbol.asyncDispose]()
    t.deepEqual([sink.writes.length, sink.closed], [0, true])
  })
})
