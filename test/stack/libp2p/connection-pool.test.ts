import { simulatedTcp } from '../../../src/libp2p/index.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import test from 'ava'
import { createLibp2p } from 'libp2p'
import { systemClock } from '../../../src/core/clock.ts'
import { randomStream } from '../../../src/core/random.ts'
import { MemoryRecorder } from '../../../src/core/recorder.ts'
import { ConnectionPool } from '../../../src/optim/pool/pool.ts'
import type { Libp2p } from 'libp2p'
import type { PoolEvent } from '../../../src/optim/pool/pool.ts'

async function createNode (maxConnections: number): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/0.0.0.0/tcp/0'] },
    transports: [simulatedTcp({})],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { maxConnections },
    connectionMonitor: { enabled: false }
  })
  await node.handle('/echo', () => {})
  return node
}

/** A pool on a node that keeps two connections, and three peers of which the third is worth most to libp2p. */
async function bench (): Promise<{ client: Libp2p, peers: Libp2p[], pool: ConnectionPool, recorder: MemoryRecorder<PoolEvent>, pruned: Promise<unknown>, stop: () => Promise<void> }> {
  const [client, ...peers] = [await createNode(2), await createNode(10), await createNode(10), await createNode(10)]
  for (const peer of peers) {
    await client.peerStore.merge(peer.peerId, { multiaddrs: peer.getMultiaddrs(), ...peer === peers[2] && { tags: { dear: { value: 100 } } } })
  }
  const recorder = new MemoryRecorder<PoolEvent>()
  const pool = new ConnectionPool({ node: client, clock: systemClock, random: randomStream('pool'), recorder }, { tagValue: 0 })
  const pruned = new Promise(resolve => client.addEventListener('connection:prune', resolve, { once: true }))
  const stop = async (): Promise<void> => {
    await pool.stop()
    await Promise.all([client, ...peers].map(async node => await node.stop()))
  }
  return { client, peers, pool, recorder, pruned, stop }
}

function history (recorder: MemoryRecorder<PoolEvent>, peer: Libp2p): string[] {
  return recorder.events.filter(event => event.peer === peer.peerId.toString()).map(({ type, reason }) => `${type} ${reason}`)
}

test('libp2p closes what it prunes before it tells, and spares what carries a kept stream, which the pool then closes', async t => {
  {
    const { client, peers, pool, recorder, pruned, stop } = await bench()
    await pool.connect(peers[0].peerId)
    const lease = await pool.acquire(peers[1].peerId, '/echo')
    await client.dial(peers[2].peerId)
    await pruned
    t.deepEqual(history(recorder, peers[0]).slice(-2), ['pool:close lost', 'pool:prune closed'])
    t.deepEqual(client.getConnections(peers[0].peerId), [])
    t.is(lease.connection.status, 'open')
    await stop()
  }
  const { client, peers, pool, recorder, pruned, stop } = await bench()
  ;(await pool.acquire(peers[0].peerId, '/echo')).release()
  const leases = [await pool.acquire(peers[1].peerId, '/echo'), await pool.acquire(peers[1].peerId, '/echo')]
  const closed = new Promise(resolve => client.addEventListener('peer:disconnect', resolve, { once: true }))
  await client.dial(peers[2].peerId)
  await pruned
  await closed
  t.deepEqual(history(recorder, peers[0]).slice(-3), ['pool:prune idle', 'pool:evict pruned', 'pool:close pruned'])
  t.deepEqual(client.getConnections(peers[0].peerId), [])
  t.true(leases.every(({ connection }) => connection.status === 'open'))
  await stop()
})
