import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { Channel, Message } from './channel.ts'
import type { SimMultiaddr, SimPeerId } from './identity.ts'
import type { CloseDetails } from './message-stream.ts'
import type { Direction, SimStream } from './stream.ts'
import { Emitter } from './emitter.ts'
import { SessionError, timeoutError } from './errors.ts'
import type { MuxerLimits } from './muxer.ts'
import { Muxer } from './muxer.ts'
import { awaitProtocol, selectProtocol } from './negotiation.ts'
import { SecureChannel } from './secure-channel.ts'
import { turns } from './turns.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts and registrar.ts.
const NEGOTIATION_TIMEOUT_MS = 10_000
/**
 * From the agreed protocol to the application: the peer store takes it down, in turn and in the mean so long, one turn longer
 * where it knows an address; and, where the stream is this end's, middleware that there is none of. As counted in the real one.
 */
const OPENED_TURNS = 15
const SERVED_TURNS = 12
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
  readonly limits: MuxerLimits
  /** What came with the last message of the handshake, before anything was there to serve it. */
  readonly early: readonly Message[]
}

/** A secure, multiplexed connection between two simulated peers. */
export class SimConnection extends Emitter<{ close: CloseDetails }> {
  readonly id: string
  readonly remotePeer: SimPeerId
  readonly remoteAddr: SimMultiaddr
  readonly direction: Direction
  readonly timeline: { readonly open: number, close?: number }
  /** Milliseconds, from the connection monitor's last ping. */
  rtt?: number

  readonly #clock: Clock
  readonly #owner: ConnectionOwner
  readonly #secure: SecureChannel
  readonly #muxer: Muxer

  constructor (channel: Channel, clock: Clock, owner: ConnectionOwner, init: ConnectionInit) {
    super()
    this.id = init.id
    this.remotePeer = init.remotePeer
    this.remoteAddr = init.remoteAddr
    this.direction = init.direction
    this.timeline = { open: clock.now() }
    this.#clock = clock
    this.#owner = owner
    this.#secure = new SecureChannel(channel)
    this.#muxer = new Muxer(this.#secure, clock, init.direction === 'outbound', init.limits)
    this.#secure.addEventListener('close', details => this.#onClose(details))
    init.early.forEach(message => this.#secure.onMessage(message))
    this.#muxer.addEventListener('stream', stream => { void this.#onStream(stream) })
  }

  get streams (): readonly SimStream[] {
    return this.#muxer.streams
  }

  /** As in libp2p, still `open` while its streams are being closed. */
  get status (): 'open' | 'closing' | 'closed' | 'aborted' {
    return this.#secure.status
  }

  /**
   * Opens a stream and negotiates the protocol: one round trip.
   *
   * @throws UnsupportedProtocolError, TooManyOutboundProtocolStreamsError, ConnectionClosedError, MuxerClosedError,
   * StreamResetError, TimeoutError after 10 s without a signal, or the signal's reason
   */
  async newStream (protocol: string, options: { signal?: AbortSignal } = {}): Promise<SimStream> {
    if (this.#muxer.status !== 'open') {
      throw new SessionError('ConnectionClosedError', `The connection muxer is "${this.#muxer.status}" and not "open"`)
    }
    if (this.status !== 'open') {
      throw new SessionError('ConnectionClosedError', `The connection is "${this.status}" and not "open"`)
    }
    const stream = await this.#muxer.createStream()
    using deadline = options.signal === undefined ? timeoutSignal(this.#clock, NEGOTIATION_TIMEOUT_MS, undefined, timeoutError) : undefined
    try {
      await selectProtocol(stream, protocol, options.signal ?? deadline?.signal)
      stream.protocol = protocol
      const limit = this.#owner.protocol(protocol)?.maxOutboundStreams ?? DEFAULT_MAX_OUTBOUND_STREAMS
      const count = this.#count(protocol, 'outbound')
      if (count > limit) {
        throw new SessionError('TooManyOutboundProtocolStreamsError', `Too many outbound protocol streams for protocol "${protocol}" - ${count}/${limit}`)
      }
      await turns(OPENED_TURNS)
      return stream
    } catch (error) {
      stream.abort(asError(error))
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
    const deadline = options.signal === undefined ? timeoutSignal(this.#clock, CLOSE_TIMEOUT_MS, undefined, timeoutError) : undefined
    const signal = options.signal ?? deadline?.signal
    await this.#muxer.close(signal)
    await this.#secure.close(signal)
    // Not where it fails: other streams that are still being closed give up in time, as the real ones do.
    deadline?.[Symbol.dispose]()
  }

  abort (error: Error): void {
    this.#muxer.abort(error)
    this.#secure.abort(error)
  }

  async #onStream (stream: SimStream): Promise<void> {
    try {
      stream.protocol = await this.#negotiate(stream)
      await this.#serve(stream)
    } catch (error) {
      // A handler that fails takes its stream with it, and nothing else.
      stream.abort(asError(error))
    }
  }

  async #negotiate (stream: SimStream): Promise<string> {
    using deadline = timeoutSignal(this.#clock, NEGOTIATION_TIMEOUT_MS, undefined, timeoutError)
    return await awaitProtocol(stream, protocol => this.#owner.protocol(protocol) !== undefined, deadline.signal)
  }

  async #serve (stream: SimStream): Promise<void> {
    const { protocol: name } = stream
    const protocol = this.#owner.protocol(name)
    if (protocol === undefined) {
      throw new SessionError('UnsupportedProtocolError', `No handler registered for protocol ${name}`)
    }
    if (this.#count(name, 'inbound') > protocol.maxInboundStreams) {
      throw new SessionError('TooManyInboundProtocolStreamsError', `Too many inbound protocol streams for protocol "${name}" - limit ${protocol.maxInboundStreams}`)
    }
    await turns(SERVED_TURNS)
    await protocol.handler(stream, this)
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

  #onClose (details: CloseDetails): void {
    this.timeline.close = this.#clock.now()
    this.#owner.onConnectionClosed(this)
    this.emit('close', details)
  }
}

function asError (error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
