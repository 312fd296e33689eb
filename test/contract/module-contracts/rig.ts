import assert from 'node:assert/strict'
import { sleep } from '../../../src/core/clock.ts'
import { createOptimizedNetwork, plainRequest } from '../../../src/optim/index.ts'
import { hostNames } from '../../../src/workload/host-names.ts'
import { RTT_MS } from '../contract.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { ScenarioInput } from '../../../src/wires/scenario.ts'
import type { NetworkEvent, NetworkNode, OptimizedNetwork, OptimizedNetworkOptions, PeerId } from '../../../src/optim/index.ts'
import type { Host, RunParameters } from '../../../src/wires/wire.ts'

/** A network on a host, and what it recorded. */
export interface Rig {
  readonly host: Host
  readonly network: OptimizedNetwork
  readonly events: readonly NetworkEvent[]
  /** The host `server`, where there is one of that name. */
  readonly server: PeerId
}

/** In place of the host's own. */
export interface RigParts {
  readonly node?: NetworkNode
  readonly clock?: Clock
}

/** Every module off: a contract turns on what it is about. */
export const ALL_OFF: OptimizedNetworkOptions = {
  connectionPool: false, messageBatching: false, bandwidthManager: false, adaptiveTimeouts: false, networkHealth: false
}

/** A network that lasts for `body`. Stopped, it holds nothing any more, whatever came before. */
export async function withNetwork (host: Host, options: OptimizedNetworkOptions, body: (rig: Rig) => Promise<void>, parts: RigParts = {}): Promise<void> {
  const rig = await startNetwork(host, options, parts)
  await body(rig)
  await rig.network.stop()
  assertNothingIsHeld(rig)
}

/** A network that knows all other hosts' addresses, and is stopped with the run at the latest. */
export async function startNetwork (host: Host, options: OptimizedNetworkOptions, { node = host.node, clock = host.clock }: RigParts = {}): Promise<Rig> {
  const events: NetworkEvent[] = []
  for (const { name } of host.scenario.hosts) {
    if (name !== host.name) {
      const { id, addresses } = host.peer(name)
      await host.node.peerStore.merge(id, { multiaddrs: [...addresses] })
    }
  }
  const network = createOptimizedNetwork(node, { ...ALL_OFF, ...options }, {
    clock, random: host.random.fork('network'), recorder: { record: event => { events.push(event) } }
  })
  host.signal.addEventListener('abort', () => void network.stop({ deadlineMs: 0 }), { once: true })
  return {
    host,
    network,
    events,
    get server () { return host.peer('server').id }
  }
}

function assertNothingIsHeld ({ network, events }: Rig): void {
  const { pool, batching, bandwidth, timeouts } = network.metrics
  const levels = {
    leases: pool?.leases, waiters: pool?.waiters, dialling: pool?.dialling, kept: pool?.idleStreams, connections: pool?.connections,
    messages: batching?.queuedMessages, bytes: batching?.queuedBytes, streams: batching?.streams, incoming: batching?.incomingStreams, handlers: batching?.running,
    waiting: bandwidth?.waitingBytes, flows: bandwidth?.waitingFlows, permits: bandwidth?.permits, permitWaiters: bandwidth?.permitWaiters, paused: bandwidth?.pausedStreams,
    requests: timeouts?.running
  }
  assert.deepEqual(Object.entries(levels).filter(([, level]) => level !== undefined && level !== 0), [], 'held by a stopped network')
  assert.equal(eventsOf(events, 'pool:lease').length, eventsOf(events, 'pool:end').length, 'leases that were given out, and such that ended')
}

/** Those of one type, in order. */
export function eventsOf<Type extends NetworkEvent['type']> (events: readonly NetworkEvent[], type: Type): Array<Extract<NetworkEvent, { readonly type: Type }>> {
  return events.filter((event): event is Extract<NetworkEvent, { readonly type: Type }> => event.type === type)
}

/** What real time may add to what was derived: threads that are not run, timers that are late. Nothing where it is virtual. */
export function slackMs ({ realTime }: RunParameters): number {
  return realTime === true ? 500 : 1e-3
}

/** How long `action` takes, in milliseconds. */
export async function timed (clock: Clock, action: () => Promise<unknown>): Promise<number> {
  const startedMs = clock.now()
  await action()
  return clock.now() - startedMs
}

/** Waits for the run's time. */
export async function sleepUntil ({ clock }: Host, atMs: number): Promise<void> {
  await sleep(clock, Math.max(0, atMs - clock.now()))
}

/** Waits until it is so; that it is not by then is the contract's failure. */
export async function until ({ clock }: Host, condition: () => boolean, what: string, withinMs = 2_000): Promise<void> {
  const endMs = clock.now() + withinMs
  while (!condition()) {
    assert.ok(clock.now() < endMs, `after ${withinMs} ms still not so: ${what}`)
    await sleep(clock, 5)
  }
}

/** The promise's error, which it must have. */
export async function failureOf (promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  throw new assert.AssertionError({ message: 'did not fail' })
}

/** An error's code, or its name where it has none; '' of a promise that does not fail. */
export async function codeOf (promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return ''
  } catch (error) {
    return error instanceof Error ? String('code' in error ? error.code : error.name) : typeof error
  }
}

/** The client and so many servers `server-1`, ..., each joined to it by a path of its own. */
export function star (servers: number, role = 'server'): Pick<ScenarioInput, 'hosts' | 'paths'> {
  const names = serverNames(servers)
  return {
    hosts: [{ name: 'client', role: 'client' }, ...names.map(name => ({ name, role }))],
    paths: names.map(name => ({ from: 'client', to: name, forward: { delayMs: RTT_MS / 2 } }))
  }
}

export function serverNames (servers: number): string[] {
  return hostNames('server', servers)
}

/** Asks a server for what it counted, past all modules. */
export async function reportOf<Report> (host: Host, protocol: string, server = 'server'): Promise<Report> {
  const { clock, node } = host
  const reply = await plainRequest(node, [...host.peer(server).addresses], protocol, new Uint8Array(1), { clock })
  return JSON.parse(Buffer.from(reply).toString()) as Report
}

export function bytesOf (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf (bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** The value that so large a share of them do not exceed. */
export function quantileOf (values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}
