import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { Channel, ChannelHandler, CloseReason, Message } from './channel.ts'
import type { SimMultiaddr, SimPeerId } from './identity.ts'
import type { CloseDetails, Direction, SimStream } from './stream.ts'
import { Emitter } from './emitter.ts'
import { abortReason, SessionError } from './errors.ts'
import { Muxer } from './muxer.ts'
import { closeError } from './upgrade.ts'
import { decodeNegotiation, encodeNegotiation, MULTISTREAM_HEADER, NOT_AVAILABLE } from './wire-format.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts and registrar.ts.
const NEGOTIATION_TIMEOUT_MS = 10_000
const CLOSE_TIMEOUT_MS = 1_000
export const DEFAULT_MAX_OUTBOUND_STREAMS = 64
export const DEFAULT_MAX_INBOUND_STREAMS = 32

/** What a connection asks of the node it belongs to. */
export interface ConnectionOwner {
  /** The handler and its limit, or undefined where the protocol is not spoken. */
  protocol(name: string): { readonly handler: StreamHandler, readonly maxInboundStreams: number, readonly maxOutboundStreams: number } | undefined
  onConnectionClosed(connection: SimConnection): void
}

export type StreamHandler = (stream: SimStream, connection: SimConnection) => void | Promise<void>

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
  status: 'open' | 'closing' | 'closed' | 'aborted' = 'open'
  /** Milliseconds, from the connection monitor's last ping. */
  rtt?: number

  readonly #channel: Channel
  readonly #clock: Clock
  readonly #owner: ConnectionOwner
  readonly #muxer: Muxer

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
      onGoAway: () => {
        if (this.status === 'open') {
          this.#muxer.endStreams(undefined)
        }
      }
    })
    channel.handler = this
    this.#muxer.start()
  }

  /** The TCP connection's number, the same at both ends. */
  get tcpConnection (): number {
    return this.#channel.socket.connection
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
  async newStream (protocol: string | string[], options: { signal?: AbortSignal } = {}): Promise<SimStream> {
    options.signal?.throwIfAborted()
    const name = typeof protocol === 'string' ? protocol : protocol[0]
    if (this.status !== 'open') {
      throw new SessionError('ConnectionClosedError', `The connection is "${this.status}" and not "open"`)
    }
    const stream = this.#muxer.createStream()
    using deadline = options.signal === undefined ? timeoutSignal(this.#clock, NEGOTIATION_TIMEOUT_MS) : undefined
    try {
      await this.#negotiate(stream, name, options.signal ?? deadline?.signal)
      const limit = this.#owner.protocol(name)?.maxOutboundStreams ?? DEFAULT_MAX_OUTBOUND_STREAMS
      const count = this.#count(name, 'outbound')
      if (count > limit) {
        throw new SessionError('TooManyOutboundProtocolStreamsError', `Too many outbound protocol streams for protocol "${name}" - ${count}/${limit}`)
      }
      return stream
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  /** Ends its streams gracefully, says goodbye, and waits for the remote end for at most a second. */
  async close (options: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.status !== 'open') {
      return
    }
    this.status = 'closing'
    using deadline = timeoutSignal(this.#clock, CLOSE_TIMEOUT_MS, options.signal)
    await Promise.all([...this.#muxer.streams].map(async stream => await stream.close({ signal: deadline.signal })))
    this.#muxer.stop()
    await this.#closed(deadline.signal, () => this.#channel.socket.close())
  }

  abort (error: Error): void {
    if (this.status === 'closed' || this.status === 'aborted') {
      return
    }
    this.#muxer.stop()
    this.#end('aborted', { error, local: true })
    this.#channel.socket.abort()
  }

  /** The network cut the connection. */
  resetByNetwork (): void {
    this.onClosed('reset')
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
      this.#muxer.endStreams(undefined)
      this.#end('aborted', { error: closeError(reason), local: true })
    }
  }

  async #negotiate (stream: SimStream, protocol: string, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        stream.negotiator = undefined
        stream.removeEventListener('close', onClose)
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) {
          stream.protocol = protocol
          resolve()
        } else {
          reject(error)
        }
      }
      const onClose = ({ error }: CloseDetails): void => settle(error ?? new SessionError('ConnectionClosedError', 'The stream closed during negotiation'))
      const onAbort = (): void => {
        if (signal !== undefined) {
          settle(abortReason(signal))
        }
      }
      stream.negotiator = data => {
        // The listener answers with two messages: the header, then the protocol or a refusal.
        for (const line of decodeNegotiation(data) ?? []) {
          if (line === protocol) {
            settle()
          } else if (line === NOT_AVAILABLE) {
            settle(new SessionError('UnsupportedProtocolError', `Protocol selection failed - could not negotiate ${protocol}`))
          }
        }
      }
      stream.addEventListener('close', onClose)
      signal?.addEventListener('abort', onAbort)
      stream.send(encodeNegotiation(MULTISTREAM_HEADER, protocol))
    })
  }

  #onStream (stream: SimStream): void {
    const timer = this.#clock.setTimeout(() => stream.abort(new SessionError('TimeoutError', 'protocol negotiation timed out')), NEGOTIATION_TIMEOUT_MS)
    const stopWaiting = (): void => {
      timer.cancel()
      stream.negotiator = undefined
    }
    stream.addEventListener('close', stopWaiting, { once: true })
    const answer = (line: string): void => {
      if (line === MULTISTREAM_HEADER) {
        stream.send(encodeNegotiation(line))
        return
      }
      const protocol = this.#owner.protocol(line)
      if (protocol === undefined) {
        stream.send(encodeNegotiation(NOT_AVAILABLE))
        return
      }
      stopWaiting()
      stream.removeEventListener('close', stopWaiting)
      stream.send(encodeNegotiation(line))
      this.#serve(stream, line, protocol)
    }
    stream.negotiator = data => {
      if (this.status === 'open') {
        decodeNegotiation(data)?.forEach(answer)
      } else {
        stream.abort(new SessionError('ConnectionClosedError', `The connection is "${this.status}"`))
      }
    }
  }

  #serve (stream: SimStream, name: string, { handler, maxInboundStreams }: { handler: StreamHandler, maxInboundStreams: number }): void {
    stream.protocol = name
    const count = this.#count(name, 'inbound')
    if (count > maxInboundStreams) {
      stream.abort(new SessionError('TooManyInboundProtocolStreamsError', `Too many inbound protocol streams for protocol "${name}" - limit ${maxInboundStreams}`))
      return
    }
    // As in libp2p, a handler that fails takes its stream with it, and nothing else.
    Promise.resolve().then(() => handler(stream, this)).catch((error: unknown) => {
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

  async #closed (signal: AbortSignal, begin: () => void): Promise<void> {
    await new Promise<void>(resolve => {
      const settle = (): void => {
        this.removeEventListener('close', settle)
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = (): void => {
        this.#channel.socket.abort()
        this.#end('closed', { local: true })
        settle()
      }
      this.addEventListener('close', settle)
      signal.addEventListener('abort', onAbort)
      begin()
    })
  }

  #end (status: 'closed' | 'aborted', details: CloseDetails): void {
    if (this.status !== 'open' && this.status !== 'closing') {
      return
    }
    this.status = status
    this.timeline.close = this.#clock.now()
    this.#muxer.endStreams(details.error)
    this.#owner.onConnectionClosed(this)
    this.emit('close', details)
  }
}
