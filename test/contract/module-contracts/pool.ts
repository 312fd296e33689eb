import assert from 'node:assert/strict'
import { sleep, timeoutSignal } from '../../../src/core/clock.ts'
import { plainRequest, RequestStream } from '../../../src/optim/index.ts'
import { RTT_MS, rolesOf } from '../contract.ts'
import { bytesOf, codeOf, eventsOf, failureOf, serverNames, slackMs, sleepUntil, star, textOf, timed, until, withNetwork } from './rig.ts'
import { ECHO, FAILS, LATE, plainServer } from './servers.ts'
import type { ConnectionPoolOptions, NetworkNode, OptimizedNetworkOptions, StreamLease } from '../../../src/optim/index.ts'
import type { Contracts } from '../contract.ts'
import type { Host } from '../../../src/wires/wire.ts'
import type { Rig } from './rig.ts'

/** TCP, multistream-select, Noise and yamux take 3.4 round trips; then one for the stream and one for the request. */
const DIAL_RTTS = 4
/** No wait for an answer is shorter where a test is about silence: a real machine that pauses for less is not silent. */
const HICCUP_MS = 500
const server = plainServer()
const options = (connectionPool: ConnectionPoolOptions = {}): { readonly connectionPool: ConnectionPoolOptions } => ({ connectionPool })

