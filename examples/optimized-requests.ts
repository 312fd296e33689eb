/**
 * Two ordinary js-libp2p nodes in one process; the client's requests go through the optimisation modules, the server
 * answers them as any libp2p handler would. An application imports from 'twinwire' what is imported from the sources here.
 *
 * node examples/optimized-requests.ts
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { createOptimizedNetwork, serveRequests } from '../src/optim/index.ts'

const PROTOCOL = '/example/upper-case/1.0.0'

const server = await plainNode()
await server.handle(PROTOCOL, async stream => {
  await serveRequests(stream, request => new TextEncoder().encode(new TextDecoder().decode(request).toUpperCase()))
})

const client = await plainNode()
await client.peerStore.merge(server.peerId, { multiaddrs: server.getMultiaddrs() })

{
  await using network = createOptimizedNetwork(client)
  for (const word of ['cold', 'warm', 'warm']) {
    const startMs = performance.now()
    const reply = await network.request(server.peerId, PROTOCOL, new TextEncoder().encode(word), { idempotent: true, deadlineMs: 5_000 })
    console.log(`${new TextDecoder().decode(reply)} after ${(performance.now() - startMs).toFixed(1)} ms`)
  }
  console.log(network.metrics)
}

await Promise.all([client.stop(), server.stop()])

async function plainNode (): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
}
