import assert from 'node:assert/strict'
import { sleep } from '../../../src/core/clock.ts'
import { detectionBoundMs } from '../../../src/optim/health/liveness.ts'
import { TICK_MS } from '../../../src/optim/health/network-health.ts'
import { plainRequest } from '../../../src/optim/index.ts'
import { RTT_MS, rolesOf } from '../contract.ts'
import { bytesOf, codeOf, eventsOf, reportOf, serverNames, slackMs, sleepUntil, star, startNetwork, textOf, until, withNetwork } from './rig.ts'
import { ECHO, LATE, networkServer, plainServer, SINK } from './servers.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { NetworkHealthOptions } from '../../../src/optim/health/options.ts'
import type { OptimizedNetworkOptions } from '../../../src/optim/index.ts'
import type { Role, RunParameters } from '../../../src/wires/wire.ts'
import type { Contract, Contracts } from '../contract.ts'
import type { Rig } from './rig.ts'

/** libp2p's own monitor is off, as it should be where this one is on. */
const MONITORED = { connectionMonitor: false } as const
const PROBES = { probeAfterMs: 300, probeTimeoutMs: 400, suspicion: { acceptablePauseMs: 300 } } as const
const server = plainServer()
const options = (networkHealth: NetworkHealthOptions = {}, others: OptimizedNetworkOptions = {}): OptimizedNetworkOptions => ({ connectionPool: true, networkHealth: { ...PROBES, ...networkHealth }, ...others })
const unmonitored = (role = 'server'): NonNullable<Contract['scenario']> => ({
  hosts: [{ name: 'client', role: 'client', libp2p: MONITORED }, { name: 'server', role, libp2p: MONITORED }]
})

/** Tells how many its monitor took for dead. */
const DEATHS = '/contract/deaths/1.0.0'
const FAST = { delayMs: RTT_MS / 2 }
const SLOW = { ...FAST, rateBitsPerSecond: 1e6, queue: { limitBytes: 1_000_000 } }

/** Fails until it is told to be well again. */
const FICKLE = '/contract/fickle/1.0.0'
const HEAL = '/contract/heal/1.0.0'
const fickleServer: Role = {
  setUp: async host => {
    let well = host.name !== 'server-1'
    await plainServer(() => ({
      [FICKLE]: payload => {
        if (!well) {
          throw new Error('as asked')
        }
        return payload
      },
      [HEAL]: payload => {
        well = true
        return payload
      }
    })).setUp?.(host, {})
  }
}