export const contracts: Contracts = {
  'pool-coalesce': {
    claim: 'pool: twenty requests of a cold peer make one dial and one connection',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, events, server }) => {
          await Promise.all(Array.from({ length: 20 }, async (_, i) => {
            assert.equal(textOf(await network.request(server, ECHO, bytesOf(String(i)))), String(i))
          }))
          assert.equal(eventsOf(events, 'pool:dial').length, 1)
          assert.equal(host.node.getConnections(server).length, 1)
        })
      }
    }
  },
  'pool-cancel-some': {
    claim: 'pool: nine of ten that wait for a dial give up, and it goes on for the tenth',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, events, server }) => {
          using given = timeoutSignal(host.clock, RTT_MS / 2, undefined, () => new Error('enough'))
          const impatient = Array.from({ length: 9 }, async () => await failureOf(network.pool?.acquire(server, ECHO, { signal: given.signal }) ?? Promise.resolve()))
          const patient = network.request(server, ECHO, bytesOf('patient'))
          for (const { message } of await Promise.all(impatient)) {
            assert.equal(message, 'enough')
          }
          assert.equal(network.metrics.pool?.dialling, 1)
          assert.equal(textOf(await patient), 'patient')
          assert.equal(eventsOf(events, 'pool:dial').length, 1)
        })
      }
    }
  },
  'pool-cancel-all': {
    claim: 'pool: where all that wait for a dial give up, it is ended and leaves no connection, and the next dials anew',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, events, server }) => {
          using given = timeoutSignal(host.clock, RTT_MS / 2)
          await Promise.all(Array.from({ length: 10 }, async () => await failureOf(network.request(server, ECHO, bytesOf('x'), { signal: given.signal }))))
          assert.equal(network.metrics.pool?.dialling, 0)
          await sleep(host.clock, DIAL_RTTS * RTT_MS)
          assert.deepEqual(host.node.getConnections(), [])
          assert.equal(textOf(await network.request(server, ECHO, bytesOf('again'))), 'again')
          assert.equal(eventsOf(events, 'pool:dial').length, 2)
        })
      }
    }
  },
  'pool-limits': {
    claim: 'pool: open connections and dials are never more than the maximum, nor than that of a peer, and all are served by and by',
    scenario: star(2),
    roles: {
      server,
      client: {
        run: async host => await withCountedDials(host, options({ maxConnections: 3, maxConnectionsPerPeer: 2, streamsPerConnection: 2 }), async ({ network }, most) => {
          await Promise.all(serverNames(2).flatMap(name => Array.from({ length: 10 }, async (_, i) => {
            assert.equal(textOf(await network.request(host.peer(name).id, ECHO, bytesOf(`${name} ${i}`))), `${name} ${i}`)
          })))
          assert.deepEqual(most, { all: 3, ofPeer: 2 })
        })
      }
    }
  },
  'pool-host-limit': {
    claim: 'pool: open connections and dials to one host are never more than its maximum, and all are served by and by',
    roles: {
      server,
      client: {
        run: async host => await withCountedDials(host, options({ maxConnectionsPerPeer: 5, maxConnectionsPerHost: 2, streamsPerConnection: 1 }), async ({ network, server }, most) => {
          await Promise.all(Array.from({ length: 8 }, async (_, i) => {
            assert.equal(textOf(await network.request(server, ECHO, bytesOf(String(i)))), String(i))
          }))
          assert.deepEqual(most, { all: 2, ofPeer: 2 })
        })
      }
    }
  },
  'pool-leases': {
    claim: 'pool: each lease ends once, with success, a handler that fails, and a caller that gives up',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, events, server }) => {
          await network.connect(server)
          const callers = new AbortController()
          const asked = Array.from({ length: 8 }, () => [
            codeOf(network.request(server, ECHO, bytesOf('x'))),
            codeOf(network.request(server, FAILS, bytesOf('x'))),
            codeOf(network.request(server, LATE, bytesOf('10000'), { signal: callers.signal }))
          ]).flat()
          await until(host, () => eventsOf(events, 'pool:lease').length === 24, 'all have a lease')
          callers.abort(new Error('enough'))
          const outcomes = await Promise.all(asked)
          assert.deepEqual(outcomes.filter((_, i) => i % 3 === 0), Array.from({ length: 8 }, () => ''))
          assert.ok(outcomes.every((code, i) => i % 3 === 0 || code !== ''))
          await until(host, () => network.metrics.pool?.leases === 0, 'no lease is left')
          assert.equal(eventsOf(events, 'pool:end').length, 24)
          assert.equal(eventsOf(events, 'pool:close').length, 0, 'failures of the application cost a connection')
          // A lease that is given back twice is given back once.
          const lease = await leaseOf(network.pool?.acquire(server, ECHO))
          lease.release()
          lease.discard()
          lease[Symbol.dispose]()
          assert.equal(eventsOf(events, 'pool:end').length, 25)
        })
      }
    }
  },
  'pool-others': {
    claim: 'pool: a connection that carries a stream of others is not closed for being idle, and is when that stream is gone',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options({ idleTimeoutMs: 200 }), async ({ network, events, server }) => {
          await network.request(server, ECHO, bytesOf('x'))
          const [connection] = host.node.getConnections(server)
          const own = await connection.newStream(ECHO)
          await sleep(host.clock, 600)
          assert.equal(connection.status, 'open')
          assert.equal(textOf(await RequestStream.of(own, 1_000).request(bytesOf('mine'))), 'mine')
          await own.close()
          await until(host, () => connection.status !== 'open', 'the idle connection is closed')
          assert.deepEqual(eventsOf(events, 'pool:evict').map(({ reason }) => reason), ['idle'])
        })
      }
    }
  },
  'pool-both-dial': {
    claim: 'pool: of two peers that dial each other at once neither is ever without a connection again, and requests pass both ways',
    scenario: { hosts: [{ name: 'client', role: 'peer' }, { name: 'server', role: 'peer' }] },
    roles: {
      peer: {
        ...server,
        run: async host => await withNetwork(host, options({ duplicateGraceMs: 200 }), async ({ network }) => {
          const other = host.peer(host.name === 'client' ? 'server' : 'client').id
          await network.request(other, ECHO, bytesOf('first'))
          let gaps = 0
          host.node.addEventListener('connection:close', () => { gaps += host.node.getConnections(other).length === 0 ? 1 : 0 })
          for (let i = 0; i < 10; i++) {
            assert.equal(textOf(await network.request(other, ECHO, bytesOf(String(i)))), String(i))
            await sleep(host.clock, RTT_MS)
          }
          assert.equal(gaps, 0)
          assert.ok(host.node.getConnections(other).length >= 1)
          // The other's may still be at it.
          await sleepUntil(host, 1_800)
        })
      }
    }
  },
  'pool-wedged': {
    claim: 'pool: with a wedged connection and a healthy one, requests are on the healthy one from the first timeout on, and the wedged one is replaced',
    scenario: { faults: [{ kind: 'black-hole', from: 'client', to: 'server', atMs: 1_000, scope: 'existing' }] },
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, { connectionPool: { maxConnectionsPerPeer: 3 }, adaptiveTimeouts: { hedging: false, floorMs: HICCUP_MS } }, async ({ network, events, server }) => {
          const ask = async (i: number): Promise<void> => {
            assert.equal(textOf(await network.request(server, ECHO, bytesOf(String(i)), { idempotent: true })), String(i))
          }
          for (let i = 0; i < 10; i++) {
            await ask(i)
          }
          const [wedged] = host.node.getConnections(server)
          await sleepUntil(host, 1_050)
          await host.node.dial([...host.peer('server').addresses], { force: true })
          const took = await Promise.all(Array.from({ length: 20 }, async (_, i) => await timed(host.clock, () => ask(i))))
          const [overdue] = eventsOf(events, 'timeouts:attempt-overdue')
          assert.ok(overdue !== undefined, 'nothing was asked of the wedged connection')
          // An attempt's timeout, or four times that for a stream that was to be opened; then dial, stream and request anew.
          const boundMs = 4 * overdue.timeoutMs + (DIAL_RTTS + 3) * RTT_MS + 2 * slackMs(parameters)
          assert.ok(Math.max(...took) <= boundMs, `took ${Math.max(...took)} of ${boundMs} ms`)
          const suspect = eventsOf(events, 'pool:suspect').find(({ connection }) => connection === wedged.id)
          assert.ok(suspect !== undefined)
          for (let i = 0; i < 20; i++) {
            await ask(i)
          }
          const after = eventsOf(events, 'pool:lease').filter(({ timeMs }) => timeMs > suspect.timeMs)
          assert.ok(after.length > 0)
          assert.ok(after.every(({ connection }) => connection !== wedged.id), `${wedged.id} was used again: ${JSON.stringify(events.filter(({ type }) => type.startsWith('pool:')))}`)
          await until(host, () => eventsOf(events, 'pool:replace').some(({ replaced }) => replaced === wedged.id), 'the wedged connection is replaced')
        })
      }
    }
  },
  'pool-black-hole-address': {
    claim: 'pool: a first address that never answers costs the delay of the race, and not six seconds',
    scenario: { hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server', addresses: [{ state: 'black-hole' }, {}] }] },
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async ({ network, events, server }) => {
          const tookMs = await timed(host.clock, () => network.connect(server))
          // Both are private addresses, 30 ms apart.
          assert.ok(tookMs <= 30 + DIAL_RTTS * RTT_MS + slackMs(parameters), `took ${tookMs} ms`)
          assert.deepEqual(eventsOf(events, 'pool:address').map(({ reason }) => reason).sort(), ['cancelled', 'won'])
        })
      }
    }
  },
  'pool-early-streams': {
    claim: 'pool: forty requests at the instant of the first connection are all answered, though libp2p resets ten streams that come too early',
    scenario: { hosts: [{ name: 'client', role: 'client', libp2p: { maxEarlyStreams: 10 } }, { name: 'server', role: 'server', libp2p: { maxEarlyStreams: 10 } }] },
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, events, server }) => {
          await Promise.all(Array.from({ length: 40 }, async (_, i) => {
            assert.equal(textOf(await network.request(server, ECHO, bytesOf(String(i)), { deadlineMs: 10_000 })), String(i))
          }))
          assert.equal(eventsOf(events, 'pool:suspect').length, 0)
        })
      }
    }
  },
  'pool-stop': {
    claim: 'pool: after stop its connections are closed, those of others are not, nothing of it listens, and another network works',
    roles: {
      server,
      client: {
        run: async host => {
          const foreign = await host.node.dial([...host.peer('server').addresses])
          const listeners = listenersOf(host.node)
          await withNetwork(host, options({ streamsPerConnection: 1 }), async ({ network, server }) => {
            await Promise.all(Array.from({ length: 4 }, async () => await network.request(server, ECHO, bytesOf('x'))))
            assert.ok(host.node.getConnections(server).length > 1)
          })
          assert.deepEqual(host.node.getConnections().map(({ id }) => id), [foreign.id])
          await until(host, () => foreign.streams.length === 0, 'no stream is left')
          assert.equal(listenersOf(host.node), listeners)
          await withNetwork(host, options(), async ({ network, server }) => {
            assert.equal(textOf(await network.request(server, ECHO, bytesOf('again'))), 'again')
          })
          assert.equal(foreign.status, 'open')
          assert.equal(textOf(await plainRequest(host.node, host.peer('server').id, ECHO, bytesOf('plain'), { clock: host.clock })), 'plain')
        }
      }
    }
  },
  'pool-warm': {
    claim: 'pool: a request on a kept stream takes one round trip',
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async ({ network, events, server }) => {
          await network.request(server, ECHO, bytesOf('cold'))
          for (let i = 0; i < 5; i++) {
            const tookMs = await timed(host.clock, () => network.request(server, ECHO, bytesOf('warm')))
            assert.ok(tookMs >= RTT_MS - 1 && tookMs <= RTT_MS + slackMs(parameters), `took ${tookMs} ms`)
          }
          assert.equal(eventsOf(events, 'pool:lease').filter(({ reason }) => reason === 'opened').length, 1)
        })
      }
    }
  },
  'pool-jitter': {
    claim: 'pool: connections that become idle together do not expire together',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options({ maxConnectionsPerPeer: 8, streamsPerConnection: 1, idleTimeoutMs: 600 }), async ({ network, events, server }) => {
          await Promise.all(Array.from({ length: 8 }, async () => await network.request(server, LATE, bytesOf('300'))))
          const opened = eventsOf(events, 'pool:open').length
          assert.ok(opened > 3, `only ${opened} connections`)
          await until(host, () => host.node.getConnections().length === 0, 'all are closed', 3_000)
          const times = eventsOf(events, 'pool:evict').filter(({ reason }) => reason === 'idle').map(({ timeMs }) => timeMs)
          assert.equal(times.length, opened)
          // 10% either way: 120 ms in all.
          assert.ok(Math.max(...times) - Math.min(...times) > 20, `all within ${Math.max(...times) - Math.min(...times)} ms`)
        })
      }
    }
  }
}

