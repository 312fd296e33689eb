import assert from 'node:assert/strict'
import { sleep } from '../../../src/core/clock.ts'
import { plainRequest, serveRequests } from '../../../src/optim/index.ts'
import { RTT_MS, rolesOf } from '../contract.ts'
import { ALL_OFF, bytesOf, codeOf, eventsOf, reportOf, slackMs, sleepUntil, star, startNetwork, textOf, timed, until, withNetwork } from './rig.ts'
import { CALLS, ECHO, LATE, networkServer, plainServer, SINK, standardHandlers } from './servers.ts'
import type { NetworkEvent, OptimizedNetworkOptions } from '../../../src/optim/index.ts'
import type { Contracts } from '../contract.ts'
import type { Rig } from './rig.ts'
import type { Calls } from './servers.ts'

const MODULES = ['connectionPool', 'messageBatching', 'bandwidthManager', 'adaptiveTimeouts', 'networkHealth'] as const
const ALL_ON: OptimizedNetworkOptions = Object.fromEntries(MODULES.map(name => [name, true]))
const server = networkServer(ALL_ON)

export const contracts: Contracts = {
  'composition-gate': {
    claim: 'composition: a request to an ejected peer makes no attempt, takes no permit and no lease, and is not sent',
    scenario: star(6, 'server'),
    roles: {
      server: {
        setUp: async host => {
          await plainServer(host.name === 'server-1' ? () => ({ [ECHO]: () => { throw new Error('as asked') } }) : standardHandlers).setUp?.(host, {})
        }
      },
      client: {
        run: async host => await withNetwork(host, { ...ALL_ON, adaptiveTimeouts: { maximumAttempts: 1 } }, async ({ network, events }) => {
          const peers = host.scenario.hosts.slice(1).map(({ name }) => host.peer(name).id)
          for (let round = 0; round < 8; round++) {
            await Promise.all(peers.map(async peer => await codeOf(network.request(peer, ECHO, bytesOf('x')))))
          }
          assert.equal(network.metrics.health?.ejected, 1)
          await sleep(host.clock, 2 * RTT_MS)
          const before = events.length
          for (let i = 0; i < 10; i++) {
            assert.equal(await codeOf(network.request(peers[0], ECHO, bytesOf('x'))), 'ERR_PEER_EJECTED')
            assert.equal(await codeOf(network.send(peers[0], ECHO, bytesOf('x'))), 'ERR_PEER_EJECTED')
          }
          assert.deepEqual(events.slice(before).map(({ type }) => type), [])
        })
      }
    }
  },
  'composition-own-queue': {
    claim: 'composition: what waits in queues of our own for long lowers no quality and makes nobody suspect',
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, { ...ALL_ON, bandwidthManager: { uploadBitsPerSecond: 1e6 }, adaptiveTimeouts: { granularityMs: parameters.realTime === true ? 200 : 10 } }, async ({ network, events, server }) => {
          await network.request(server, ECHO, bytesOf('cold'))
          const quality = network.health?.quality(server.toString()) ?? 1
          const noise = Uint8Array.from({ length: 2_000 }, () => host.random.integer(256))
          const tookMs = await timed(host.clock, () => Promise.all(Array.from({ length: 120 }, async () => await network.send(server, SINK, noise))))
          assert.ok(tookMs > 120 * 2_000 * 8e3 / 1e6 - 100, `took ${tookMs} ms: nothing waited`)
          assert.ok((network.health?.quality(server.toString()) ?? 0) >= quality - 1e-6)
          assert.equal(eventsOf(events, 'pool:suspect').length, 0)
          assert.equal(network.metrics.timeouts?.retries, 0)
          assert.equal(network.metrics.timeouts?.overdue, 0)
        })
      }
    }
  },
  'composition-switches': {
    claim: 'composition: with any one module off, with one alone, with all and with none, requests and messages arrive once',
    roles: {
      server,
      client: {
        run: async host => {
          const switches: OptimizedNetworkOptions[] = [
            ALL_ON, ALL_OFF,
            ...MODULES.map(name => ({ ...ALL_ON, [name]: false })),
            ...MODULES.map(name => ({ ...ALL_OFF, [name]: true }))
          ]
          const expected: Record<string, number> = {}
          for (const [i, options] of switches.entries()) {
            await withNetwork(host, options, async ({ network, server }) => {
              await Promise.all(['a', 'b', 'c'].flatMap(name => {
                expected[`request ${i} ${name}`] = expected[`message ${i} ${name}`] = 1
                return [
                  (async () => assert.equal(textOf(await network.request(server, ECHO, bytesOf(`request ${i} ${name}`))), `request ${i} ${name}`))(),
                  network.send(server, SINK, bytesOf(`message ${i} ${name}`))
                ]
              }))
              MODULES.forEach(name => assert.equal(moduleOf({ network }, name) !== undefined, options[name] === true, name))
            })
          }
          await sleep(host.clock, RTT_MS)
          assert.deepEqual(await reportOf<Calls>(host, CALLS), expected)
        }
      }
    }
  },
  'composition-stop': {
    claim: 'composition: stop sends what waits, refuses what is new, and all that was begun is answered',
    roles: {
      server,
      client: {
        run: async (host, parameters) => {
          const rig = await startNetwork(host, ALL_ON)
          const { network, server } = rig
          await network.request(server, ECHO, bytesOf('cold'))
          const begun = Array.from({ length: 50 }, (_, i) => codeOf(network.send(server, SINK, bytesOf(`message ${i}`))))
          const late = network.request(server, LATE, bytesOf('200'))
          const stopping = timed(host.clock, () => network.stop({ deadlineMs: 2_000 }))
          assert.equal(await codeOf(network.request(server, ECHO, bytesOf('new'))), 'ERR_STOPPED')
          assert.deepEqual(await Promise.all(begun), begun.map(() => ''))
          assert.equal(textOf(await late), '200')
          const tookMs = await stopping
          assert.ok(tookMs <= 200 + 8 * RTT_MS + slackMs(parameters), `took ${tookMs} ms`)
          const calls = await reportOf<Calls>(host, CALLS)
          assert.deepEqual(Object.keys(calls).filter(text => text.startsWith('message')).length, 50)
          assert.equal(calls.new, undefined)
        }
      }
    }
  },
  'composition-stop-deadline': {
    claim: 'composition: where a peer does not answer, stop ends within its deadline and what is left is ERR_STOPPED',
    scenario: { faults: [{ kind: 'black-hole', from: 'client', to: 'server', atMs: 800, scope: 'all' }] },
    roles: {
      server,
      client: {
        run: async (host, parameters) => {
          const { network, server } = await startNetwork(host, ALL_ON)
          await network.request(server, ECHO, bytesOf('cold'))
          await sleepUntil(host, 850)
          const begun = [network.request(server, ECHO, bytesOf('x')), network.send(server, SINK, bytesOf('x')), network.request(server, ECHO, new Uint8Array(200_000))].map(codeOf)
          await sleep(host.clock, 20)
          const tookMs = await timed(host.clock, () => network.stop({ deadlineMs: 300 }))
          // Connections that do not answer are given the second that libp2p gives them to close.
          assert.ok(tookMs <= 300 + 1_000 + slackMs(parameters), `took ${tookMs} ms`)
          assert.deepEqual(await Promise.all(begun), ['ERR_STOPPED', 'ERR_STOPPED', 'ERR_STOPPED'])
        }
      }
    }
  },
  'composition-handle': {
    claim: 'composition: one handler serves callers in batches, on streams, large and small, and plain libp2p',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, ALL_ON, async ({ network, server }) => {
          const large = Uint8Array.from({ length: 300_000 }, (_, i) => i & 255)
          const [small, big, plain] = await Promise.all([
            network.request(server, ECHO, bytesOf('small')),
            network.request(server, ECHO, large, { expectedReplyBytes: large.byteLength }),
            plainRequest(host.node, server, ECHO, bytesOf('plain'), { clock: host.clock })
          ])
          assert.equal(textOf(small), 'small')
          assert.ok(Buffer.from(large).equals(big))
          assert.equal(textOf(plain), 'plain')
          assert.ok((network.metrics.batching?.succeeded ?? 0) >= 1)
          await network.handle('/contract/back/1.0.0', payload => payload)
          await network.unhandle('/contract/back/1.0.0')
        })
      }
    }
  },
  'composition-retry': {
    claim: 'composition: a retry while the first is worked on keeps its id: the handler is called once, and its answer serves',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, { connectionPool: true, messageBatching: true, adaptiveTimeouts: { hedging: false } }, async ({ network, events, server }) => {
          for (let i = 0; i < 8; i++) {
            await network.request(server, LATE, bytesOf('0'))
          }
          assert.equal(textOf(await network.request(server, LATE, bytesOf('300'), { idempotent: true })), '300')
          const attempts = eventsOf(events, 'timeouts:attempt-started').filter(({ requestId }) => requestId === 9)
          assert.ok(attempts.length > 1, 'nothing was tried again')
          assert.equal((await reportOf<Calls>(host, CALLS))['300'], 1)
          assert.equal(eventsOf(events, 'batching:violation').length, 0)
        })
      }
    }
  },
  'composition-events': {
    claim: 'composition: every event is flat, has its time and host, and reaches listeners as it was recorded',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, ALL_ON, async ({ network, events, server }) => {
          const heard: NetworkEvent[] = []
          network.addEventListener('batching:batch-sent', ({ detail }) => { heard.push(detail) })
          await Promise.all(Array.from({ length: 20 }, async (_, i) => await network.request(server, ECHO, bytesOf(String(i)))))
          assert.deepEqual(heard, eventsOf(events, 'batching:batch-sent'))
          let lastMs = -Infinity
          for (const event of events) {
            assert.ok(event.timeMs >= lastMs && event.host === host.node.peerId.toString())
            assert.ok(Object.values(event).every(value => ['string', 'number', 'boolean'].includes(typeof value)), JSON.stringify(event))
            lastMs = event.timeMs
          }
        })
      }
    }
  },
  'composition-metrics': {
    claim: 'composition: after traffic the metrics are well-formed OpenMetrics text, and agree with what was done',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, ALL_ON, async ({ network, server }) => {
          await Promise.all(Array.from({ length: 30 }, async (_, i) => await network.request(server, ECHO, bytesOf(String(i)))))
          const failed = await codeOf(network.request(server, '/contract/nobody/1.0.0', bytesOf('x')))
          assert.notEqual(failed, '')
          const samples = parseOpenMetrics(network.openMetrics())
          assert.equal(valuesOf(samples, /requests.*_total$/).includes(31), true, [...samples].join('\n'))
          const { requests, answered, failed: failures } = network.metrics
          assert.deepEqual({ requests, answered, failures }, { requests: 31, answered: 30, failures: 1 })
        })
      }
    }
  },
  'composition-two': {
    claim: 'composition: two networks with all modules ask each other at once, and both stop with nothing left',
    scenario: { hosts: [{ name: 'client', role: 'peer' }, { name: 'server', role: 'peer' }] },
    roles: {
      peer: {
        run: async host => {
          // Not before the run: of what is registered here, `stop` must leave nothing.
          await withNetwork(host, ALL_ON, async ({ network }) => {
            const other = host.peer(host.name === 'client' ? 'server' : 'client').id
            await network.handle(ECHO, payload => payload)
            await sleepUntil(host, 200)
            for (let round = 0; round < 5; round++) {
              await Promise.all(Array.from({ length: 20 }, async (_, i) => assert.equal(textOf(await network.request(other, ECHO, bytesOf(String(i)))), String(i))))
            }
            // The other's may still be at it.
            await sleepUntil(host, 2_000)
          })
          await host.node.handle(ECHO, async stream => await serveRequests(stream, payload => payload))
          await until(host, () => host.node.getConnections().every(({ streams }) => streams.length === 0), 'no stream is left')
        }
      }
    }
  }
}

