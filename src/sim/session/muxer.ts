import type { Clock, Timer } from '../../core/clock.ts'
import { SEND_HIGH_WATER_BYTES } from '../tcp/high-water.ts'
import type { Channel, Message } from './channel.ts'
import type { StreamTransport } from './stream.ts'
import { SessionError } from './errors.ts'
import { SimStream, YAMUX_ACK, YAMUX_SYN } from './stream.ts'
import { securedFrameBytes } from './wire-format.ts'

/** yamux's frames; `bytes` is what Noise makes of them. */
interface Frame extends Message {
  readonly type: 'data' | 'window-update' | 'ping' | 'go-away'
  readonly streamId: number
  readonly flags: number
  /** Data length, window delta, ping's id or reason. */
  readonly value: number
  readonly data: Uint8Array
}

// @chainsafe/libp2p-yamux 8, config.ts.
const KEEP_ALIVE_INTERVAL_MS = 30_000

const NO_DATA = new Uint8Array(0)

export interface MuxerEvents {
  onStream(stream: SimStream): void
  /** The remote muxer said goodbye. */
  onGoAway(): void
}

/** The yamux session of a connection. */
export class Muxer implements StreamTransport {
  readonly streams: SimStream[] = []
  rttMs = -1

  readonly #channel: Channel
  readonly #clock: Clock
  readonly #events: MuxerEvents
  readonly #byId = new Map<number, SimStream>()
  #nextStreamId: number
  #nextPingId = 0
  #pingStartMs = 0
  #pingTimer: Timer | undefined
  /** Either side has said goodbye, or the connection is gone. */
  #goneAway = false

  constructor (channel: Channel, clock: Clock, dialler: boolean, events: MuxerEvents) {
    this.#channel = channel
    this.#clock = clock
    this.#events = events
    this.#nextStreamId = dialler ? 1 : 2
  }

  /** Sends the first keep-alive ping, which also measures the round trip. */
  start (): void {
    this.#ping()
  }

  stopKeepAlive (): void {
    this.#pingTimer?.cancel()
  }

  /** Says goodbye, unless the remote end has. Streams are the connection's to end. */
  goAway (): void {
    this.stopKeepAlive()
    this.#send('go-away', 0, 0, 0, NO_DATA)
    this.#goneAway = true
  }

  /** Ends every stream, because the connection is gone. */
  endStreams (error: Error | undefined): void {
    this.stopKeepAlive()
    this.#goneAway = true
    for (const stream of this.streams.slice()) {
      stream.onConnectionClosed(error)
    }
  }

  /**
   * @throws ConnectionClosedError after either side said goodbye
   */
  createStream (): SimStream {
    if (this.#goneAway) {
      throw new SessionError('ConnectionClosedError', 'The connection muxer is closed')
    }
    const stream = new SimStream(this, this.#nextStreamId, 'outbound')
    this.#nextStreamId += 2
    this.#add(stream)
    stream.updateWindow()
    return stream
  }

  get nowMs (): number {
    // The real one reads Date.now(): whole milliseconds.
    return Math.floor(this.#clock.now())
  }

  get writable (): boolean {
    return this.#channel.socket.unsentBytes < SEND_HIGH_WATER_BYTES
  }

  sendData (streamId: number, flags: number, data: Uint8Array): void {
    this.#send('data', streamId, flags, data.byteLength, data)
  }

  sendWindowUpdate (streamId: number, flags: number, delta: number): void {
    this.#send('window-update', streamId, flags, delta, NO_DATA)
  }

  forget (stream: SimStream): void {
    this.#byId.delete(stream.streamId)
    const index = this.streams.indexOf(stream)
    if (index !== -1) {
      this.streams.splice(index, 1)
    }
  }

  onMessage (message: Message): void {
    const frame = message as Frame
    switch (frame.type) {
      case 'ping':
        this.#onPing(frame)
        break
      case 'go-away':
        this.#goneAway = true
        this.stopKeepAlive()
        this.#events.onGoAway()
        break
      default:
        this.#onStreamFrame(frame)
    }
  }

  onDrain (): void {
    for (const stream of this.streams.slice()) {
      stream.onWritable()
    }
  }

  #onStreamFrame (frame: Frame): void {
    if ((frame.flags & YAMUX_SYN) !== 0 && !this.#byId.has(frame.streamId)) {
      const stream = new SimStream(this, frame.streamId, 'inbound')
      this.#add(stream)
      this.#events.onStream(stream)
    }
    const stream = this.#byId.get(frame.streamId)
    // A frame for a stream that has ended was under way when it did.
    if (frame.type === 'data') {
      stream?.onData(frame.flags, frame.data)
    } else {
      stream?.onWindowUpdate(frame.flags, frame.value)
    }
  }

  #onPing (frame: Frame): void {
    if (frame.flags === YAMUX_SYN) {
      this.#send('ping', 0, YAMUX_ACK, frame.value, NO_DATA)
    } else {
      this.rttMs = this.nowMs - this.#pingStartMs
      this.#pingTimer = this.#clock.setTimeout(() => this.#ping(), KEEP_ALIVE_INTERVAL_MS)
    }
  }

  #ping (): void {
    this.#pingStartMs = this.nowMs
    this.#send('ping', 0, YAMUX_SYN, this.#nextPingId++, NO_DATA)
  }

  #add (stream: SimStream): void {
    this.streams.push(stream)
    this.#byId.set(stream.streamId, stream)
  }

  #send (type: Frame['type'], streamId: number, flags: number, value: number, data: Uint8Array): void {
    if (this.#goneAway) {
      // What still arrives finds nobody to answer: the socket is closing behind the goodbye.
      return
    }
    const frame: Frame = { bytes: securedFrameBytes(data.byteLength), type, streamId, flags, value, data }
    this.#channel.send(frame)
  }
}