export const contracts: Contracts = {
  'health-silent-death': {
    claim: 'health: a connection that died without a word is found within the stated bound, and replaced',
    scenario: { ...unmonitored(), faults: [{ kind: 'black-hole', from: 'client', to: 'server', atMs: 400, scope: 'existing' }] },
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async ({ network, events, server }) => {
          await network.request(server, ECHO, bytesOf('x'))
          const [dead] = host.node.getConnections(server)
          const boundMs = detectionBoundMs(PROBES, TICK_MS) + slackMs(parameters)
          await until(host, () => eventsOf(events, 'health:state').some(({ to }) => to === 'dead'), 'the peer is dead', 400 + boundMs)
          const death = eventsOf(events, 'health:state').find(({ to }) => to === 'dead')
          assert.ok(death !== undefined && death.silentMs <= boundMs, `${death?.silentMs} of ${boundMs} ms`)
          await until(host, () => eventsOf(events, 'health:recovery').some(({ phase }) => phase === 'done'), 'it is recovered', 1_000 + TICK_MS + 10 * RTT_MS + slackMs(parameters))
          assert.equal(textOf(await network.request(server, ECHO, bytesOf('again'))), 'again')
          const last = eventsOf(events, 'pool:lease').at(-1)
          assert.ok(last !== undefined && last.connection !== dead.id)
          assert.ok(eventsOf(events, 'health:state').every(({ reason }) => reason.length > 0))
        })
      }
    }
  },
  ...Object.fromEntries((['up', 'down'] as const).map(way => [`health-bulk-${way}`, bulkContract(way)])),
  'health-bulk-served': {
    claim: 'health: what comes on streams that others opened proves them alive as well, however late their pings are',
    scenario: { ...unmonitored(), paths: [{ from: 'client', to: 'server', forward: SLOW, backward: FAST }] },
    roles: {
      server: {
        setUp: async host => {
          const { network } = await startNetwork(host, options())
          await network.handle(SINK, () => Uint8Array.of(1))
          await network.handle(DEATHS, () => bytesOf(JSON.stringify(network.metrics.health?.deaths)))
        }
      },
      client: {
        run: async host => {
          const { clock, node } = host
          assert.equal((await plainRequest(node, [...host.peer('server').addresses], SINK, new Uint8Array(300_000), { clock })).byteLength, 1)
          assert.equal(await reportOf<number>(host, DEATHS), 0)
        }
      }
    }
  },
  'health-no-ping': {
    claim: 'health: a peer that does not speak ping is not unhealthy',
    scenario: unmonitored(),
    roles: {
      server: {
        setUp: async host => {
          await host.node.unhandle('/ipfs/ping/1.0.0')
          await server.setUp?.(host, {})
        }
      },
      client: {
        run: async host => await withNetwork(host, options(), async rig => {
          const { network, events, server } = rig
          await network.request(server, ECHO, bytesOf('x'))
          const before = network.health?.quality(server.toString())
          await until(host, () => eventsOf(events, 'health:probe').filter(({ reason }) => reason === 'unsupported').length >= 2, 'it was asked twice', 4_000)
          assert.equal(network.metrics.health?.failedProbes, 0)
          assertNobodyDied(rig)
          assert.ok((network.health?.quality(server.toString()) ?? 0) >= (before ?? 1) - 0.05)
        })
      }
    }
  },
  'health-partition': {
    claim: 'health: after a partition of five peers heals, redials stay within their rate, and all are back',
    scenario: {
      ...star(5), hosts: [{ name: 'client', role: 'client', libp2p: MONITORED }, ...serverNames(5).map(name => ({ name, role: 'server', libp2p: MONITORED }))],
      faults: serverNames(5).map(to => ({ kind: 'black-hole', from: 'client', to, atMs: 500, durationMs: 2_400, scope: 'all' }))
    },
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options({ recovery: { perSecond: 3, burst: 2, jitterMs: 200, backoffMs: 300, timeoutMs: 600 } }), async ({ network, events }) => {
          const peers = serverNames(5).map(name => host.peer(name).id)
          await Promise.all(peers.map(async peer => await network.request(peer, ECHO, bytesOf('x'))))
          await until(host, () => network.metrics.health?.deaths === 5, 'all are dead', 500 + detectionBoundMs(PROBES, TICK_MS) + 500)
          await until(host, () => network.metrics.health?.dead === 0, 'all are back', 8_000)
          await Promise.all(peers.map(async peer => await network.request(peer, ECHO, bytesOf('again'))))
          const starts = eventsOf(events, 'health:recovery').filter(({ phase }) => phase === 'started').map(({ timeMs }) => timeMs)
          assert.ok(starts.length >= 2)
          for (const [i, fromMs] of starts.entries()) {
            for (const [j, toMs] of starts.entries()) {
              assert.ok(j < i || j - i + 1 <= 2 + 3 * (toMs - fromMs) / 1e3 + 1e-6, `${j - i + 1} recoveries in ${toMs - fromMs} ms`)
            }
          }
        })
      }
    }
  },
  'health-local-stall': {
    claim: 'health: a node that stands still for five seconds, with requests under way to six peers, ejects nobody and takes nobody for dead',
    scenario: { ...star(6), hosts: [{ name: 'client', role: 'client', libp2p: MONITORED }, ...serverNames(6).map(name => ({ name, role: 'server', libp2p: MONITORED }))] },
    roles: {
      server,
      client: {
        run: async (host, parameters) => {
          const clock = new StallingClock(host.clock)
          await withNetwork(host, options({}, { adaptiveTimeouts: { maximumAttempts: 1 } }), async rig => {
            const { network } = rig
            const peers = serverNames(6).map(name => host.peer(name).id)
            const askAll = async (lateMs: number): Promise<string[]> => await Promise.all(peers.map(async peer => await codeOf(network.request(peer, LATE, bytesOf(String(lateMs))))))
            for (let i = 0; i < 5; i++) {
              await askAll(0)
            }
            // Asked of one peer alone, so that it is not for many failing at once that nobody is ejected; and with all peers' probes on their way.
            await until(host, () => eventsOf(rig.events, 'health:probe').length >= 6, 'all are probed')
            const asked = Array.from({ length: 10 }, async () => await codeOf(network.request(peers[0], LATE, bytesOf('3000'), { deadlineMs: 1_000 })))
            const quality = network.health?.quality(peers[0].toString()) ?? 1
            await sleep(host.clock, 5)
            standStill(5_000, clock, parameters)
            // What came meanwhile and was read first is an answer all the same.
            const codes = await Promise.all(asked)
            assert.ok(codes.every(code => code === '' || code === 'ERR_DEADLINE'), codes.join(' '))
            // A look of the monitor's at the least.
            await sleep(host.clock, 1.2 * TICK_MS)
            assertNobodyDied(rig)
            assert.equal(network.metrics.health?.ejections, 0)
            assert.ok((network.health?.quality(peers[0].toString()) ?? 0) >= quality - 0.05, 'the peer is blamed')
            assert.ok((network.metrics.health?.stalledMs ?? 0) >= 4_000, 'the stall was not noticed')
            assert.deepEqual(await askAll(0), Array.from({ length: 6 }, () => ''))
          }, { clock })
        }
      }
    }
  },
  'health-ejection': {
    claim: 'health: of six peers the one that fails is ejected, and let in again by one request alone',
    scenario: star(6),
    roles: {
      server: fickleServer,
      client: {
        run: async host => await withNetwork(host, options({ outliers: { baseEjectionMs: 500 } }), async ({ network, events }) => {
          const peers = serverNames(6).map(name => host.peer(name).id)
          const [failing] = peers
          const ask = async (i: number): Promise<string> => await codeOf(network.request(peers[i], FICKLE, bytesOf('x')))
          for (let round = 0; round < 12; round++) {
            await Promise.all(peers.map(async (_, i) => await ask(i)))
          }
          const [ejected, ...others] = eventsOf(events, 'health:ejected')
          assert.deepEqual([ejected.peer, ejected.times, others], [failing.toString(), 1, []])
          assert.equal(network.metrics.health?.ejected, 1)
          assert.equal(await ask(0), 'ERR_PEER_EJECTED')
          assert.equal(await ask(1), '')
          // Its time over, one request goes through; as that fails, it is out for twice as long.
          await sleepUntil(host, ejected.timeMs + ejected.forMs + 20)
          const tried = await Promise.all(Array.from({ length: 10 }, async () => await ask(0)))
          assert.equal(tried.filter(code => code === 'ERR_PEER_EJECTED').length, 9)
          const again = eventsOf(events, 'health:ejected').at(-1)
          assert.ok(again !== undefined && again.reason === 'probe-failed' && again.forMs === 1_000)
          await (await host.node.dial([...host.peer('server-1').addresses])).newStream(HEAL).then(stream => stream.send(Uint8Array.of(1, 1)))
          await sleepUntil(host, again.timeMs + again.forMs + 20)
          const admitted = await Promise.all(Array.from({ length: 10 }, async () => await ask(0)))
          assert.deepEqual(admitted.filter(code => code !== 'ERR_PEER_EJECTED'), [''])
          assert.deepEqual(eventsOf(events, 'health:readmitted').map(({ peer, reason }) => [peer, reason]), [[failing.toString(), 'probe-answered']])
          assert.deepEqual(await Promise.all([ask(0), ask(0)]), ['', ''])
        })
      }
    }
  }
}

