import assert from 'node:assert/strict'
import type { Clock } from '../../src/core/clock.ts'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import type { Bytes, CloseEvent, Connection, Stream } from '../../src/optim/port.ts'
import type { Host, Role } from '../../src/wires/wire.ts'
import { RTT_MS, rolesOf } from './contract.ts'
import type { Contract, Contracts } from './contract.ts'

/** By then every acknowledgement was sent, and has arrived: Linux delays them by 40 ms. */
const SILENCE_MS = 3 * RTT_MS

/** What differs between the contracts of a wire: all have the same server. */
interface WireContract extends Pick<Contract, 'claim' | 'scenario'> {
  readonly client: (host: Host) => Promise<void>
}

const ECHO = '/contract/echo/1.0.0'
const SILENT = '/contract/silent/1.0.0'
/** Sends what it got back once the other side has closed, then closes. */
const LATE_REPLY = '/contract/late-reply/1.0.0'
const COUNT = '/contract/count/1.0.0'
/** Dials the host that is named, and answers what became of it. */
const DIAL = '/contract/dial/1.0.0'

const wireContracts: Readonly<Record<string, WireContract>> = {
  reuse: {
    claim: 'a dialled peer is connected, and dialling it again gives the same connection',
    client: async host => {
      const connection = await connect(host)
      assert.equal(connection.status, 'open')
      assert.equal(connection.direction, 'outbound')
      assert.ok(connection.remotePeer.equals(host.peer('server').id))
      assert.equal((await connect(host)).id, connection.id)
      assert.deepEqual(host.node.getConnections(host.peer('server').id).map(({ id }) => id), [connection.id])
    }
  },
  coalesce: {
    claim: 'ten dials of one peer at once make one connection',
    client: async host => {
      const connections = await Promise.all(Array.from({ length: 10 }, async () => await connect(host)))
      assert.equal(new Set(connections.map(({ id }) => id)).size, 1)
      assert.equal(host.node.getConnections().length, 1)
    }
  },
  bare: {
    claim: 'a forced dial of an address without its peer opens another connection, which knows whom it reached',
    client: async host => {
      const first = await connect(host)
      const [address] = host.peer('server').addresses
      const second = await host.node.dial(address.decapsulate('/p2p'), { force: true })
      assert.notEqual(second.id, first.id)
      assert.ok(second.remotePeer.equals(host.peer('server').id))
      const third = await host.node.dial(address.decapsulate('/p2p'))
      assert.equal(third.id, first.id, 'without force, libp2p gives up the new one for the first to that address')
    }
  },
  store: {
    claim: 'a peer can be dialled by its id once its addresses are in the peer store',
    client: async host => {
      const { id, addresses } = host.peer('server')
      await assert.rejects(host.node.peerStore.get(id), { name: 'NotFoundError' })
      await host.node.peerStore.merge(id, { multiaddrs: [...addresses], tags: { contract: { value: 10 } } })
      assert.equal((await host.node.peerStore.get(id)).addresses.length, 1)
      assert.ok((await host.node.dial(id)).remotePeer.equals(id))
    }
  },
  unknown: {
    claim: 'a protocol that the peer does not speak is UnsupportedProtocolError, and the connection lives on',
    client: async host => {
      const connection = await connect(host)
      await assert.rejects(connection.newStream('/contract/nobody/1.0.0'), { name: 'UnsupportedProtocolError' })
      assert.equal(connection.status, 'open')
      await echo(await connection.newStream(ECHO), bytes(10))
    }
  },
  echo: {
    claim: 'a megabyte comes back whole and in order',
    client: async host => {
      const sent = bytes(1_000_000)
      const received = await echo(await (await connect(host)).newStream(ECHO), sent)
      assert.ok(Buffer.from(sent).equals(received))
    }
  },
  traffic: {
    claim: 'a host counts its packets both ways: an echo\'s bytes with yamux\'s and Noise\'s, and 52 of TCP and IP a packet',
    client: async host => {
      const stream = await (await connect(host)).newStream(ECHO)
      await echo(stream, bytes(10))
      await sleep(host.clock, SILENCE_MS)
      // The relay of real peers passes on bytes, and sees no packet.
      if (host.traffic() === undefined) {
        return
      }
      assert.deepEqual(host.traffic(), { sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 })
      await echo(stream, bytes(1_000))
      await sleep(host.clock, SILENCE_MS)
      const { sentPackets, sentBytes, receivedPackets, receivedBytes } = host.traffic() ?? assert.fail()
      // How many acknowledgements go by themselves is each TCP's own. What is left without headers is the echo's data and, to
      // open yamux's window again, a header: each with 12 bytes of yamux and 18 of Noise (2 of length, 16 of tag).
      assert.ok(sentPackets >= 2 && receivedPackets >= 2, `${sentPackets} and ${receivedPackets} packets`)
      assert.deepEqual([sentBytes - 52 * sentPackets, receivedBytes - 52 * receivedPackets], [1_060, 1_060])
    }
  },
  drain: {
    claim: 'a sender that outruns its peer is told to wait, and that it may go on',
    client: async host => {
      const stream = await (await connect(host)).newStream(COUNT)
      const chunk = bytes(64 * 1024)
      let waits = 0
      for (let i = 0; i < 64; i++) {
        if (!stream.send(chunk)) {
          waits++
          assert.equal(stream.writableNeedsDrain, true)
          await once(stream, 'drain')
        }
      }
      assert.ok(waits > 0, 'four megabytes went without a wait')
      const counted = collect(stream)
      await stream.close()
      assert.equal(Buffer.from(await counted).toString(), String(64 * chunk.byteLength))
    }
  },
  'half-close': {
    claim: 'a stream closed for writing is still read from, and ends when both sides have closed',
    client: async host => {
      const stream = await (await connect(host)).newStream(LATE_REPLY)
      const closed = once<CloseEvent>(stream, 'close')
      const reply = collect(stream)
      stream.send(bytes(100))
      await stream.close()
      assert.throws(() => stream.send(bytes(1)))
      assert.equal((await reply).byteLength, 100)
      assert.equal((await closed).error, undefined)
      assert.equal(stream.status, 'closed')
    }
  },
  abort: {
    claim: 'aborting a stream resets it at the other end, and the connection lives on',
    client: async host => {
      const connection = await connect(host)
      const stream = await connection.newStream(SILENT)
      stream.abort(new Error('enough'))
      assert.equal(stream.status, 'aborted')
      await sleep(host.clock, RTT_MS * 2)
      const report = await echo(await connection.newStream('/contract/resets/1.0.0'), bytes(1))
      assert.equal(report[0], 1)
    }
  },
  pause: {
    claim: 'a paused stream delivers nothing until it is resumed, and then everything',
    client: async host => {
      const stream = await (await connect(host)).newStream(ECHO)
      let received = 0
      stream.addEventListener('message', ({ data }) => { received += data.byteLength })
      stream.pause()
      stream.send(bytes(5_000))
      await sleep(host.clock, RTT_MS * 3)
      assert.equal(received, 0)
      stream.resume()
      await until(host.clock, () => received === 5_000)
    }
  },
  'late-listener': {
    claim: 'what arrives before anybody listens is kept',
    client: async host => {
      const stream = await (await connect(host)).newStream(ECHO)
      stream.send(bytes(500))
      await sleep(host.clock, RTT_MS * 3)
      assert.equal(stream.readBufferLength, 500)
      const message = await once<{ readonly data: Bytes }>(stream, 'message')
      assert.equal(message.data.byteLength, 500)
    }
  },
  close: {
    claim: 'closing a connection closes it at both ends, with events, and a new one can be dialled',
    client: async host => {
      const events: string[] = []
      host.node.addEventListener('connection:open', () => events.push('connection:open'))
      host.node.addEventListener('connection:close', () => events.push('connection:close'))
      host.node.addEventListener('peer:connect', () => events.push('peer:connect'))
      host.node.addEventListener('peer:disconnect', () => events.push('peer:disconnect'))
      const connection = await connect(host)
      const closed = once<CloseEvent>(connection, 'close')
      await connection.close()
      await closed
      assert.equal(connection.status, 'closed')
      assert.deepEqual(host.node.getConnections(), [])
      await assert.rejects(connection.newStream(ECHO), { name: 'ConnectionClosedError' })
      await until(host.clock, () => events.length === 4)
      assert.deepEqual([...events].sort(), ['connection:close', 'connection:open', 'peer:connect', 'peer:disconnect'])
      const again = await connect(host)
      const [open] = await echo(await again.newStream('/contract/connections/1.0.0'), bytes(1))
      assert.equal(open, 1, 'the server still counts the closed connection')
    }
  },
  'dial-abort': {
    claim: 'a dial that its only caller gives up rejects at once and leaves no connection',
    client: async host => {
      using limit = timeoutSignal(host.clock, RTT_MS / 4)
      await assert.rejects(connect(host, { signal: limit.signal }))
      await sleep(host.clock, RTT_MS * 5)
      assert.deepEqual(host.node.getConnections(), [])
    }
  },
  abandoned: {
    claim: 'a dial that follows one given up in the same instant is a dial of its own',
    client: async host => {
      using limit = timeoutSignal(host.clock, RTT_MS / 4)
      await connect(host, { signal: limit.signal }).catch(() => {})
      assert.equal((await connect(host)).status, 'open')
    }
  },
  'join-with-address': {
    claim: 'whoever joins a dial brings his addresses, and both get the connection',
    scenario: { hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server', addresses: [{ state: 'refused' }, {}] }] },
    client: async host => {
      const [refused, good] = host.peer('server').addresses
      const first = host.node.dial([refused])
      const second = host.node.dial([refused, good])
      const [a, b] = await Promise.all([first, second])
      assert.equal(a.id, b.id)
    }
  },
  'by-id': {
    claim: 'an address that was dialled once is known: the peer can be dialled again by its id',
    client: async host => {
      await (await connect(host)).close()
      assert.equal((await host.node.dial(host.peer('server').id)).status, 'open')
    }
  },
  'remote-address': {
    claim: 'the listener sees the dialler, at a port of its own, as the remote address',
    client: async host => {
      const [address] = host.peer('server').addresses
      const seen = Buffer.from(await echo(await (await connect(host)).newStream('/contract/remote-address/1.0.0'), bytes(1), 'whole')).toString()
      assert.ok(seen.endsWith(`/p2p/${host.node.peerId.toString()}`), seen)
      assert.notEqual(seen.replace(/\/p2p\/.*/, ''), address.toString().replace(/\/p2p\/.*/, ''))
    }
  },
  'reset-dial': {
    claim: 'a reset also ends a dial that is under way',
    scenario: { faults: [{ kind: 'reset', from: 'client', to: 'server', atMs: 500 }] },
    client: async host => {
      await sleep(host.clock, 500 - host.clock.now() - RTT_MS * 1.75)
      await assert.rejects(connect(host))
      assert.ok(host.clock.now() < 500 + RTT_MS * 2, `at ${host.clock.now()} ms`)
    }
  },
  refused: {
    claim: 'a refused address costs about a round trip, and the next one is tried',
    scenario: { hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server', addresses: [{ state: 'refused' }, {}] }] },
    client: async host => {
      const startMs = host.clock.now()
      const connection = await connect(host)
      assert.equal(connection.status, 'open')
      const tookMs = host.clock.now() - startMs
      assert.ok(tookMs < RTT_MS * 8, `took ${tookMs} ms`)
    }
  },
  'black-hole-address': {
    claim: 'an address that never answers is given up after 6 s, and the next one is tried',
    scenario: { hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server', addresses: [{ state: 'black-hole' }, {}] }] },
    client: async host => {
      const startMs = host.clock.now()
      await connect(host)
      const tookMs = host.clock.now() - startMs
      assert.ok(tookMs >= 6_000 + RTT_MS * 3 - 5 && tookMs < 6_000 + RTT_MS * 8, `took ${tookMs} ms`)
    }
  },
  nat: {
    claim: 'an address that only others reach is dead to a host, and not to those others',
    scenario: {
      hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server', addresses: [{ reachableFrom: ['neighbour'] }] }, { name: 'neighbour', role: 'server' }],
      paths: [
        { from: 'client', to: 'server', forward: { delayMs: RTT_MS / 2 } },
        { from: 'neighbour', to: 'server', forward: { delayMs: RTT_MS / 2 } },
        { from: 'client', to: 'neighbour', forward: { delayMs: RTT_MS / 2 } }
      ]
    },
    client: async host => {
      using limit = timeoutSignal(host.clock, RTT_MS * 20)
      await assert.rejects(connect(host, { signal: limit.signal }))
      const neighbour = await host.node.dial([...host.peer('neighbour').addresses])
      const answer = await echo(await neighbour.newStream(DIAL), Buffer.from('server'), 'whole')
      assert.equal(answer.toString(), 'open')
    }
  },
  'silent-death': {
    claim: 'a connection that died silently stays open and carries nothing, and a new one works',
    scenario: { faults: [{ kind: 'black-hole', from: 'client', to: 'server', atMs: 500, scope: 'existing' }] },
    client: async host => {
      const connection = await connect(host)
      await sleep(host.clock, 600)
      using limit = timeoutSignal(host.clock, 500)
      await assert.rejects(connection.newStream(ECHO, { signal: limit.signal }))
      assert.equal(connection.status, 'open')
      const fresh = await connect(host, { force: true })
      assert.notEqual(fresh.id, connection.id)
      await echo(await fresh.newStream(ECHO), bytes(10))
    }
  },
  monitor: {
    claim: 'plain libp2p finds a silently dead connection by its ping, within 15 s, and closes it',
    scenario: { faults: [{ kind: 'black-hole', from: 'client', to: 'server', atMs: 500, scope: 'existing' }] },
    client: async host => {
      const connection = await connect(host)
      const { error } = await once<CloseEvent>(connection, 'close')
      assert.ok(error instanceof Error)
      assert.ok(host.clock.now() <= 15_000 + RTT_MS * 5, `at ${host.clock.now()} ms`)
      assert.deepEqual(host.node.getConnections(), [])
    }
  },
  reset: {
    claim: 'a reset ends the connection with an error and its streams without one',
    scenario: { faults: [{ kind: 'reset', from: 'client', to: 'server', atMs: 500 }] },
    client: async host => {
      const connection = await connect(host)
      const stream = await connection.newStream(SILENT)
      const [connectionEnd, streamEnd] = await Promise.all([once<CloseEvent>(connection, 'close'), once<CloseEvent>(stream, 'close')])
      assert.ok(connectionEnd.error instanceof Error)
      assert.equal(connection.status, 'aborted')
      assert.equal(streamEnd.error, undefined)
      assert.equal(stream.status, 'closed')
      assert.ok((await connect(host)).status === 'open')
    }
  },
  stall: {
    claim: 'a stall delays what is under way to its end and loses nothing',
    scenario: { faults: [{ kind: 'stall', from: 'client', to: 'server', atMs: 500, durationMs: 1_000 }] },
    client: async host => {
      const stream = await (await connect(host)).newStream(ECHO)
      await sleep(host.clock, 550 - host.clock.now())
      const received = await echo(stream, bytes(1_000))
      assert.equal(received.byteLength, 1_000)
      assert.ok(host.clock.now() >= 1_500, `answered at ${host.clock.now()} ms, within the stall`)
      assert.ok(host.clock.now() < 1_500 + 1_000, `answered at ${host.clock.now()} ms, long after the stall`)
    }
  },
  rate: {
    claim: 'a rate change takes effect: 100 kB at 1 Mbit/s take 0.8 s',
    scenario: { faults: [{ kind: 'rate', from: 'client', to: 'server', atMs: 500, rateBitsPerSecond: 1e6 }] },
    client: async host => {
      const stream = await (await connect(host)).newStream(COUNT)
      await sleep(host.clock, 550 - host.clock.now())
      const startMs = host.clock.now()
      const counted = collect(stream)
      stream.send(bytes(100_000))
      await stream.close()
      assert.equal(Buffer.from(await counted).toString(), '100000')
      const tookMs = host.clock.now() - startMs
      // Serialisation with 52 B of headers to 1448 B, one round trip, and slow start at most three more.
      assert.ok(tookMs > 800 && tookMs < 830 + RTT_MS * 4 + 60, `took ${tookMs} ms`)
    }
  }
}

const server: Role = {
  setUp: async host => {
    const { node } = host
    let resets = 0
    await node.handle(DIAL, stream => {
      stream.addEventListener('message', ({ data }) => {
        const { addresses } = host.peer(Buffer.from(data.subarray()).toString())
        node.dial([...addresses]).then(({ status }) => stream.send(Buffer.from(status)), (error: unknown) => stream.abort(error as Error))
      })
    })
    const answer = async (protocol: string, reply: () => Uint8Array): Promise<void> => await node.handle(protocol, stream => {
      stream.addEventListener('message', () => { stream.send(reply()) })
    })
    await node.handle(ECHO, stream => {
      stream.addEventListener('message', ({ data }) => { stream.send(data.subarray()) })
    }, { maxInboundStreams: 100 })
    await node.handle(SILENT, stream => {
      stream.addEventListener('close', ({ error }) => { resets += error === undefined ? 0 : 1 })
    })
    await node.handle(COUNT, stream => {
      let count = 0
      stream.addEventListener('message', ({ data }) => { count += data.byteLength })
      stream.addEventListener('remoteCloseWrite', () => {
        stream.send(Buffer.from(String(count)))
        stream.close().catch((error: unknown) => stream.abort(error as Error))
      })
    })
    await node.handle(LATE_REPLY, stream => {
      const parts: Uint8Array[] = []
      stream.addEventListener('message', ({ data }) => { parts.push(data.subarray()) })
      stream.addEventListener('remoteCloseWrite', () => {
        stream.send(Buffer.concat(parts))
        stream.close().catch((error: unknown) => stream.abort(error as Error))
      })
    })
    await node.handle('/contract/remote-address/1.0.0', (stream, { remoteAddr }) => {
      stream.addEventListener('message', () => { stream.send(Buffer.from(remoteAddr.toString())) })
    })
    await answer('/contract/resets/1.0.0', () => Uint8Array.of(resets))
    await answer('/contract/connections/1.0.0', () => Uint8Array.of(node.getConnections().length))
  }
}

export const contracts: Contracts = Object.fromEntries(Object.entries(wireContracts).map(([name, { client, ...contract }]) =>
  [name, { ...contract, roles: { client: { run: client }, server } }]))

export const roles = rolesOf(contracts)

/** For a suite. */
export const wireContractModule = { url: new URL(import.meta.url), contracts }

async function connect (host: Host, options: { signal?: AbortSignal, force?: boolean } = {}): Promise<Connection> {
  return await host.node.dial([...host.peer('server').addresses], options)
}

/** What comes back: as many bytes as were sent, or the whole of the first answer. */
async function echo (stream: Stream, sent: Uint8Array, until: 'length' | 'whole' = 'length'): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const parts: Uint8Array[] = []
    let missing = until === 'whole' ? 1 : sent.byteLength
    const onMessage = ({ data }: { readonly data: Bytes }): void => {
      parts.push(data.subarray())
      missing -= data.byteLength
      if (missing <= 0) {
        stream.removeEventListener('message', onMessage)
        resolve(Buffer.concat(parts))
      }
    }
    stream.addEventListener('message', onMessage)
    stream.addEventListener('close', ({ error }) => reject(error ?? new Error('closed')))
    stream.send(sent)
  })
}

/** Everything until the other side closes. */
async function collect (stream: Stream): Promise<Uint8Array> {
  return await new Promise((resolve, reject) => {
    const parts: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => { parts.push(data.subarray()) })
    stream.addEventListener('remoteCloseWrite', () => resolve(Buffer.concat(parts)))
    stream.addEventListener('close', ({ error }) => error === undefined ? resolve(Buffer.concat(parts)) : reject(error))
  })
}

async function once<Event = unknown> (source: Stream | Connection, type: string): Promise<Event> {
  return await new Promise(resolve => {
    (source as unknown as { addEventListener(type: string, listener: (event: Event) => void, options: { once: boolean }): void }).addEventListener(type, resolve, { once: true })
  })
}

async function until (clock: Clock, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) {
    await sleep(clock, 5)
  }
  assert.ok(condition(), 'still not so after a second')
}

function bytes (count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (i * 31 + (i >> 8)) & 255)
}
