import assert from 'node:assert/strict'
import { sleep } from '../../../src/core/clock.ts'
import { plainRequest } from '../../../src/optim/index.ts'
import { BATCH_PROTOCOL } from '../../../src/optim/batching/wire/format.ts'
import { RTT_MS, rolesOf } from '../contract.ts'
import { bytesOf, codeOf, eventsOf, quantileOf, reportOf, slackMs, sleepUntil, startNetwork, textOf, timed, until, withNetwork } from './rig.ts'
import { bomb, ENDLESS_LENGTH, GARBAGE, RawBatches, recorder, SEEN, SETTINGS } from './raw-batches.ts'
import { CALLS, ECHO, FAILS, LATE, networkServer, NOBODY, plainServer, SINK, standardHandlers } from './servers.ts'
import type { MessageBatching } from '../../../src/optim/batching/message-batching.ts'
import type { MessageBatchingOptions } from '../../../src/optim/batching/options.ts'
import type { Batch } from '../../../src/optim/batching/wire/items.ts'
import type { Connection, Stream, TrafficClass } from '../../../src/optim/index.ts'
import type { Host, Role, RunParameters } from '../../../src/wires/wire.ts'
import type { Contract, Contracts } from '../contract.ts'
import type { SeenBatch } from './raw-batches.ts'
import type { Rig } from './rig.ts'
import type { Calls } from './servers.ts'

const CLASSES: readonly TrafficClass[] = ['urgent', 'normal', 'bulk']
/** How often the protocol was broken, as the server counts. */
const VIOLATIONS = '/contract/violations/1.0.0'
/** Everybody is connected by then. */
const ATTACK_MS = 350
/** ... and all has been tried by then. */
const ATTACKED_MS = 2_000
const LARGEST_PAYLOAD_BYTES = 64 * 1024
const server = networkServer({ messageBatching: true })
const options = (messageBatching: MessageBatchingOptions = {}): { readonly messageBatching: MessageBatchingOptions } => ({ messageBatching })

