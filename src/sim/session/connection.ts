import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { Channel, ChannelHandler, CloseReason, Message } from './channel.ts'
import type { SimMultiaddr, SimPeerId } from './identity.ts'
import type { CloseDetails, Direction, SimStream } from './stream.ts'
import { Emitter } from './emitter.ts'
import { SessionError, timeoutError } from './errors.ts'
import { Muxer } from './muxer.ts'
import { awaitProtocol, selectProtocol } from './negotiation.ts'
import { settled } from './settled.ts'
import { closeError } from './upgrade.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts and registrar.ts.
const NEGOTIATION_TIMEOUT_MS = 10_000
const CLOSE_TIMEOUT_MS = 1_000
export const DEFAULT_MAX_OUTBOUND_STREAMS = 64
export const DEFAULT_MAX_INBOUND_STREAMS = 32

export type StreamHandler = (stream: SimStream, connection: SimConnection) => void | Promise<void>

/** A protocol that a node speaks. */
export interface Protocol {
  readonly handler: StreamHandler
  readonly maxInboundStreams: number
  readonly maxOutboundStreams: number
}

/** What a connection asks of the node it belongs to. */
export interface ConnectionOwner {
  protocol(name: string): Protocol | undefined
  onConnectionClosed(connection: SimConnection): void
}

export interface ConnectionInit {
  readonly id: string
  readonly remotePeer: SimPeerId
  readonly remoteAddr: SimMultiaddr
  readonly direction: Direction
}

/** A secure, multiplexed connection between two simulated peers. */
export class SimConnection extends Emitter<{ close: CloseDetails }> implements ChannelHandler {
  readonly id: string
  readonly remotePeer: SimPeerId
  readonly remoteAddr: SimMultiaddr
  readonly direction: Direction
  readonly timeline: { readonly open: number, close?: number }
  /** As in libp2p, still `open` while its streams are being closed. */
  status: 'open' | 'closed' | 'aborted' = 'open'
  /** Milliseconds, from the connection monitor's last ping. */
  rtt?: number

  readonly #channel: Channel
  readonly #clock: Clock
  readonly #owner: ConnectionOwner
  readonly #muxer: Muxer
  #muxerClosing = false

