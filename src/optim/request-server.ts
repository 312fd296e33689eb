import { sleep } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { Budget } from './batching/budget.ts'
import { serveRequests } from './reply-stream.ts'
import { checkClass } from './traffic-class.ts'
import type { Clock } from '../core/clock.ts'
import type { BandwidthManager } from './bandwidth/bandwidth-manager.ts'
import type { MessageBatching } from './batching/message-batching.ts'
import type { BatchHandler, HandlerContext } from './batching/running-handler.ts'
import type { Connection, NetworkNode, PeerId, Stream } from './port.ts'
import type { ClassPolicy } from './traffic-class.ts'

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

export interface RequestServerComponents {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly batching: MessageBatching | undefined
  readonly bandwidth: BandwidthManager | undefined
  /** The class of replies on streams of their own; in batches they have that of their request. */
  readonly classify: ClassPolicy
  readonly maximumFrameBytes: number
  /** Told whenever something came on a stream of its own; what comes in batches, batching tells. */
  readonly onLife: (connection: Connection) => void
}

/** Registers handlers, with the node for streams of their own and with batching for what comes in batches. */
export class RequestServer {
  readonly #components: RequestServerComponents
  readonly #protocols = new Set<string>()
  /** Those that are served, until they have ended. */
  readonly #streams = new Map<Stream, Promise<void>>()
  readonly #ending = new AbortController()
  /** Of requests that wait or are worked on, and the half of it that one peer may have. */
  readonly #budget: Budget
  readonly #shares = new Map<string, Share>()

  constructor (components: RequestServerComponents) {
    this.#components = components
    this.#budget = new Budget(Infinity, Math.max(MAXIMUM_SERVED_BYTES, 2 * components.maximumFrameBytes))
  }

  /** @throws ERR_INVALID_STATE where it is served already, ERR_STOPPED, or what the node throws where somebody else does; nothing changes then */
  async handle (protocol: string, handler: RequestHandler, { maxInboundStreams, sensitive = false }: ServeOptions): Promise<void> {
    const { node, batching } = this.#components
    if (this.#protocols.has(protocol)) {
      throw new TwinwireError('ERR_INVALID_STATE', `${protocol} has a handler already`)
    }
    this.#protocols.add(protocol)
    const onStream = async (stream: Stream, connection: Connection): Promise<void> => await this.#serve(protocol, handler, stream, connection)
    try {
      await batching?.handle(protocol, handler, { sensitive })
      await node.handle(protocol, onStream, maxInboundStreams === undefined ? {} : { maxInboundStreams })
    } catch (error) {
      this.#protocols.delete(protocol)
      batching?.unhandle(protocol)
      throw error
    }
    if (this.#ending.signal.aborted) {
      await node.unhandle(protocol)
      throw stoppedError()
    }
  }

  async unhandle (protocol: string): Promise<void> {
    if (this.#protocols.delete(protocol)) {
      this.#components.batching?.unhandle(protocol)
      await this.#components.node.unhandle(protocol)
    }
  }

  /** Takes nothing new, lets handlers at work answer until the deadline, and then ends their streams. */
  async stop (deadlineMs: number): Promise<void> {
    this.#ending.abort(stoppedError())
    const unhandled = Promise.all([...this.#protocols].map(async protocol => {
      this.#protocols.delete(protocol)
      await this.#components.node.unhandle(protocol)
    }))
    const ended = Promise.all(this.#streams.values())
    const controller = new AbortController()
    const deadline = sleep(this.#components.clock, deadlineMs, controller.signal).catch(() => {})
    await Promise.race([ended, deadline])
    controller.abort()
    for (const stream of this.#streams.keys()) {
      stream.abort(stoppedError())
    }
    await Promise.all([unhandled, ended, deadline])
  }

  async #serve (protocol: string, handler: RequestHandler, stream: Stream, connection: Connection): Promise<void> {
    if (this.#ending.signal.aborted) {
      stream.abort(stoppedError())
      return
    }
    const { bandwidth, maximumFrameBytes, onLife } = this.#components
    const { remotePeer } = connection
    const peer = remotePeer.toString()
    const ended = Promise.withResolvers<void>()
    this.#streams.set(stream, ended.promise)
    const share = this.#shareOf(peer)
    share.streams++
    const shaped = bandwidth?.shape(stream, peer, 'normal') ?? stream
    const serving = serveRequests(shaped, async (payload, options) => {
      const reply = await handler(payload, new StreamContext(remotePeer, protocol, options))
      if (reply !== undefined) {
        this.#shape(stream, peer, protocol, reply)
      }
      return reply
    }, { limitBytes: maximumFrameBytes, budget: share.budget, ending: this.#ending.signal })
    // After the reader, for a stream hands over what it has kept to the first who listens.
    const onMessage = (): void => onLife(connection)
    shaped.addEventListener('message', onMessage)
    await serving
    shaped.removeEventListener('message', onMessage)
    await closed(stream)
    if (--share.streams === 0) {
      this.#shares.delete(peer)
    }
    this.#streams.delete(stream)
    ended.resolve()
  }

  #shareOf (peer: string): Share {
    let share = this.#shares.get(peer)
    if (share === undefined) {
      share = { budget: new Budget(Infinity, Math.max(MAXIMUM_SERVED_BYTES / 2, this.#components.maximumFrameBytes), this.#budget), streams: 0 }
      this.#shares.set(peer, share)
    }
    return share
  }

  /** A reply is of the class that its size makes it. */
  #shape (stream: Stream, peer: string, protocol: string, reply: Uint8Array): void {
    const { bandwidth, classify } = this.#components
    bandwidth?.shape(stream, peer, checkClass(classify({ protocol, bytes: reply.byteLength }), 'classify'))
  }
}

interface Share {
  readonly budget: Budget
  /** Those that are open. */
  streams: number
}

/** What a handler knows of a request that came on a stream of its own. It takes the signal from where it is made on demand. */
class StreamContext implements HandlerContext {
  readonly peer: PeerId
  readonly protocol: string
  readonly kind = 'request'
  readonly #options: { readonly signal: AbortSignal }

  constructor (peer: PeerId, protocol: string, options: { readonly signal: AbortSignal }) {
    this.peer = peer
    this.protocol = protocol
    this.#options = options
  }

  get signal (): AbortSignal {
    return this.#options.signal
  }
}

/** Sixteen requests of the largest usual size: of all streams of their own, as batching has a bound for what comes in batches. */
const MAXIMUM_SERVED_BYTES = 64 * 1024 * 1024

/** Resolves when both ends have closed it, or it was reset. */
async function closed (stream: Stream): Promise<void> {
  if (stream.status === 'open' || stream.status === 'closing') {
    await new Promise<void>(resolve => {
      stream.addEventListener('close', () => resolve(), { once: true })
    })
  }
}

function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'the network was stopped')
}