const ownContracts: Contracts = {
  'batching-settles': {
    claim: 'batching: of a hundred items at once each is handled once and settles as it deserves: refused ones take none of the others along',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options(), async rig => {
          const batching = batchingOf(rig)
          const items = Array.from({ length: 100 }, (_, i) => ({ protocol: [ECHO, FAILS, NOBODY, ECHO][i % 4], payload: i % 4 === 3 ? new Uint8Array(LARGEST_PAYLOAD_BYTES + 1) : bytesOf(String(i)) }))
          const settled = await Promise.all(items.map(async ({ protocol, payload }) => await codeOf(batching.request(rig.server, protocol, payload))))
          for (const [i, code] of settled.entries()) {
            assert.equal(code, ['', 'ERR_REMOTE_FAILED', 'ERR_UNSUPPORTED_PROTOCOL', 'ERR_FRAME_TOO_LARGE'][i % 4], `item ${i}`)
          }
          const calls = await reportOf<Calls>(host, CALLS)
          assert.deepEqual(calls, Object.fromEntries(items.flatMap(({ protocol, payload }, i) => i % 4 < 2 && protocol !== NOBODY ? [[textOf(payload), 1]] : [])))
          assert.equal(batching.metrics.succeeded + batching.metrics.failed, 100)
          assert.ok(eventsOf(rig.events, 'batching:batch-sent').length < 10, 'they were not sent together')
        })
      }
    }
  },
  'batching-order': {
    claim: 'batching: within a class what was queued first arrives first, and no batch has items of two classes',
    roles: {
      server: recorder,
      client: {
        run: async host => await withNetwork(host, options(), async rig => {
          const batching = batchingOf(rig)
          const send = async (trafficClass: TrafficClass, i: number): Promise<void> => await batching.send(rig.server, SINK, bytesOf(`${trafficClass} ${i}`), { class: trafficClass })
          for (let burst = 0; burst < 3; burst++) {
            await Promise.all(Array.from({ length: 150 }, (_, i) => send(CLASSES[i % 3], burst * 150 + i)))
          }
          const seen = await reportOf<SeenBatch[]>(host, SEEN)
          for (const trafficClass of CLASSES) {
            const texts = seen.filter(batch => batch.class === trafficClass).flatMap(({ texts }) => texts)
            assert.deepEqual(texts, Array.from({ length: 450 }, (_, i) => i).filter(i => CLASSES[i % 3] === trafficClass).map(i => `${trafficClass} ${i}`))
          }
          assert.ok(seen.length < 100, `${seen.length} batches`)
        })
      }
    }
  },
  'batching-idle': {
    claim: 'batching: on an idle link a request takes one round trip and waits for nothing',
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async rig => {
          const batching = batchingOf(rig)
          for (const trafficClass of CLASSES) {
            const ask = async (): Promise<Uint8Array> => await batching.request(rig.server, ECHO, bytesOf('x'), { class: trafficClass })
            await ask()
            for (let i = 0; i < 3; i++) {
              // Until its acknowledgement is through, the link is not idle.
              await sleep(host.clock, 2 * RTT_MS)
              const tookMs = await timed(host.clock, ask)
              assert.ok(tookMs >= RTT_MS - 1 && tookMs <= RTT_MS + slackMs(parameters), `${trafficClass} took ${tookMs} ms`)
            }
          }
          assert.ok(eventsOf(rig.events, 'batching:batch-sent').every(({ reason }) => reason === 'idle'))
        })
      }
    }
  },
  'batching-linger': {
    claim: 'batching: behind others under way a message waits an eighth of the round trip at most, and an urgent one not at all',
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async rig => {
          const batching = batchingOf(rig)
          await Promise.all(CLASSES.map(async trafficClass => await batching.send(rig.server, SINK, bytesOf('first'), { class: trafficClass })))
          await sleep(host.clock, 2 * RTT_MS)
          const warmMs = host.clock.now()
          const sends: Array<Promise<void>> = []
          for (let i = 0; i < 100; i++) {
            sends.push(...CLASSES.map(async trafficClass => await batching.send(rig.server, SINK, bytesOf(String(i)), { class: trafficClass })))
            await sleep(host.clock, 1.5)
          }
          await Promise.all(sends)
          const sent = eventsOf(rig.events, 'batching:batch-sent').filter(({ timeMs }) => timeMs >= warmMs)
          const [urgent, others] = [sent.filter(batch => batch.class === 'urgent'), sent.filter(batch => batch.class !== 'urgent')]
          // Real timers are late now and then, so there it is the middle one that counts.
          const typical = (waits: readonly number[]): number => quantileOf(waits, parameters.realTime === true ? 0.5 : 1)
          const acknowledged = eventsOf(rig.events, 'batching:acknowledged').map(({ rttMs }) => rttMs)
          // ... and they count in whole milliseconds.
          const roundingMs = parameters.realTime === true ? 2 : 1e-3
          assert.ok(typical(urgent.map(({ waitedMs }) => waitedMs)) <= roundingMs)
          assert.ok(typical(others.map(({ waitedMs }) => waitedMs)) <= quantileOf(acknowledged, 1) / 8 + roundingMs)
          assert.ok(others.some(({ reason, items }) => reason === 'linger' && items > 1))
          assert.ok(others.length < urgent.length)
        })
      }
    }
  },
  'batching-abort': {
    claim: 'batching: a queued message that is aborted is not sent, and its room is free again',
    roles: {
      server: recorder,
      client: {
        run: async host => await withNetwork(host, options({ maximumQueuedMessagesPerPeer: 3 }), async rig => {
          const batching = batchingOf(rig)
          const caller = new AbortController()
          // They wait for a connection, which takes more than three round trips.
          const first = batching.send(rig.server, SINK, bytesOf('first'))
          const aborted = codeOf(batching.send(rig.server, SINK, bytesOf('aborted'), { signal: caller.signal }))
          const third = batching.send(rig.server, SINK, bytesOf('third'))
          await sleep(host.clock, RTT_MS / 4)
          assert.equal(await codeOf(batching.send(rig.server, SINK, bytesOf('refused'))), 'ERR_QUEUE_FULL')
          caller.abort(new TypeError('enough'))
          assert.equal(await aborted, 'TypeError')
          await Promise.all([first, third, batching.send(rig.server, SINK, bytesOf('fourth'))])
          const seen = await reportOf<SeenBatch[]>(host, SEEN)
          assert.deepEqual(seen.flatMap(({ texts }) => texts), ['first', 'third', 'fourth'])
        })
      }
    }
  },
  'batching-full': {
    claim: 'batching: a full queue refuses with ERR_QUEUE_FULL at once, and all that it took arrives',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options({ maximumQueuedMessagesPerPeer: 20 }), async rig => {
          const batching = batchingOf(rig)
          const codes = await Promise.all(Array.from({ length: 50 }, async (_, i) => await codeOf(batching.send(rig.server, SINK, bytesOf(String(i))))))
          assert.deepEqual(codes, Array.from({ length: 50 }, (_, i) => i < 20 ? '' : 'ERR_QUEUE_FULL'))
          await until(host, () => batching.metrics.queuedMessages === 0, 'nothing waits')
          assert.deepEqual(await reportOf<Calls>(host, CALLS), Object.fromEntries(Array.from({ length: 20 }, (_, i) => [String(i), 1])))
        })
      }
    }
  },
  'batching-plain-peer': {
    claim: 'batching: a peer that takes no batches is served on streams, and is asked once',
    roles: {
      server: plainServer(),
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, events, server }) => {
          for (let i = 0; i < 5; i++) {
            assert.equal(textOf(await network.request(server, ECHO, bytesOf(String(i)))), String(i))
            await network.send(server, SINK, bytesOf(`message ${i}`))
          }
          assert.equal(eventsOf(events, 'batching:fallback').length, 1)
          await sleep(host.clock, RTT_MS)
          const calls = await reportOf<Calls>(host, CALLS)
          assert.deepEqual(calls, Object.fromEntries(Array.from({ length: 5 }, (_, i) => [[String(i), 1], [`message ${i}`, 1]]).flat() as Array<[string, number]>))
        })
      }
    }
  },
  'batching-mixed-peer': {
    claim: 'batching: a protocol that a peer serves plainly is served, while another goes to it in batches',
    roles: {
      server: {
        setUp: async host => {
          await plainServer(host => ({ [LATE]: standardHandlers(host)[LATE] })).setUp?.(host, {})
          await networkServer({ messageBatching: true }, host => ({ [ECHO]: standardHandlers(host)[ECHO] })).setUp?.(host, {})
        }
      },
      client: {
        run: async host => await withNetwork(host, options(), async ({ network, events, server }) => {
          for (let i = 0; i < 3; i++) {
            assert.equal(textOf(await network.request(server, LATE, bytesOf('1'))), '1')
            assert.equal(textOf(await network.request(server, ECHO, bytesOf(String(i)))), String(i))
          }
          assert.deepEqual(eventsOf(events, 'batching:fallback').map(({ protocol }) => protocol), [LATE])
          assert.equal(network.metrics.batching?.succeeded, 3)
        })
      }
    }
  },
  'batching-limits': {
    claim: 'batching: a payload of exactly the limit goes, and one byte more is refused, in a batch and on a stream',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, { messageBatching: true, maximumFrameBytes: 100_000 }, async rig => {
          const batching = batchingOf(rig)
          const { network, server } = rig
          assert.equal((await batching.request(server, ECHO, new Uint8Array(LARGEST_PAYLOAD_BYTES))).byteLength, LARGEST_PAYLOAD_BYTES)
          assert.equal(await codeOf(batching.request(server, ECHO, new Uint8Array(LARGEST_PAYLOAD_BYTES + 1))), 'ERR_FRAME_TOO_LARGE')
          assert.equal((await network.request(server, ECHO, new Uint8Array(LARGEST_PAYLOAD_BYTES + 1))).byteLength, LARGEST_PAYLOAD_BYTES + 1)
          assert.equal((await network.request(server, ECHO, new Uint8Array(100_000))).byteLength, 100_000)
          assert.equal(await codeOf(network.request(server, ECHO, new Uint8Array(100_001))), 'ERR_FRAME_TOO_LARGE')
        })
      }
    }
  },
  'batching-secrets': {
    claim: 'batching: what repeats itself is compressed on a link with a rate, a secret and what shares its batch never',
    roles: {
      server: recorder,
      client: {
        run: async host => await withNetwork(host, { messageBatching: true, bandwidthManager: { uploadBitsPerSecond: 10e6 } }, async rig => {
          const batching = batchingOf(rig)
          const send = async (name: string, i: number): Promise<void> =>
            await batching.send(rig.server, SINK, bytesOf(`${name} ${i} ${'again '.repeat(200)}`), { sensitive: name === 'secret' })
          for (let i = 0; i < 5; i++) {
            await send('open', i)
            await send('secret', i)
            await Promise.all([send('open', i), send('secret', i), send('open', i)])
          }
          const seen = await reportOf<SeenBatch[]>(host, SEEN)
          const withSecrets = seen.filter(({ texts }) => texts.some(text => text.startsWith('secret')))
          assert.deepEqual(withSecrets.filter(({ codec }) => codec !== 'none'), [])
          assert.ok(withSecrets.length >= 10)
          assert.ok(seen.some(({ codec }) => codec !== 'none'), 'nothing was compressed')
        })
      }
    }
  }
}

