import test from 'ava'
import type { ExecutionContext } from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/clock.ts'
import { nullRecorder } from '../../src/core/recorder.ts'
import { randomStream } from '../../src/core/random.ts'
import { keptFleet, modularFleet, plainFleet, warmFleet } from '../../src/workload/fleet.ts'
import type { Fleet, TriesOptions } from '../../src/workload/fleet.ts'
import { REQUEST_REPLY_PROTOCOL, requestPayloads } from '../../src/workload/request-reply.ts'
import { FakePeerId } from '../optim/fake-node.ts'
import { addressOf, PairedNode } from '../optim/paired-node.ts'
import { inVirtualTime } from '../optim/timeouts/virtual-time.ts'

const RTT_MS = 100
const DEADLINE_MS = 5_000
const id = new FakePeerId('server')
const peers = [{ id, addresses: [addressOf(id)] }]

/** What is thought of the peer `limitMs` after it fell silent, which its caller has waited for, or nobody has. */
async function quality (t: ExecutionContext, limitMs: number, asks: boolean): Promise<number> {
  return await inVirtualTime(async ({ clock }) => {
    const node = new PairedNode(clock, RTT_MS)
    await using fleet = await modularFleet({ node, clock, random: randomStream('fleet'), recorder: nullRecorder }, peers, DEADLINE_MS, ['networkHealth'])
    const payload = requestPayloads(100, 100)()
    const ask = async (forMs: number): Promise<void> => {
      using limit = timeoutSignal(clock, forMs)
      await fleet.ask(peers, payload, limit.signal)
    }
    // It does not speak the protocol, which is an answer, too.
    await t.throwsAsync(ask(DEADLINE_MS), { name: 'UnsupportedProtocolError' })
    node.connections[0].wedged = true
    if (asks) {
      await t.throwsAsync(ask(limitMs))
    } else {
      await sleep(clock, limitMs)
    }
    return fleet.network?.health?.quality('server') ?? NaN
  })
}

test('a caller that gives up at a request\'s deadline blames the peer for it, and one that gives up before does not', async t => {
  t.true(await quality(t, DEADLINE_MS, true) < 0.9 * await quality(t, DEADLINE_MS, false))
  t.is(await quality(t, DEADLINE_MS / 2, true), await quality(t, DEADLINE_MS / 2, false))
})

const REDIALS = { attempts: 4, attemptMs: 1_000, redials: true }

interface Kept {
  readonly clock: Clock
  readonly node: PairedNode
  readonly fleet: Fleet
  readonly ask: () => Promise<void>
}

/** One peer that is asked on kept streams; each asking has the deadline. */
async function onKeptStreams (options: Omit<TriesOptions, 'deadlineMs'>, body: (kept: Kept) => Promise<void>): Promise<void> {
  await inVirtualTime(async ({ clock }) => {
    const node = new PairedNode(clock, RTT_MS)
    node.protocol = REQUEST_REPLY_PROTOCOL
    await using fleet = keptFleet({ node, clock }, { deadlineMs: DEADLINE_MS, ...options })
    const payload = requestPayloads(100, 100)()
    await body({
      clock,
      node,
      fleet,
      ask: async () => {
        using limit = timeoutSignal(clock, DEADLINE_MS)
        await fleet.ask(peers, payload, limit.signal)
      }
    })
  })
}

/** How many streams were opened on each connection so far. */
function opened ({ connections }: PairedNode): number[] {
  return connections.map(({ all }) => all.length)
}

test('a stream that is kept is asked on again, but not behind a try that timed out on it, which resets it', async t => {
  await onKeptStreams({ attempts: 2, attemptMs: 1_000 }, async ({ node, fleet, ask }) => {
    await ask()
    await ask()
    t.deepEqual(opened(node), [1])
    node.connections[0].wedged = true
    // The first try has the stream that is kept; the second opens one, in vain.
    await t.throwsAsync(ask(), { code: 'ERR_TIMEOUT' })
    node.connections[0].wedged = false
    await ask()
    t.deepEqual(opened(node), [2])
    t.is(node.connections[0].streams.length, 1)
    t.is(node.dials, 1)
    t.is(fleet.attempts, 2 + 2 + 1)
  })
})

test('a redial gives a new connection, and all later requests are on its streams, none on those that were kept before', async t => {
  await onKeptStreams(REDIALS, async ({ node, fleet, ask }) => {
    await ask()
    await Promise.all([ask(), ask()])
    t.deepEqual(opened(node), [2])
    node.connections[0].wedged = true
    await ask()
    t.deepEqual(opened(node), [2, 1])
    // As good as new: whoever had kept its other stream could use it.
    node.connections[0].wedged = false
    await Promise.all([ask(), ask()])
    t.deepEqual(opened(node), [2, 2])
    t.is(fleet.attempts, 3 + 2 + 2)
  })
})

test('a peer is dialled anew once for all requests that its old connection kept waiting', async t => {
  await onKeptStreams(REDIALS, async ({ clock, node, ask }) => {
    await ask()
    node.connections[0].wedged = true
    const first = ask()
    // Its try ends when the first one's redial, at 1.1 s, has taken its three round trips.
    await sleep(clock, 500)
    const second = ask()
    await Promise.all([first, second])
    t.is(node.connections.length, 2)
    // A connection that falls silent in its turn is left behind, too.
    node.connections[1].wedged = true
    await ask()
    t.is(node.connections.length, 3)
  })
})

test('a stream of the old connection that was in use at the redial is not kept when its reply comes', async t => {
  await onKeptStreams(REDIALS, async ({ clock, node, ask }) => {
    await ask()
    const computeMs = [2_000, 750]
    node.respond = async payload => {
      await sleep(clock, computeMs.shift() ?? 0)
      return payload
    }
    const first = ask()
    await sleep(clock, 500)
    // A round trip for its stream, one on the way: answered 950 ms after it began, 50 ms after the first one's redial at 1.1 s
    // took its three round trips.
    const second = ask()
    await Promise.all([first, second])
    t.deepEqual(opened(node), [2, 1])
    await Promise.all([ask(), ask()])
    t.deepEqual(opened(node), [2, 2])
  })
})

/** When warming has ended, of a peer that answers in five round trips what may take less. */
async function warmAtMs (limitMs: number, refuses = false): Promise<number> {
  return await inVirtualTime(async ({ clock }) => {
    const node = new PairedNode(clock, RTT_MS)
    node.protocol = REQUEST_REPLY_PROTOCOL
    node.refuses = refuses
    await using fleet = plainFleet({ node, clock }, { deadlineMs: 4.5 * RTT_MS })
    await warmFleet(fleet, clock, peers, requestPayloads(100, 100)(), limitMs, new AbortController().signal)
    return clock.now()
  })
}

test('warming goes on until a peer has answered, also where a first request has too little time, and no longer than it may', async t => {
  // The first has dialled, and the second needs two round trips, 100 ms later.
  t.is(await warmAtMs(5_000), 4.5 * RTT_MS + 100 + 2 * RTT_MS)
  t.is(await warmAtMs(500), 500)
  t.is(await warmAtMs(5_000, true), 5_000)
})
