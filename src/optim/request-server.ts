import { serveRequests } from './reply-stream.ts'
import type { BandwidthManager } from './bandwidth/bandwidth-manager.ts'
import type { MessageBatching } from './batching/message-batching.ts'
import type { BatchHandler } from './batching/running-handler.ts'
import type { Connection, NetworkNode, Stream } from './port.ts'

/**
 * Serves requests and messages, whichever way they come: answers with the reply's payload, or with nothing where none is
 * wanted. `kind` says which; of what comes on a stream of its own that cannot be told, and it counts as a request.
 */
export type RequestHandler = BatchHandler

/** How a protocol is served. */
export interface ServeOptions {
  /** Streams of the protocol that one connection may have open, as libp2p counts them. Default libp2p's, 32. */
  readonly maxInboundStreams?: number
  /** True where replies hold secrets: they are then not compressed. Default false. */
  readonly sensitive?: boolean
}

/** Registers handlers, with the node for streams of their own and with batching for what comes in batches. */
export class RequestServer {
  readonly #node: NetworkNode
  readonly #batching: MessageBatching | undefined
  readonly #bandwidth: BandwidthManager | undefined
  readonly #maximumFrameBytes: number
  readonly #onLife: (connection: Connection) => void
  readonly #protocols = new Set<string>()

  /** @param onLife told whenever something came on a stream of its own; what comes in batches, batching tells */
  constructor (node: NetworkNode, batching: MessageBatching | undefined, bandwidth: BandwidthManager | undefined, maximumFrameBytes: number, onLife: (connection: Connection) => void) {
    this.#node = node
    this.#batching = batching
    this.#bandwidth = bandwidth
    this.#maximumFrameBytes = maximumFrameBytes
    this.#onLife = onLife
  }

  /** @throws what the node throws, where the protocol has a handler already */
  async handle (protocol: string, handler: RequestHandler, { maxInboundStreams, sensitive = false }: ServeOptions): Promise<void> {
    const onStream = async (stream: Stream, connection: Connection): Promise<void> => await this.#serve(protocol, handler, stream, connection)
    await this.#node.handle(protocol, onStream, maxInboundStreams === undefined ? {} : { maxInboundStreams })
    this.#protocols.add(protocol)
    await this.#batching?.handle(protocol, handler, { sensitive })
  }

  async unhandle (protocol: string): Promise<void> {
    if (this.#protocols.delete(protocol)) {
      this.#batching?.unhandle(protocol)
      await this.#node.unhandle(protocol)
    }
  }

  async stop (): Promise<void> {
    await Promise.all([...this.#protocols].map(async protocol => await this.unhandle(protocol)))
  }

  async #serve (protocol: string, handler: RequestHandler, stream: Stream, connection: Connection): Promise<void> {
    const { remotePeer } = connection
    const shaped = this.#bandwidth?.shape(stream, remotePeer.toString(), 'normal') ?? stream
    const served = serveRequests(shaped, (payload, { signal }) => handler(payload, { signal, peer: remotePeer, protocol, kind: 'request' }), this.#maximumFrameBytes)
    // After the reader, for a stream hands over what it has kept to the first who listens.
    const onLife = (): void => this.#onLife(connection)
    shaped.addEventListener('message', onLife)
    await served
    shaped.removeEventListener('message', onLife)
  }
}