export const roles = rolesOf(contracts)

/** The most open connections and dials under way, of all peers and of one, whenever there was one more. */
interface Most {
  all: number
  ofPeer: number
}

/** Looks at the node, not at what the pool says of itself. */
async function withCountedDials (host: Host, networkOptions: OptimizedNetworkOptions, body: (rig: Rig, most: Most) => Promise<void>): Promise<void> {
  const { node } = host
  const most: Most = { all: 0, ofPeer: 0 }
  /** Dials under way, by peer. */
  const dials: string[] = []
  const end = (peer: string): void => {
    dials.splice(dials.indexOf(peer), 1)
  }
  const look = (): void => {
    const all = [...dials, ...node.getConnections().map(({ remotePeer }) => remotePeer.toString())]
    most.all = Math.max(most.all, all.length)
    most.ofPeer = Math.max(most.ofPeer, ...all.map(peer => all.filter(other => other === peer).length))
  }
  node.addEventListener('connection:open', ({ detail }) => {
    end(detail.remotePeer.toString())
    look()
  })
  const counting: NetworkNode = {
    peerId: node.peerId,
    peerStore: node.peerStore,
    getConnections: peer => node.getConnections(peer),
    handle: async (protocol, handler, handlerOptions) => await node.handle(protocol, handler, handlerOptions),
    unhandle: async protocol => await node.unhandle(protocol),
    addEventListener: (type, listener, listenerOptions) => node.addEventListener(type, listener, listenerOptions),
    removeEventListener: (type, listener) => node.removeEventListener(type, listener),
    dial: async (target, dialOptions) => {
      const peer = target.toString().replace(/.*\/p2p\//, '')
      dials.push(peer)
      look()
      try {
        return await node.dial(target, dialOptions)
      } catch (error) {
        end(peer)
        throw error
      }
    }
  }
  await withNetwork(host, networkOptions, async rig => await body(rig, most), { node: counting })
}

async function leaseOf (lease: Promise<StreamLease> | undefined): Promise<StreamLease> {
  assert.ok(lease !== undefined, 'the pool is off')
  return await lease
}

/** How many listen to a node, where it tells. */
function listenersOf (node: object): number | undefined {
  const types = ['connection:open', 'connection:close', 'connection:prune', 'peer:connect', 'peer:disconnect']
  return 'listenerCount' in node && typeof node.listenerCount === 'function'
    ? types.reduce((sum, type) => sum + (node as { listenerCount(type: string): number }).listenerCount(type), 0)
    : undefined
}
