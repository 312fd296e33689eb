import { TwinwireError } from '../../src/core/errors.ts'
import { MemoryRecorder } from '../../src/core/recorder.ts'
import { randomStream } from '../../src/core/random.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeNetwork } from './fake-node.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import type { ConnectionPoolOptions, PoolEvent, StreamLease } from '../../src/optim/pool/pool.ts'
import type { FakeConnection, FakeNode } from './fake-node.ts'

/** A dial takes 3 of them and a new stream 1. */
export const RTT = 20
export const FIRST = '/ip4/10.0.0.1/tcp/1'
export const SECOND = '/ip4/10.0.0.2/tcp/1'

/** A client with a pool, and a server that it knows. */
export interface Bench {
  readonly network: FakeNetwork
  readonly client: FakeNode
  readonly server: FakeNode
  readonly pool: ConnectionPool
  readonly recorder: MemoryRecorder<PoolEvent>
  /** The client's connections. */
  readonly connection: (i: number) => FakeConnection
  readonly acquire: (options?: { signal?: AbortSignal, priority?: number }) => Promise<StreamLease>
}

export function bench (options: ConnectionPoolOptions = {}, addresses: string[] = [FIRST]): Bench {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const server = network.node('server', ...addresses)
  client.learn(server, ...addresses)
  const recorder = new MemoryRecorder<PoolEvent>()
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool'), recorder }, options)
  return {
    network,
    client,
    server,
    pool,
    recorder,
    connection: i => client.connections[i],
    acquire: options => pool.acquire(server.peerId, '/echo', options)
  }
}

/** What the promise is rejected with, once it is. */
export function caught (promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => undefined, (error: unknown) => error)
}

/** The same, letting time pass until then. */
export function failed (network: FakeNetwork, promise: Promise<unknown>): Promise<unknown> {
  return network.until(caught(promise))
}

export function codeOf (error: unknown): ErrorCode | undefined {
  return error instanceof TwinwireError ? error.code : undefined
}

/** The reasons of all events of a type, in order. */
export function reasons (recorder: MemoryRecorder<PoolEvent>, type: PoolEvent['type']): string[] {
  return recorder.events.filter(event => event.type === type).map(event => event.reason)
}
