/**
 * The service of plain.ts, with its requests sent by way of the optimisation modules: five lines are new, and twelve are
 * gone. An application imports from 'twinwire' what is imported from the sources here. Either side may be switched alone.
 *
 * node examples/key-value/optimized.ts
 */
import assert from 'node:assert/strict'
import { createOptimizedNetwork } from '../../src/optim/index.ts'
import { createNode } from './node.ts'

const PROTOCOL = '/example/key-value/1.0.0'
const values = new Map(Array.from({ length: 1_000 }, (_, i) => [`key ${i}`, `value ${i}`]))

const [server, client] = await Promise.all([createNode(), createNode()])
await client.peerStore.merge(server.peerId, { multiaddrs: server.getMultiaddrs() })
{
  await using serving = createOptimizedNetwork(server)
  await using network = createOptimizedNetwork(client)
  await serving.handle(PROTOCOL, valueOf)

  async function ask (key: Uint8Array): Promise<Uint8Array> {
    return await network.request(server.peerId, PROTOCOL, key, { idempotent: true })
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