/** What a peer that opens a stream of batches does to whoever serves it. Resolves when it has. */
type Attack = (stream: Stream, host: Host) => Promise<void> | void

const attacks: Readonly<Record<string, Attack>> = {
  garbage: stream => { stream.send(GARBAGE) },
  'a batch that breaks off': async stream => {
    stream.send(new RawBatches(stream, 'initiator').frame([{ kind: 'request', id: 1, attempt: 1, protocol: ECHO, payload: bytesOf('x') }]).subarray(0, -1))
    await stream.close().catch(() => {})
  },
  'a length without end': stream => { stream.send(ENDLESS_LENGTH) },
  'a batch that says it is ten megabytes': stream => { stream.send(bomb(10_000_000)) },
  'a batch that is ten megabytes and says it is not': stream => { stream.send(bomb(60_000)) },
  'a request twice before its answer': stream => {
    const request = { kind: 'request', id: 1, attempt: 1, protocol: LATE, payload: bytesOf('400') } as const
    const raw = new RawBatches(stream, 'initiator')
    raw.send([request])
    raw.send([request])
  },
  'replies that it asks for and never reads': stream => {
    stream.pause()
    const raw = new RawBatches(stream, 'initiator')
    for (let id = 1; id <= 30; id++) {
      raw.send([{ kind: 'request', id, attempt: 1, protocol: ECHO, payload: new Uint8Array(60_000) }])
    }
  }
}

