// An application's own test of libp2p's ping protocol, as it would be written over real TCP, in virtual time:
//
//   node --test examples/ping.test.ts
//
// Two lines differ from the test over real TCP, the import and the transport. The import comes first, because all that is
// loaded after it lives in virtual time; an application writes 'twinwire/libp2p' instead of the path.
import { simulatedTcp } from '../src/libp2p/index.ts' // instead of: import { tcp } from '@libp2p/tcp'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'

async function createNode (t: TestContext) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [simulatedTcp()], // instead of: transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { ping: ping() }
  })
  t.after(async () => { await node.stop() })
  return node
}

await test('a peer answers pings', async t => {
  const [alice, bob] = [await createNode(t), await createNode(t)]
  const roundTripMs = await alice.services.ping.ping(bob.getMultiaddrs())
  console.log(`round trip: ${roundTripMs} ms`)
  assert.ok(roundTripMs < 1_000)
})

await test('a connection that nobody uses for ten minutes is still there', async t => {
  const [alice, bob] = [await createNode(t), await createNode(t)]
  const connection = await alice.dial(bob.getMultiaddrs())
  await new Promise(resolve => setTimeout(resolve, 600_000))
  assert.equal(connection.status, 'open')
})
