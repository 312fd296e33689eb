import test from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Connection, Multiaddr, NetworkNode } from '../../src/optim/index.ts'
import { racedConnections } from '../../src/workload/raced-dials.ts'
import { FakePeerId } from '../optim/fake-node.ts'
import { addressOf } from '../optim/paired-node.ts'
import { inVirtualTime } from '../optim/timeouts/virtual-time.ts'

const id = new FakePeerId('server')
const stranger = new FakePeerId('stranger')

/** What becomes of a dial: who answers after how long, or a failure. */
interface Fate {
  readonly afterMs: number
  readonly who?: FakePeerId
  readonly heedless?: true
}

/** A node whose peer has an address for each fate; whom it dialled when, and the connections that it was left with. */
async function racing (fates: readonly Fate[], body: (world: { readonly clock: Clock, readonly connect: (signal: AbortSignal) => Promise<Connection>, readonly dialledMs: readonly number[], readonly open: Set<Connection> }) => Promise<void>): Promise<void> {
  await inVirtualTime(async ({ clock }) => {
    const dialledMs: number[] = []
    const open = new Set<Connection>()
    const addresses = fates.map(() => addressOf(id))
    const node = {
      getConnections: () => [],
      async dial (_addresses: Multiaddr[], { signal }: { signal?: AbortSignal } = {}) {
        const { afterMs, who, heedless } = fates[dialledMs.length]
        dialledMs.push(clock.now())
        await sleep(clock, afterMs, heedless === true ? undefined : signal)
        if (who === undefined) {
          throw new Error('refused')
        }
        const connection = { remotePeer: who, abort () { open.delete(connection) } } as unknown as Connection
        open.add(connection)
        return connection
      }
    } as unknown as NetworkNode
    await body({ clock, connect: racedConnections({ node, clock }, { id, addresses }), dialledMs, open })
  })
}

const NEVER = { afterMs: 1e9 } as const

test('addresses are dialled a quarter of a second apart, the first that answers is it, and no further one is dialled', async t => {
  await racing([NEVER, NEVER, { afterMs: 100, who: id }, NEVER], async ({ clock, connect, dialledMs, open }) => {
    using limit = timeoutSignal(clock, 10_000)
    t.true((await connect(limit.signal)).remotePeer.equals(id))
    t.is(clock.now(), 600)
    await sleep(clock, 5_000)
    t.deepEqual(dialledMs, [0, 250, 500])
    t.is(open.size, 1)
  })
})

test('one that fails starts the next at once, and so does one at which another peer answers, whose connection is ended', async t => {
  await racing([{ afterMs: 20 }, { afterMs: 30, who: stranger }, { afterMs: 10, who: id }], async ({ clock, connect, dialledMs, open }) => {
    using limit = timeoutSignal(clock, 10_000)
    t.true((await connect(limit.signal)).remotePeer.equals(id))
    t.deepEqual(dialledMs, [0, 20, 50])
    t.deepEqual([...open].map(({ remotePeer }) => remotePeer.toString()), ['server'])
  })
})

test('a connection that comes after another was faster is ended, and who asks meanwhile shares the race', async t => {
  await racing([{ afterMs: 400, who: id, heedless: true }, { afterMs: 100, who: id }], async ({ clock, connect, dialledMs, open }) => {
    using limit = timeoutSignal(clock, 10_000)
    const [first, second] = await Promise.all([connect(limit.signal), connect(limit.signal)])
    t.is(first, second)
    t.is(clock.now(), 350)
    await sleep(clock, 5_000)
    t.deepEqual(dialledMs, [0, 250])
    t.deepEqual([...open], [first])
  })
})

test('where none answers all failures are told, and where the caller gives up his reason', async t => {
  await racing([{ afterMs: 20 }, { afterMs: 20 }], async ({ clock, connect }) => {
    using limit = timeoutSignal(clock, 10_000)
    await t.throwsAsync(connect(limit.signal), { instanceOf: AggregateError })
    t.is(clock.now(), 40)
  })
  await racing([NEVER, NEVER], async ({ clock, connect }) => {
    using limit = timeoutSignal(clock, 1_000)
    await t.throwsAsync(connect(limit.signal))
    t.is(clock.now(), 1_000)
  })
})
