import type { Clock } from '../../core/clock.ts'
import type { ByteQueue } from './byte-queue.ts'
import { Emitter } from './emitter.ts'
import { SessionError } from './errors.ts'
import type { Frame } from './frame.ts'
import { frameOf } from './frame.ts'
import { YamuxKeepAlive } from './keep-alive.ts'
import { settled } from './settled.ts'
import type { StreamTransport } from './stream.ts'
import { SimStream, YAMUX_ACK, YAMUX_RST, YAMUX_SYN } from './stream.ts'
import { RACE_TURNS, turns } from './turns.ts'

/** What a muxer needs of the connection it shares out. */
export interface MuxedChannel {
  addEventListener(type: 'frame', listener: (frame: Frame) => void): void
  addEventListener(type: 'drain' | 'close', listener: () => void): void
  /** @throws StreamStateError */
  send(frame: Frame): boolean
  abort(error: Error): void
}

export interface MuxerLimits {
  /** Of one connection, opened by the remote end; more are reset. */
  readonly maxInboundStreams: number
  /** Of one connection, opened by this end; more are refused. */
  readonly maxOutboundStreams: number
  /** That may come before the connection is ready to serve them; one more ends all of the connection's streams for good. */
  readonly maxEarlyStreams: number
}

/** What yamux says goodbye with. Its other errors, too, call themselves a normal end: `isProtocolError` takes all for one of the protocol. */
const NORMAL = 0
const PROTOCOL_ERROR = 1

/** The yamux session of a connection: @chainsafe/libp2p-yamux 8 on `AbstractStreamMuxer` of @libp2p/utils 7. */
export class Muxer extends Emitter<{ stream: SimStream }> implements StreamTransport {
  readonly streams: SimStream[] = []
  status: 'open' | 'closing' | 'closed' = 'open'

  readonly #channel: MuxedChannel
  readonly #clock: Clock
  readonly #limits: MuxerLimits
  readonly #keepAlive: YamuxKeepAlive
  readonly #byId = new Map<number, SimStream>()
  readonly #counts = { inbound: 0, outbound: 0 }
  #nextStreamId: number
  #early: SimStream[] = []
  #localGoAway = false
  #remoteGoAway = false

