import test from 'ava'
import type { ExecutionContext } from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import { nullRecorder } from '../../src/core/recorder.ts'
import { randomStream } from '../../src/core/random.ts'
import { modularFleet } from '../../src/workload/fleet.ts'
import { requestPayloads } from '../../src/workload/request-reply.ts'
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
