import assert from 'node:assert/strict'
import { sleep } from '../../../src/core/clock.ts'
import { RTT_MS, rolesOf } from '../contract.ts'
import { bytesOf, codeOf, eventsOf, star, timed, until, withNetwork } from './rig.ts'
import { ECHO, LATE, networkServer, SINK, standardHandlers } from './servers.ts'
import type { OptimizedNetworkOptions, PeerId } from '../../../src/optim/index.ts'
import type { Contracts } from '../contract.ts'

const ALL_ON: OptimizedNetworkOptions = { connectionPool: true, messageBatching: true, bandwidthManager: true, adaptiveTimeouts: true, networkHealth: true }
const server = networkServer(ALL_ON)
const UNKNOWN: PeerId = { toString: () => '12D3KooWUnknown', equals: () => false }

/** How requests and messages are seen through, whatever module they meet. */
export const contracts: Contracts = {
  'requests-arguments': {
    claim: 'requests: a wrong argument is refused before anything is dialled, with its path, and held against nobody',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, ALL_ON, async ({ network, events, server }) => {
          const wrong: Array<[path: string, request: () => Promise<unknown>]> = [
            ['peer', () => network.request(undefined as unknown as PeerId, ECHO, bytesOf('x'))],
            ['peer', () => network.request(server.toString() as unknown as PeerId, ECHO, bytesOf('x'))],
            ['protocol', () => network.request(server, '', bytesOf('x'))],
            ['payload', () => network.request(server, ECHO, 'x' as unknown as Uint8Array)],
            ['payload', () => network.send(server, ECHO, new ArrayBuffer(1) as unknown as Uint8Array)],
            ['class', () => network.request(server, ECHO, bytesOf('x'), { class: 'hasty' as 'urgent' })],
            ['deadlineMs', () => network.request(server, ECHO, bytesOf('x'), { deadlineMs: 0 })],
            ['expectedReplyBytes', () => network.request(server, ECHO, bytesOf('x'), { expectedReplyBytes: NaN })],
            ['expectedReplyBytes', () => network.request(server, ECHO, bytesOf('x'), { expectedReplyBytes: 5e9 })],
            ['timeoutMs', () => network.request(server, ECHO, bytesOf('x'), { timeoutMs: 5 } as object)]
          ]
          for (const [path, request] of wrong) {
            await assert.rejects(request(), { code: path === 'timeoutMs' ? 'ERR_UNKNOWN_OPTION' : 'ERR_INVALID_OPTION', path })
          }
          assert.equal(host.node.getConnections().length, 0)
          assert.deepEqual(events, [])
          assert.equal(network.metrics.requests, 0)
        })
      }
    }
  },
  'requests-unknown-peers': {
    claim: 'requests: peers that nobody knows an address of make this node neither sick nor eject anybody',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, ALL_ON, async ({ network, server }) => {
          for (let i = 0; i < 12; i++) {
            const peer: PeerId = { toString: () => `${UNKNOWN.toString()}${i % 6}`, equals: () => false }
            assert.notEqual(await codeOf(network.request(peer, ECHO, bytesOf('x'), { deadlineMs: 2_000 })), '')
          }
          assert.equal(network.metrics.health?.localScore, 0)
          assert.equal(network.metrics.health?.ejectionsRefused, 0)
          assert.equal(await codeOf(network.request(server, ECHO, bytesOf('x'))), '')
        })
      }
    },
    except: {
      stack: 'libp2p asks for a peer id of its own kind', tcp: 'libp2p asks for a peer id of its own kind'
    }
  },
  'requests-messages': {
    claim: 'requests: messages take no permits: two thousand at once go in as many batches as they fill, within a few round trips',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, ALL_ON, async ({ network, server }) => {
          await network.request(server, ECHO, bytesOf('cold'))
          let permits = 0
          const sends = Array.from({ length: 2_000 }, async () => await network.send(server, SINK, bytesOf('message')))
          permits = Math.max(permits, network.metrics.bandwidth?.permits ?? 0, network.metrics.bandwidth?.permitWaiters ?? 0)
          await Promise.all(sends)
          assert.equal(permits, 0)
          // A hundred to a batch, and some that go before they are full.
          assert.ok((network.metrics.batching?.batchesSent ?? Infinity) < 60)
        })
      }
    }
  },
  'requests-pace': {
    claim: 'requests: what waits for the download rate holds no permit, so that an urgent request does not wait behind it',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, { ...ALL_ON, bandwidthManager: { downloadBitsPerSecond: 1e6, concurrency: { limit: 'fixed', fixedLimit: 2 } } }, async ({ network, server }) => {
          await network.request(server, ECHO, bytesOf('cold'))
          const abort = new AbortController()
          // Each is expected to take two seconds to come, and so the second and all that follow wait before they ask.
          const paced = Array.from({ length: 4 }, async () => await codeOf(network.request(server, ECHO, bytesOf('x'), { class: 'bulk', expectedReplyBytes: 250_000, signal: abort.signal })))
          await sleep(host.clock, 4 * RTT_MS)
          const tookMs = await timed(host.clock, async () => await network.request(server, ECHO, bytesOf('x'), { class: 'urgent' }))
          abort.abort(new Error('enough'))
          await Promise.all(paced)
          assert.ok(tookMs < 1_000, `took ${tookMs} ms`)
          // What was not asked for, or came smaller, is given back: the next is asked for at once.
          assert.equal(network.bandwidth?.expectReply('bulk', 0), 0)
        })
      }
    }
  },
  'requests-probe': {
    claim: 'requests: a request that ends before it was tried does not use up the one probe of an ejected peer',
    scenario: star(6, 'server'),
    roles: {
      server: {
        setUp: async host => {
          let failures = host.name === 'server-1' ? 5 : 0
          await networkServer({}, handlers => ({ ...standardHandlers(handlers), [ECHO]: payload => {
            if (failures-- > 0) {
              throw new Error('as asked')
            }
            return payload
          } })).setUp?.(host, {})
        }
      },
      client: {
        run: async host => await withNetwork(host, { ...ALL_ON, messageBatching: false, adaptiveTimeouts: { maximumAttempts: 1 }, networkHealth: { outliers: { baseEjectionMs: 1_000 } } }, async ({ network, events }) => {
          const peers = host.scenario.hosts.slice(1).map(({ name }) => host.peer(name).id)
          for (let round = 0; round < 8; round++) {
            await Promise.all(peers.map(async peer => await codeOf(network.request(peer, ECHO, bytesOf('x')))))
          }
          assert.equal(network.metrics.health?.ejected, 1)
          await sleep(host.clock, 1_100)
          const aborted = new AbortController()
          const given = codeOf(network.request(peers[0], ECHO, bytesOf('x'), { signal: aborted.signal }))
          aborted.abort(new Error('enough'))
          assert.equal(await given, 'Error')
          // Its attempts have to end first.
          await sleep(host.clock, 1)
          assert.equal(await codeOf(network.request(peers[0], ECHO, bytesOf('x'))), '')
          assert.equal(eventsOf(events, 'health:readmitted').length, 1)
        })
      }
    }
  },
  'requests-hedge': {
    claim: 'requests: a hedge goes on a stream of its own, and what is learnt of it is its own time',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, ALL_ON, async ({ network, events, server }) => {
          const ask = async (): Promise<unknown> => await network.request(server, ECHO, bytesOf('x'), { idempotent: true })
          for (let i = 0; i < 40; i++) {
            await ask()
          }
          const before = network.timeouts?.conditions(server, ECHO).srttMs ?? 0
          await network.request(server, LATE, bytesOf('300'), { idempotent: true })
          await until(host, () => network.metrics.timeouts?.running === 0, 'no attempt runs')
          // The first attempts of a protocol that nothing is known of yet, and whatever took their place.
          const answers = eventsOf(events, 'timeouts:attempt-answered').filter(({ operation, valid }) => operation === LATE && valid)
          assert.ok(answers.every(({ elapsedMs }) => elapsedMs >= 300), 'an answer was learnt from that came sooner than the work takes')
          assert.equal(network.metrics.batching?.joined, 0)
          assert.ok(Math.abs((network.timeouts?.conditions(server, ECHO).srttMs ?? 0) - before) < RTT_MS)
        })
      }
    }
  },
  'requests-stop-serving': {
    claim: 'requests: stop lets a handler at work answer, closes the streams that it served, and leaves none',
    roles: {
      server: {
        run: async host => {
          await withNetwork(host, { messageBatching: false, connectionPool: true }, async ({ network }) => {
            let begun = false
            await network.handle(LATE, async () => {
              begun = true
              await sleep(host.clock, 400)
              return bytesOf('late')
            })
            await until(host, () => begun, 'a request has come')
            await network.stop({ deadlineMs: 3_000 })
            const open = host.node.getConnections().flatMap(({ streams }) => streams).filter(({ protocol, status }) => protocol === LATE && status === 'open')
            assert.deepEqual(open, [])
          })
        }
      },
      client: {
        run: async host => await withNetwork(host, { connectionPool: true }, async ({ network, server }) => {
          await sleep(host.clock, 2 * RTT_MS)
          assert.equal(Buffer.from(await network.request(server, LATE, bytesOf('x'))).toString(), 'late')
        })
      }
    }
  }
}

export const roles = rolesOf(contracts)