  constructor (channel: MuxedChannel, clock: Clock, dialler: boolean, limits: MuxerLimits) {
    super()
    this.#channel = channel
    this.#clock = clock
    this.#limits = limits
    this.#nextStreamId = dialler ? 1 : 2
    channel.addEventListener('frame', frame => this.#onFrame(frame))
    channel.addEventListener('drain', () => {
      for (const stream of this.streams) {
        stream.drain()
      }
    })
    channel.addEventListener('close', () => this.onTransportClosed())
    this.#keepAlive = new YamuxKeepAlive(clock, id => this.#sendControl('ping', 0, YAMUX_SYN, id))
    this.#keepAlive.start()
  }

  get nowMs (): number {
    // The real one reads Date.now(): whole milliseconds.
    return Math.floor(this.#clock.now())
  }

  get rttMs (): number {
    return this.#keepAlive.rttMs
  }

  /**
   * A stream of this end; it asks to be opened in a microtask.
   *
   * @throws MuxerClosedError, TooManyOutboundProtocolStreamsError
   */
  async createStream (): Promise<SimStream> {
    if (this.status !== 'open' || this.#remoteGoAway || this.#localGoAway) {
      throw new SessionError('MuxerClosedError', 'The muxer is closed')
    }
    const id = this.#nextStreamId
    this.#nextStreamId += 2
    if (this.#counts.outbound >= this.#limits.maxOutboundStreams) {
      throw new SessionError('TooManyOutboundProtocolStreamsError', 'max outbound streams exceeded')
    }
    const stream = this.#add(id, 'outbound')
    queueMicrotask(() => stream.updateWindow())
    return stream
  }

  /**
   * Closes all streams for writing, and says goodbye.
   *
   * @throws the signal's reason, or what kept a stream from closing; the muxer stays as it is then, half closed
   */
  async close (signal?: AbortSignal): Promise<void> {
    if (this.status !== 'open') {
      return
    }
    this.status = 'closing'
    try {
      const closing = Promise.all(this.streams.map(async stream => { await stream.close(signal === undefined ? {} : { signal }) }))
      closing.catch(() => {})
      await settled<unknown>(signal, (resolve, reject) => {
        closing.then(resolve, reject)
        return () => {}
      })
      await turns(RACE_TURNS)
      this.status = 'closed'
      this.#localGoAway = true
      this.#channel.send(frameOf('go-away', 0, 0, NORMAL))
    } finally {
      this.#keepAlive.stop()
    }
  }

  /** Resets all streams and says goodbye. The connection stays. */
  abort (error: Error): void {
    if (this.status !== 'open') {
      return
    }
    this.status = 'closing'
    for (const stream of this.streams.slice()) {
      stream.abort(error)
    }
    this.status = 'closed'
    this.#localGoAway = true
    this.#sendControl('go-away', 0, 0, error.name === 'ReceiveWindowExceededError' ? PROTOCOL_ERROR : NORMAL)
    this.#keepAlive.stop()
  }

  /** The connection is gone, or the remote muxer said goodbye: streams end without an error. */
  onTransportClosed (): void {
    this.status = 'closing'
    for (const stream of this.streams.slice()) {
      stream.onTransportClosed()
    }
    this.status = 'closed'
    this.#keepAlive.stop()
  }

  override addEventListener (type: 'stream', listener: (stream: SimStream) => void): void {
    super.addEventListener(type, listener)
    if (this.#early.length > 0) {
      queueMicrotask(() => {
        for (const stream of this.#early) {
          this.emit('stream', stream)
        }
        this.#early = []
      })
    }
  }

  sendData (streamId: number, flags: number, data: ByteQueue): boolean {
    return this.#send(frameOf('data', streamId, flags, data.byteLength, data))
  }

  sendWindowUpdate (streamId: number, flags: number, delta: number): void {
    this.#sendControl('window-update', streamId, flags, delta)
  }

  #onFrame (frame: Frame): void {
    switch (frame.type) {
      case 'ping':
        if (frame.flags === YAMUX_SYN) {
          this.#sendControl('ping', 0, YAMUX_ACK, frame.value)
        } else {
          this.#keepAlive.onAnswer(frame.value)
        }
        break
      case 'go-away':
        this.#remoteGoAway = true
        if (frame.value === NORMAL) {
          this.onTransportClosed()
        } else {
          this.abort(new Error('Remote sent GoAway'))
        }
        break
      default:
        this.#onStreamFrame(frame)
    }
  }

  #onStreamFrame (frame: Frame): void {
    if ((frame.flags & YAMUX_SYN) !== 0 && !this.#byId.has(frame.streamId)) {
      this.#onRemoteStream(frame.streamId)
    }
    const stream = this.#byId.get(frame.streamId)
    // A frame for a stream that has ended was under way when it did.
    if (frame.type === 'window-update') {
      stream?.onWindowUpdate(frame.flags, frame.value)
      return
    }
    try {
      stream?.onDataFrame(frame.flags, frame.data)
    } catch (error) {
      if (!(error instanceof SessionError && error.name === 'ReceiveWindowExceededError')) {
        throw error
      }
      this.abort(error)
      this.#channel.abort(error)
    }
  }

  #onRemoteStream (id: number): void {
    if (this.#localGoAway || this.#counts.inbound >= this.#limits.maxInboundStreams) {
      this.sendWindowUpdate(id, YAMUX_RST, 0)
      return
    }
    const stream = this.#add(id, 'inbound')
    if (this.listenerCount('stream') > 0) {
      this.emit('stream', stream)
      return
    }
    this.#early.push(stream)
    if (this.#early.length > this.#limits.maxEarlyStreams) {
      this.abort(new SessionError('MaxEarlyStreamsError', `Too many early streams were opened - ${this.#early.length}/${this.#limits.maxEarlyStreams}`))
    }
  }

  #add (id: number, direction: 'inbound' | 'outbound'): SimStream {
    const stream = new SimStream(this, id, direction)
    this.#counts[direction]++
    this.streams.push(stream)
    this.#byId.set(id, stream)
    stream.addEventListener('close', () => this.#forget(stream), { once: true })
    return stream
  }

  #forget (stream: SimStream): void {
    this.#counts[stream.direction]--
    this.#byId.delete(stream.streamId)
    const index = this.streams.indexOf(stream)
    if (index !== -1) {
      this.streams.splice(index, 1)
    }
  }

  #sendControl (type: Frame['type'], streamId: number, flags: number, value: number): void {
    try {
      this.#send(frameOf(type, streamId, flags, value))
    } catch (error) {
      // The connection ends or has ended, and has said so. Whatever else a listener threw is the run's failure.
      if (!(error instanceof SessionError)) {
        throw error
      }
    }
  }

  #send (frame: Frame): boolean {
    const canSendMore = this.#channel.send(frame)
    if (!canSendMore) {
      for (const stream of this.streams) {
        stream.onMuxerNeedsDrain()
      }
    }
    return canSendMore
  }
}
