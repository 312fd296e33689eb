/**
 * An ordinary js-libp2p request-reply service: a store that is asked for values by key. Compare with optimized.ts.
 *
 * node examples/key-value/plain.ts
 */
import assert from 'node:assert/strict'
import { lpStream } from '@libp2p/utils'
import { createNode } from './node.ts'

const PROTOCOL = '/example/key-value/1.0.0'
const values = new Map(Array.from({ length: 1_000 }, (_, i) => [`key ${i}`, `value ${i}`]))

const [server, client] = await Promise.all([createNode(), createNode()])
await client.peerStore.merge(server.peerId, { multiaddrs: server.getMultiaddrs() })
{
  await server.handle(PROTOCOL, async stream => {
    const messages = lpStream(stream)
    await messages.write(valueOf((await messages.read()).subarray()))
    await stream.close()
  })

  async function ask (key: Uint8Array): Promise<Uint8Array> {
    const stream = await client.dialProtocol(server.peerId, PROTOCOL)
    const messages = lpStream(stream)
    await messages.write(key)
    const reply = await messages.read()
    await stream.close()
    return reply.subarray()
  }

  // Eight users, who ask one question after the other.
  const startMs = performance.now()
  await Promise.all(Array.from({ length: 8 }, async (_, user) => {
    for (let i = 0; i < 125; i++) {
      const value = new TextDecoder().decode(await ask(new TextEncoder().encode(`key ${8 * i + user}`)))
      assert.equal(value, `value ${8 * i + user}`)
    }
  }))
  console.log(`1000 values in ${(performance.now() - startMs).toFixed(0)} ms`)
}
await Promise.all([client.stop(), server.stop()])

function valueOf (key: Uint8Array): Uint8Array {
  return new TextEncoder().encode(values.get(new TextDecoder().decode(key)) ?? '')
}