export const roles = rolesOf(contracts)

function moduleOf ({ network }: Pick<Rig, 'network'>, name: typeof MODULES[number]): object | undefined {
  const { pool, batching, bandwidth, timeouts, health } = network
  return { connectionPool: pool, messageBatching: batching, bandwidthManager: bandwidth, adaptiveTimeouts: timeouts, networkHealth: health }[name]
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,(?!\}))?)*\})? (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { counter: ['_total', '_created'], gauge: [''], histogram: ['_bucket', '_sum', '_count', '_created'] }

/** The values by sample; fails where the text breaks a rule of OpenMetrics 1.0: its grammar, and what families must be like. */
function parseOpenMetrics (text: string): Map<string, number> {
  const lines = text.split('\n')
  assert.deepEqual(lines.slice(-2), ['# EOF', ''], 'the text does not end with # EOF')
  const samples = new Map<string, number>()
  const families = new Set<string>()
  let family = { name: '', type: '' }
  for (const line of lines.slice(0, -2)) {
    const [, keyword, name, rest] = /^# (TYPE|HELP|UNIT) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? []
    if (keyword !== undefined) {
      if (name !== family.name) {
        assert.ok(!families.has(name), `${name} comes in two places`)
        families.add(name)
        family = { name, type: '' }
      }
      if (keyword === 'TYPE') {
        family.type = rest
      }
      continue
    }
    const [, sample, labels = '', value] = SAMPLE.exec(line) ?? []
    assert.ok(sample !== undefined, `no sample: ${line}`)
    assert.ok(SUFFIXES[family.type]?.some(suffix => sample === family.name + suffix), `${sample} is not of the ${family.type} ${family.name}`)
    assert.ok(!samples.has(sample + labels), `${sample}${labels} comes twice`)
    samples.set(sample + labels, value.endsWith('Inf') ? Infinity : Number(value))
  }
  return samples
}

function valuesOf (samples: ReadonlyMap<string, number>, name: RegExp): number[] {
  return [...samples].filter(([sample]) => name.test(sample)).map(([, value]) => value)
}
