import { simulatedNetwork, simulatedTcp } from '../../../src/libp2p/index.ts'
import type { SimulatedHost, SimulatedTcpInit } from '../../../src/libp2p/index.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { multiaddr } from '@multiformats/multiaddr'
import test from 'ava'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'

async function createNode (init: SimulatedTcpInit = {}, listen: string[] = ['/ip4/0.0.0.0/tcp/0']): Promise<Libp2p> {
  return await createLibp2p({ addresses: { listen }, transports: [simulatedTcp(init)], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
}

async function stop (...nodes: readonly Libp2p[]): Promise<void> {
  await Promise.all(nodes.map(async node => await node.stop()))
}

test('a stopped node with two addresses listens at neither, and at both when it is started again', async t => {
  const listen = ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002']
  const [client, server] = [await createNode(), await createNode({}, listen)]
  const addresses = server.getMultiaddrs()
  t.is(addresses.length, 2)
  await server.stop()
  for (const address of addresses) {
    await t.throwsAsync(client.dial(address), { message: /ECONNREFUSED/ })
  }
  await server.start()
  t.deepEqual(server.getMultiaddrs().map(String), addresses.map(String))
  for (const address of addresses) {
    const connection = await client.dial(address)
    t.true(connection.remotePeer.equals(server.peerId))
    await connection.close()
  }
  await stop(client, server)
})

for (const handshake of ['real', 'skipped'] as const) {
  test(`whoever is not the peer that was dialled is refused, handshake ${handshake}`, async t => {
    const [client, server, other] = [await createNode({ handshake }), await createNode({ handshake }), await createNode({ handshake })]
    const [address] = server.getMultiaddrs()
    const error = await t.throwsAsync(client.dial(address.decapsulate('/p2p').encapsulate(`/p2p/${other.peerId.toString()}`)))
    t.is(rootOf(error).name, handshake === 'real' ? 'EncryptionFailedError' : 'UnexpectedPeerError')
    t.deepEqual(client.getConnections(), [])
    t.true((await client.dial(address)).remotePeer.equals(server.peerId))
    await stop(client, server, other)
  })
}

test('without a handshake the peer of an address that names none is known, on a host of two nodes too', async t => {
  const network = simulatedNetwork({ hosts: [{ name: 'a' }, { name: 'b' }], paths: [{ from: 'a', to: 'b', forward: { delayMs: 1 } }] })
  const at = (name: string): { readonly host: SimulatedHost, readonly handshake: 'skipped' } => ({ host: network.host(name), handshake: 'skipped' })
  const [client, first, second] = [await createNode(at('a')), await createNode(at('b'), ['/ip4/0.0.0.0/tcp/1']), await createNode(at('b'), ['/ip4/0.0.0.0/tcp/2'])]
  for (const node of [first, second]) {
    const [address] = node.getMultiaddrs()
    t.true((await client.dial(address.decapsulate('/p2p'))).remotePeer.equals(node.peerId))
  }
  await stop(client, first, second)
})

test('127.0.0.1 with a port at which one node of the network listens leads to that node', async t => {
  const [client, server] = [await createNode(), await createNode({}, ['/ip4/127.0.0.1/tcp/4567'])]
  t.true((await client.dial(multiaddr('/ip4/127.0.0.1/tcp/4567'))).remotePeer.equals(server.peerId))
  await stop(client, server)
})

test('an address that nobody has is EHOSTUNREACH, as Node has it, worded as @libp2p/tcp does', async t => {
  const client = await createNode()
  const error = rootOf(await t.throwsAsync(client.dial(multiaddr('/ip4/192.0.2.1/tcp/1'))))
  t.is(error.message, 'connection error 192.0.2.1:1: connect EHOSTUNREACH 192.0.2.1:1')
  t.is((error as NodeJS.ErrnoException).code, 'EHOSTUNREACH')
  await stop(client)
})

test('options are checked when they are given, with where, what and what instead', t => {
  const host = simulatedNetwork({ hosts: [{ name: 'a' }] }).host('a')
  const given = (init: object): (() => unknown) => () => simulatedTcp(init)
  t.throws(given({ handshakes: 'skipped' }), { code: 'ERR_UNKNOWN_OPTION', message: /handshakes.*handshake/ })
  for (const [init, path] of [
    [{ handshake: 'none' }, 'handshake'],
    [{ inboundSocketInactivityTimeout: -1 }, 'inboundSocketInactivityTimeout'],
    [{ outboundSocketInactivityTimeout: 1.5 }, 'outboundSocketInactivityTimeout'],
    [{ access: { forward: { delayMs: -1 } } }, 'access.forward.delayMs'],
    [{ processing: { perEventMs: '1' } }, 'processing.perEventMs'],
    [{ host: 'a' }, 'host'],
    [{ host, access: { forward: { delayMs: 1 } } }, 'access'],
    [{ host, processing: {} }, 'processing']
  ] as const) {
    const error = t.throws(given(init), { code: 'ERR_INVALID_OPTION' }) as Error & { path: string, expected: string, found: string }
    t.is(error.path, path)
    t.truthy(error.expected)
    t.truthy(error.found)
  }
  t.notThrows(given({ host, handshake: undefined }))
})

test('a host\'s computing takes the time that was asked for', async t => {
  const createPair = async (perEventMs: number): Promise<[Libp2p, Libp2p]> => [await createNode(), await createNode({ processing: { perEventMs } })]
  const dialMs = async ([client, server]: [Libp2p, Libp2p]): Promise<number> => {
    const startMs = performance.now()
    await client.dial(server.getMultiaddrs())
    const tookMs = performance.now() - startMs
    await stop(client, server)
    return tookMs
  }
  const free = await dialMs(await createPair(0))
  const slow = await dialMs(await createPair(5))
  t.is(free % 40, 0)
  t.true(slow >= free + 5 && slow < free + 100, `${slow} ms`)
})

/** The first of those that a dial failed with. */
function rootOf (error: Error | undefined): Error {
  if (error === undefined) {
    throw new Error('no error')
  }
  return error instanceof AggregateError ? error.errors[0] as Error : error
}
