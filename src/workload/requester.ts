import type { Clock } from '../core/clock.ts'
import { plainRequest, RequestStream } from '../optim/index.ts'
import type { Connection, Multiaddr, NetworkNode, OptimizedNetwork, PeerId, RequestOptions, Stream } from '../optim/index.ts'
import { REQUEST_REPLY_PROTOCOL } from './request-reply.ts'

/** Who asks whom, and how long at most. */
export interface RequesterOptions {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly peer: PeerId
  /** All of the peer's, in the order in which they were told. */
  readonly addresses: readonly Multiaddr[]
  readonly deadlineMs: number
}

/** One way of asking a peer; what an experiment's arms differ in. */
export interface Requester extends AsyncDisposable {
  /** The reply's payload. `options` are for the modules; without them nobody heeds these. */
  request(payload: Uint8Array, signal: AbortSignal, options?: Pick<RequestOptions, 'class' | 'expectedReplyBytes'>): Promise<Uint8Array>
}

/** Plain js-libp2p: the connection is reused, each request opens a stream. */
export function plainLibp2p ({ node, clock, addresses, deadlineMs }: RequesterOptions): Requester {
  return {
    async request (payload, signal) {
      return await plainRequest(node, [...addresses], REQUEST_REPLY_PROTOCOL, payload, { signal, clock, deadlineMs })
    },
    async [Symbol.asyncDispose] () {}
  }
}

/** Each request opens a stream on the connection that is given. */
export function onNewStreams (connect: (signal: AbortSignal) => Promise<Connection>): Requester {
  return {
    async request (payload, signal) {
      return await askOn(await (await connect(signal)).newStream(REQUEST_REPLY_PROTOCOL, { signal }), payload, signal)
    },
    async [Symbol.asyncDispose] () {}
  }
}

/** A connection a request, closed behind it. The deadline is the caller's signal. */
export function dialEachTime ({ node, addresses }: Pick<RequesterOptions, 'node' | 'addresses'>): Requester {
  // libp2p joins dials of one peer that are under way at once. So concurrent requests may share a connection after all,
  // and it is closed when the last of them is done.
  const users = new Map<string, number>()
  const closing = new Set<Promise<void>>()
  return {
    async request (payload, signal) {
      const connection = await node.dial([...addresses], { signal, force: true })
      users.set(connection.id, (users.get(connection.id) ?? 0) + 1)
      try {
        const stream = await connection.newStream(REQUEST_REPLY_PROTOCOL, { signal })
        return await askOn(stream, payload, signal)
      } finally {
        const left = (users.get(connection.id) ?? 1) - 1
        users.set(connection.id, left)
        if (left === 0) {
          users.delete(connection.id)
          // Nobody waits for the goodbye.
          const closed = connection.close().catch(() => {}).finally(() => closing.delete(closed))
          closing.add(closed)
        }
      }
    },
    async [Symbol.asyncDispose] () {
      await Promise.all(closing)
    }
  }
}

/** On a stream that is open; one that failed is reset. */
export async function askOn (stream: Stream, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await RequestStream.of(stream).request(payload, { signal })
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}

/** Through the optimisation modules. Requests are idempotent: they may be tried again. */
export function overNetwork (network: OptimizedNetwork, { peer, deadlineMs }: RequesterOptions): Requester {
  return {
    async request (payload, signal, options) {
      return await network.request(peer, REQUEST_REPLY_PROTOCOL, payload, { ...options, signal, deadlineMs, idempotent: true })
    },
    async [Symbol.asyncDispose] () {
      await network.stop()
    }
  }
}