/** What a peer that serves batches does to whoever opened the stream, with what it is asked. */
type Answer = (raw: RawBatches, batch: Batch, number: number) => void

const answers: Readonly<Record<string, Answer>> = {
  garbage: ({ stream }) => { stream.send(GARBAGE) },
  'a batch that breaks off': (raw, batch) => {
    raw.stream.send(raw.frame(repliesTo(batch)).subarray(0, -1))
    raw.stream.close().catch(() => {})
  },
  'a length without end': ({ stream }) => { stream.send(ENDLESS_LENGTH) },
  'a batch that says it is ten megabytes': ({ stream }) => { stream.send(bomb(10_000_000)) },
  'a batch that is ten megabytes and says it is not': ({ stream }) => { stream.send(bomb(60_000)) },
  'an acknowledgement of what was not sent': (raw, _batch, number) => { raw.send([], number + 100) },
  'its answer twice': (raw, batch, number) => { raw.send([...repliesTo(batch), ...repliesTo(batch)], number) },
  nothing: () => {}
}

/** After which the request has its answer: what follows it is of no account, or the stream's end. */
const ANSWERED: ReadonlySet<string> = new Set(['its answer twice'])

const enemyContracts: Contracts = {
  'batching-attacks': {
    claim: 'batching: a peer that breaks the protocol in any way loses its stream and not its connection, and others are served as fast as ever',
    scenario: threeHosts('server'),
    roles: {
      server: {
        setUp: async host => {
          const { network } = await startNetwork(host, { messageBatching: { stallTimeoutMs: 300, maximumReplyPayloadBytes: 250_000, maximumReplyBytes: 500_000 } })
          for (const [protocol, respond] of Object.entries(standardHandlers(host))) {
            await network.handle(protocol, respond)
          }
          await network.handle(VIOLATIONS, () => bytesOf(JSON.stringify(network.metrics.batching?.violations)))
        }
      },
      enemy: {
        run: async host => {
          const connection = await host.node.dial([...host.peer('server').addresses])
          await sleepUntil(host, ATTACK_MS)
          for (const [what, attack] of Object.entries(attacks)) {
            const stream = await connection.newStream(BATCH_PROTOCOL)
            let ended = false
            stream.addEventListener('close', () => { ended = true })
            await attack(stream, host)
            await until(host, () => ended, `the stream has ended after ${what}`)
            await assertUsable(host, connection, what)
          }
          // A batch that breaks off is one of a stream that has ended, and replies that are not read are a stall.
          assert.equal(await reportOf<number>(host, VIOLATIONS), Object.keys(attacks).length - 2)
        }
      },
      client: {
        run: async (host, parameters) => await withNetwork(host, options(), async rig => {
          const controller = new AbortController()
          host.clock.setTimeout(() => controller.abort(), ATTACKED_MS)
          await askQuickly(rig, parameters, controller.signal)
        })
      }
    }
  },
  'batching-answers': {
    claim: 'batching: a peer whose answers break the protocol in any way costs the request and its stream, not the connection, and others answer as fast as ever',
    scenario: threeHosts('enemy'),
    roles: {
      server,
      enemy: {
        setUp: async host => {
          await plainServer().setUp?.(host, {})
          await host.node.handle(BATCH_PROTOCOL, stream => {
            const raw = new RawBatches(stream, 'responder', (batch, number) => {
              const [item] = batch.items
              if (item?.kind === 'request') {
                answers[textOf(item.payload)](raw, batch, number)
              }
            })
            raw.send([SETTINGS])
          })
        }
      },
      client: {
        run: async (host, parameters) => await withNetwork(host, options({ stallTimeoutMs: 300 }), async rig => {
          const enemy = host.peer('enemy').id
          const connection = await host.node.dial(enemy)
          const controller = new AbortController()
          const beside = askQuickly(rig, parameters, controller.signal)
          for (const what of Object.keys(answers)) {
            const code = await codeOf(batchingOf(rig).request(enemy, ECHO, bytesOf(what)))
            assert.equal(code === '', ANSWERED.has(what), `${what}: ${code}`)
            await assertUsable(host, connection, what)
          }
          controller.abort()
          await beside
        })
      }
    }
  }
}