export const roles = rolesOf(contracts)

/** On a link that it fills for seconds, with pings behind it. */
function bulkContract (way: 'up' | 'down'): Contract {
  return {
    claim: `health: ${way === 'up' ? 'an upload' : 'a download'} that fills the link, and makes pings late, kills no connection`,
    scenario: { ...unmonitored(), paths: [{ from: 'client', to: 'server', forward: way === 'up' ? SLOW : FAST, backward: way === 'up' ? FAST : SLOW }] },
    roles: {
      server: networkServer({}, () => ({ [ECHO]: payload => payload, [SINK]: payload => (payload[0] === 1 ? new Uint8Array(300_000) : new Uint8Array(1)) })),
      client: {
        run: async host => await withNetwork(host, options(), async rig => {
          const { network, server } = rig
          await network.request(server, ECHO, bytesOf('x'))
          const connections = host.node.getConnections(server).map(({ id }) => id)
          const reply = await network.request(server, SINK, way === 'up' ? new Uint8Array(300_000) : Uint8Array.of(1), { class: 'bulk', expectedReplyBytes: way === 'up' ? 0 : 300_000 })
          assert.equal(reply.byteLength, way === 'up' ? 1 : 300_000)
          assertNobodyDied(rig)
          assert.deepEqual(host.node.getConnections(server).map(({ id }) => id), connections)
        })
      }
    }
  }
}

function assertNobodyDied ({ network, events }: Rig): void {
  assert.deepEqual(eventsOf(events, 'health:state').filter(({ to }) => to === 'dead'), [])
  assert.equal(network.metrics.health?.deaths, 0)
}

/** Nothing runs for so long: where time is real because nothing can, and else because the clock says so. */
function standStill (forMs: number, clock: StallingClock, { realTime }: RunParameters): void {
  if (realTime === true) {
    const endMs = clock.now() + forMs
    while (clock.now() < endMs) {
      // Nothing else runs.
    }
  } else {
    clock.jump(forMs)
  }
}

/** The host's clock, that can jump ahead: timers that were due meanwhile are late by as much as is left of it. */
class StallingClock implements Clock {
  readonly #clock: Clock
  #aheadMs = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  now (): number {
    return this.#clock.now() + this.#aheadMs
  }

  setTimeout (callback: () => void, delayMs: number): { cancel(): void } {
    return this.#clock.setTimeout(callback, delayMs)
  }

  jump (byMs: number): void {
    this.#aheadMs += byMs
  }
}
