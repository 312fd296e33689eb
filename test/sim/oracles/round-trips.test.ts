import test from 'ava'
import { PING_PROTOCOL } from '../../../src/sim/session/connection-monitor.ts'
import type { SimConnection } from '../../../src/sim/session/connection.ts'
import type { SimStream } from '../../../src/sim/session/stream.ts'
import { NodePair, RTT_MS } from '../session/node-pair.ts'

// js-libp2p 3.3.11 with Noise, yamux and early muxer negotiation, measured at 2 to 3000 nodes. Without early negotiation
// (4 RTT a dial) and with skipEncryption (1 RTT) are ways of its that the model does not have.

async function echo (stream: SimStream): Promise<void> {
  await new Promise<void>(resolve => {
    stream.addEventListener('message', () => resolve(), { once: true })
    stream.send(new Uint8Array(32))
  })
}

async function dialled (): Promise<{ readonly pair: NodePair, readonly connection: SimConnection }> {
  const pair = new NodePair()
  const { result } = await pair.observe(async () => await pair.client.dial(pair.serverAddress))
  return { pair, connection: result }
}

test('a dial with Noise and yamux takes 3 RTT, and the listener sees the connection half an RTT after it resolved', async t => {
  const pair = new NodePair()
  let openedMs = 0
  pair.server.addEventListener('connection:open', () => { openedMs = pair.clock.now() })
  const { tookMs } = await pair.observe(async () => await pair.client.dial(pair.serverAddress))
  t.is(tookMs, 3 * RTT_MS)
  t.is(openedMs, 3.5 * RTT_MS)
})

test('newStream takes 1 RTT', async t => {
  const { pair, connection } = await dialled()
  const { tookMs } = await pair.observe(async () => await connection.newStream(PING_PROTOCOL))
  t.is(tookMs, RTT_MS)
})

test('newStream and an echo, which is what ping() does, take 2 RTT', async t => {
  const { pair, connection } = await dialled()
  const { tookMs } = await pair.observe(async () => { await echo(await connection.newStream(PING_PROTOCOL)) })
  t.is(tookMs, 2 * RTT_MS)
})

test('an echo on an open stream takes 1 RTT', async t => {
  const { pair, connection } = await dialled()
  const { result: stream } = await pair.observe(async () => {
    const opened = await connection.newStream(PING_PROTOCOL)
    await echo(opened)
    return opened
  })
  const { tookMs } = await pair.observe(async () => { await echo(stream) })
  t.is(tookMs, RTT_MS)
})