  constructor (channel: Channel, clock: Clock, owner: ConnectionOwner, init: ConnectionInit) {
    super()
    this.id = init.id
    this.remotePeer = init.remotePeer
    this.remoteAddr = init.remoteAddr
    this.direction = init.direction
    this.timeline = { open: clock.now() }
    this.#channel = channel
    this.#clock = clock
    this.#owner = owner
    this.#muxer = new Muxer(channel, clock, init.direction === 'outbound', {
      onStream: stream => this.#onStream(stream),
      onGoAway: () => this.#muxer.endStreams(undefined)
    })
    channel.handler = this
    this.#muxer.start()
  }

  get streams (): readonly SimStream[] {
    return this.#muxer.streams
  }

  /**
   * Opens a stream and negotiates the protocol: one round trip.
   *
   * @throws UnsupportedProtocolError, TooManyOutboundProtocolStreamsError, ConnectionClosedError, StreamResetError,
   * TimeoutError after 10 s without a signal, or the signal's reason
   */
  async newStream (protocol: string, options: { signal?: AbortSignal } = {}): Promise<SimStream> {
    options.signal?.throwIfAborted()
    if (this.status !== 'open' || this.#muxerClosing) {
      throw new SessionError('ConnectionClosedError', `The connection is "${this.#muxerClosing ? 'closing' : this.status}" and not "open"`)
    }
    const stream = this.#muxer.createStream()
    using deadline = options.signal === undefined ? timeoutSignal(this.#clock, NEGOTIATION_TIMEOUT_MS, undefined, timeoutError) : undefined
    try {
      await selectProtocol(stream, protocol, options.signal ?? deadline?.signal)
      const limit = this.#owner.protocol(protocol)?.maxOutboundStreams ?? DEFAULT_MAX_OUTBOUND_STREAMS
      const count = this.#count(protocol, 'outbound')
      if (count > limit) {
        throw new SessionError('TooManyOutboundProtocolStreamsError', `Too many outbound protocol streams for protocol "${protocol}" - ${count}/${limit}`)
      }
      return stream
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  /**
   * Closes its streams for writing, says goodbye and hands the rest to TCP: it does not wait for the remote end.
   *
   * @throws TimeoutError after a second without a signal, the signal's reason, or what ended a stream that could not send
   * all it had; the connection is open then, and can be closed again
   */
  async close (options: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.status !== 'open') {
      return
    }
    if (!this.#muxerClosing) {
      this.#muxerClosing = true
      using deadline = options.signal === undefined ? timeoutSignal(this.#clock, CLOSE_TIMEOUT_MS, undefined, timeoutError) : undefined
      const signal = options.signal ?? deadline?.signal
      try {
        const closing = Promise.all(this.#muxer.streams.map(async stream => { await stream.close(signal === undefined ? {} : { signal }) }))
        await settled<unknown>(signal, (resolve, reject) => {
          closing.then(resolve, reject)
          return () => {}
        })
      } finally {
        this.#muxer.stopKeepAlive()
      }
    }
    this.#muxer.goAway()
    this.#channel.socket.close()
    this.#end('closed', { local: true })
  }

  abort (error: Error): void {
    if (this.status !== 'open') {
      return
    }
    this.#muxer.goAway()
    this.#muxer.endStreams(error)
    this.#end('aborted', { error, local: true })
    this.#channel.socket.abort()
  }

  onConnected (): void {}

  onMessage (message: Message): void {
    this.#muxer.onMessage(message)
  }

  onDrain (): void {
    this.#muxer.onDrain()
  }

  onRemoteClose (): void {
    // Node's sockets do not stay half open: the end is answered with an end.
    this.#channel.socket.close()
    this.#end('closed', { local: false })
  }

  onClosed (reason: CloseReason): void {
    if (reason === 'closed' || reason === 'aborted') {
      this.#end('closed', { local: true })
    } else {
      // A socket's error is an abort to libp2p, and its own doing; streams only see that the transport is gone.
      this.#end('aborted', { error: closeError(reason), local: true })
    }
  }

  #onStream (stream: SimStream): void {
    const timer = this.#clock.setTimeout(() => stream.abort(new SessionError('TimeoutError', 'protocol negotiation timed out')), NEGOTIATION_TIMEOUT_MS)
    const stop = awaitProtocol(stream, name => this.#owner.protocol(name) !== undefined, name => {
      timer.cancel()
      stream.removeEventListener('close', onClose)
      this.#serve(stream, name)
    })
    const onClose = (): void => {
      timer.cancel()
      stop()
    }
    stream.addEventListener('close', onClose, { once: true })
  }

  #serve (stream: SimStream, name: string): void {
    const protocol = this.#owner.protocol(name)
    if (protocol === undefined) {
      throw new Error(`the protocol ${name} was selected but is not spoken`)
    }
    stream.protocol = name
    const count = this.#count(name, 'inbound')
    if (count > protocol.maxInboundStreams) {
      stream.abort(new SessionError('TooManyInboundProtocolStreamsError', `Too many inbound protocol streams for protocol "${name}" - limit ${protocol.maxInboundStreams}`))
      return
    }
    // As in libp2p, a handler that fails takes its stream with it, and nothing else.
    Promise.resolve().then(() => protocol.handler(stream, this)).catch((error: unknown) => {
      stream.abort(error instanceof Error ? error : new Error(String(error)))
    })
  }

  #count (protocol: string, direction: Direction): number {
    let count = 0
    for (const stream of this.#muxer.streams) {
      if (stream.protocol === protocol && stream.direction === direction) {
        count++
      }
    }
    return count
  }

  #end (status: 'closed' | 'aborted', details: CloseDetails): void {
    if (this.status !== 'open') {
      return
    }
    this.status = status
    this.timeline.close = this.#clock.now()
    this.#muxer.endStreams(undefined)
    this.#owner.onConnectionClosed(this)
    this.emit('close', details)
  }
}