/** One request after the other until the signal: each takes a round trip. */
async function askQuickly (rig: Rig, parameters: RunParameters, signal: AbortSignal): Promise<void> {
  const { host } = rig
  const batching = batchingOf(rig)
  const ask = async (): Promise<Uint8Array> => await batching.request(host.peer('server').id, ECHO, bytesOf('x'), { class: 'urgent' })
  await ask()
  while (!signal.aborted) {
    const tookMs = await timed(host.clock, ask)
    assert.ok(tookMs <= RTT_MS + slackMs(parameters), `took ${tookMs} ms`)
  }
}

async function assertUsable ({ node, clock }: Host, connection: Connection, after: string): Promise<void> {
  assert.equal(connection.status, 'open', after)
  assert.equal(textOf(await plainRequest(node, connection.remotePeer, ECHO, bytesOf('plain'), { clock })), 'plain')
  assert.deepEqual(node.getConnections(connection.remotePeer).map(({ id }) => id), [connection.id])
}

function threeHosts (to: 'server' | 'enemy'): NonNullable<Contract['scenario']> {
  return {
    hosts: ['client', 'server', 'enemy'].map(name => ({ name, role: name })),
    paths: [{ from: 'client', to: 'server', forward: { delayMs: RTT_MS / 2 } }, { from: to === 'server' ? 'enemy' : 'client', to, forward: { delayMs: RTT_MS / 2 } }]
  }
}

function repliesTo ({ items }: Batch): Array<{ readonly kind: 'reply', readonly id: number, readonly attempt: number, readonly heldUs: number, readonly payload: Uint8Array }> {
  return items.flatMap(item => item.kind === 'request' ? [{ kind: 'reply' as const, id: item.id, attempt: item.attempt, heldUs: 0, payload: item.payload }] : [])
}

function batchingOf ({ network }: Rig): MessageBatching {
  assert.ok(network.batching !== undefined)
  return network.batching
}

export const contracts: Contracts = { ...ownContracts, ...enemyContracts }

export const roles: Readonly<Record<string, Role>> = rolesOf(contracts)
