import { TwinwireError } from '../../core/errors.ts'
import { keepWindowUnread, pauseReading, resumeReading } from '../readable.ts'
import { ForwardedEvents } from './forwarded-events.ts'
import { SendQueue } from './send-queue.ts'
import type { AbortOptions, Bytes, CloseEvent, Stream } from '../port.ts'
import type { Downlink, PausableStream } from '../downlink.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Uplink } from '../uplink.ts'
import type { Listener, ListenerOptions } from './forwarded-events.ts'

/** What a shaped stream works with, beside the stream itself. */
export interface ShapingEnvironment {
  readonly uplink: Pick<Uplink, 'ready' | 'remove'>
  /** Bytes were charged that are not sent after all. */
  readonly refund: (bytes: number) => void
  readonly downlink: Downlink
  readonly highWaterBytes: number
  readonly maximumBytes: number
  readonly onSent: (protocol: string, bytes: number) => void
  readonly onFull: (peer: string, trafficClass: TrafficClass) => void
  /** Those that are shaped, by the stream and by what is given in its place. */
  readonly shaped: WeakMap<Stream, ShapedStream>
}

/**
 * The same stream, with what is sent on it waiting for its turn and what comes on it held to the download rate. For its
 * user it is the stream itself, of whatever type: what is not changed here is the stream's own.
 *
 * - `send` queues. It answers false above the high-water mark, and `drain` follows each time when half of it is left.
 *   Above the maximum it throws ERR_QUEUE_FULL and aborts the stream, as a libp2p stream does above its
 *   `maxWriteBufferLength` (which counts as the maximum here where it is set): to leave bytes out would not do.
 * - `close` waits until all is handed over. Where its signal is aborted meanwhile, what waits is still sent, but the end
 *   is not, as in libp2p.
 * - `abort`, and the end of the stream, drop what waits; what the muxer had not sent is refunded.
 * - A sender must not write to a buffer that it gave to `send`, whether the answer was true or not.
 *
 * Shaped again, a stream gives what it gave before, and is of the class that was named last.
 */
export function shapeStream<S extends Stream> (stream: S, peer: string, trafficClass: TrafficClass, environment: ShapingEnvironment): S {
  const known = environment.shaped.get(stream)
  if (known !== undefined) {
    known.members.class = trafficClass
    return known.proxy as S
  }
  const members = new ShapedMembers(stream, peer, trafficClass, environment)
  const proxy = proxyOf(stream, members)
  const shaped = { proxy, members }
  environment.shaped.set(stream, shaped)
  // By the proxy as well: what a middleware shaped comes back as that.
  environment.shaped.set(proxy, shaped)
  return proxy
}

export interface ShapedStream {
  readonly proxy: Stream
  readonly members: ShapedMembers
}

function proxyOf<S extends Stream> (stream: S, members: ShapedMembers): S {
  const bound = new Map<PropertyKey, unknown>()
  const proxy: S = new Proxy(stream, {
    get (target, property) {
      if (CHANGED.has(property)) {
        return Reflect.get(members, property, members)
      }
      const value: unknown = Reflect.get(target, property, target)
      // What an object has of its own is a value even if it can be called, as libp2p's loggers can.
      if (typeof value !== 'function' || property === 'constructor' || Object.hasOwn(target, property)) {
        return value
      }
      let method = bound.get(property)
      if (method === undefined) {
        // Private members know their own object only. Iteration alone is made of public ones, and must see the changed.
        method = value.bind(property === Symbol.asyncIterator ? proxy : target)
        bound.set(property, method)
      }
      return method
    },
    set: (target, property, value) => Reflect.set(target, property, value, target)
  })
  return proxy
}

/** What libp2p's streams have beyond the port. */
interface LibraryStream extends Stream {
  readonly readStatus?: string
  readonly writeStatus?: string
  readonly maxWriteBufferLength?: number
}

const CHANGED: ReadonlySet<PropertyKey> = new Set([
  'writableNeedsDrain', 'writeBufferLength', 'writeStatus', 'readStatus', 'send', 'onDrain', 'close', 'abort', 'pause', 'resume', 'addEventListener', 'removeEventListener'
])

/** Events that are not passed on as they come. */
const FORWARDED: ReadonlySet<string> = new Set(['drain', 'idle', 'remoteCloseWrite', 'close'])

/** The members that differ from the stream's own. Methods are bound, since they are taken from here by name. */
class ShapedMembers {
  readonly #stream: LibraryStream
  readonly #environment: ShapingEnvironment
  readonly #queue: SendQueue
  readonly #events = new ForwardedEvents()
  readonly #inbound: { class: TrafficClass } & PausableStream
  #needsDrain = false
  #closing = false
  #ended = false
  /** Not read: by its user, or until the rate allows. */
  #paused = false
  #held = false
  #counting = false
  /** Ends that came while held: they must not overtake what is unread. */
  #deferred: Array<{ readonly type: 'remoteCloseWrite' | 'close', readonly event: unknown }> = []

  constructor (stream: LibraryStream, peer: string, trafficClass: TrafficClass, environment: ShapingEnvironment) {
    this.#stream = stream
    this.#environment = environment
    this.#queue = new SendQueue(stream, peer, trafficClass, bytes => this.#onTransmitted(bytes))
    this.#inbound = { peer, class: trafficClass, pause: () => this.#hold(), resume: () => this.#letGo() }
    keepWindowUnread(stream)
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    stream.addEventListener('close', this.#onClose);
    (stream as IdleSource).addEventListener('idle', this.#onIdle)
  }

  /** What waits goes on in the class that it is in by then. */
  set class (trafficClass: TrafficClass) {
    if (trafficClass !== this.#queue.class) {
      this.#inbound.class = trafficClass
      this.#environment.uplink.remove(this.#queue)
      this.#queue.class = trafficClass
      if (this.#queue.backlogBytes > 0) {
        this.#environment.uplink.ready(this.#queue)
      }
    }
  }

  /** Calls back once when nothing waits, now or later; not at all where the stream ends before, or has ended. */
  whenSent (callback: () => void): void {
    if (this.#ended) {
      return
    }
    if (this.#queue.queuedBytes === 0) {
      callback()
    } else {
      this.#events.add('emptied', () => callback(), { once: true })
    }
  }

  get writableNeedsDrain (): boolean {
    return this.#needsDrain
  }

  get writeBufferLength (): number {
    return this.#queue.queuedBytes + this.#stream.writeBufferLength
  }

  get writeStatus (): string | undefined {
    const { writeStatus } = this.#stream
    return this.#closing && writeStatus === 'writable' ? 'closing' : writeStatus
  }

  get readStatus (): string | undefined {
    const { readStatus } = this.#stream
    return this.#held && !this.#paused && readStatus === 'paused' ? 'readable' : readStatus
  }

  readonly send = (data: Uint8Array | Bytes): boolean => {
    const { status } = this.#stream
    if (this.#closing || status !== 'open') {
      throw new TwinwireError('ERR_STREAM_CLOSED', `cannot write to a stream that is ${this.#closing ? 'closing' : status}`)
    }
    if (data.byteLength > 0) {
      const { highWaterBytes, maximumBytes, onFull } = this.#environment
      if (this.#queue.queuedBytes > (this.#stream.maxWriteBufferLength ?? maximumBytes)) {
        onFull(this.#queue.peer, this.#queue.class)
        const error = new TwinwireError('ERR_QUEUE_FULL', `${this.#queue.queuedBytes} bytes wait to be sent on the stream already`)
        this.abort(error)
        throw error
      }
      this.#queue.push(data instanceof Uint8Array ? data : data.subarray())
      this.#environment.uplink.ready(this.#queue)
      this.#needsDrain ||= this.#queue.queuedBytes > highWaterBytes
    }
    return !this.#needsDrain
  }

  readonly onDrain = async (options: AbortOptions = {}): Promise<void> => {
    if (this.#needsDrain) {
      await this.#once('drain', options)
    }
  }

  readonly close = async (options: AbortOptions = {}): Promise<void> => {
    if (this.#closing) {
      return
    }
    this.#closing = true
    if (this.#queue.queuedBytes > 0) {
      await this.#once('emptied', options)
    }
    await this.#stream.close(options)
  }

  readonly abort = (error: Error): void => {
    if (this.#ended) {
      return
    }
    const unsentBytes = this.#stream.writeBufferLength
    this.#drop()
    this.#stream.abort(error)
    this.#environment.refund(unsentBytes)
  }

  readonly pause = (): void => {
    this.#paused = true
    if (!this.#held) {
      this.#stream.pause()
    }
  }

  readonly resume = (): void => {
    this.#paused = false
    if (!this.#held) {
      this.#stream.resume()
    }
  }

  readonly addEventListener = (type: string, listener: Listener | null, options?: ListenerOptions | boolean): void => {
    if (FORWARDED.has(type)) {
      this.#events.add(type, listener, options)
      return
    }
    if (type === 'message' && !this.#counting) {
      // Not before the user listens: libp2p keeps what comes until somebody does, and then it is gone.
      this.#counting = true
      this.#stream.addEventListener('message', this.#onMessage)
    }
    (this.#stream as ListenerSource).addEventListener(type, listener, options)
  }

  readonly removeEventListener = (type: string, listener: Listener | null, options?: ListenerOptions | boolean): void => {
    if (FORWARDED.has(type)) {
      this.#events.remove(type, listener)
    } else {
      (this.#stream as ListenerSource).removeEventListener(type, listener, options)
    }
  }

  readonly #onMessage = ({ data }: { readonly data: Bytes }): void => {
    this.#environment.downlink.received(this.#inbound, this.#stream.protocol, data.byteLength)
  }

  #onTransmitted (bytes: number): void {
    this.#environment.onSent(this.#stream.protocol, bytes)
    if (this.#queue.queuedBytes === 0 && !this.#ended) {
      this.#events.emit('emptied', undefined)
    }
    if (this.#needsDrain && this.#queue.queuedBytes <= this.#environment.highWaterBytes / 2) {
      this.#needsDrain = false
      // Later, so that nobody sends from within a transmission.
      queueMicrotask(() => {
        if (!this.#needsDrain) {
          this.#events.emit('drain', new Event('drain'))
        }
      })
    }
  }

  readonly #onDrain = (): void => {
    if (this.#queue.queuedBytes > 0) {
      this.#environment.uplink.ready(this.#queue)
    }
  }

  /** All that the stream was given is out: after each transmission, or later. */
  readonly #onIdle = (event: unknown): void => {
    if (this.#queue.queuedBytes === 0) {
      this.#events.emit('idle', event)
    }
  }

  readonly #onRemoteCloseWrite = (event: unknown): void => {
    this.#passOn('remoteCloseWrite', event)
  }

  readonly #onClose = (event: CloseEvent): void => {
    this.#ended = true
    // Whoever asks from now on need not wait for what will not come.
    this.#needsDrain = false
    this.#drop()
    this.#events.emit('ended', event.error)
    this.#stream.removeEventListener('drain', this.#onDrain)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    this.#stream.removeEventListener('close', this.#onClose);
    (this.#stream as IdleSource).removeEventListener('idle', this.#onIdle)
    if (event.error !== undefined || this.#stream.readBufferLength === 0) {
      this.#environment.downlink.closed(this.#inbound)
      this.#held = false
      this.#passOnDeferred()
    }
    this.#passOn('close', event)
  }

  #passOn (type: 'remoteCloseWrite' | 'close', event: unknown): void {
    if (this.#held) {
      this.#deferred.push({ type, event })
    } else {
      this.#events.emit(type, event)
    }
  }

  #passOnDeferred (): void {
    const deferred = this.#deferred
    this.#deferred = []
    for (const { type, event } of deferred) {
      this.#events.emit(type, event)
    }
  }

  #hold (): void {
    this.#held = true
    if (!this.#paused) {
      pauseReading(this.#stream)
    }
  }

  #letGo (): void {
    this.#held = false
    if (!this.#paused) {
      // Passes on at once what came meanwhile, of which more may be too much again.
      resumeReading(this.#stream)
    }
    if (!this.#held) {
      this.#passOnDeferred()
    }
  }

  /** Nothing of what waits is sent any more. */
  #drop (): void {
    this.#queue.clear()
    this.#environment.uplink.remove(this.#queue)
  }

  /** Resolves with the next event, and rejects where the stream ends before, or with the signal. */
  #once (type: 'drain' | 'emptied', { signal }: AbortOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#events.remove(type, onEvent)
        this.#events.remove('ended', onEnded)
        signal?.removeEventListener('abort', onAbort)
      }
      const onEvent = (): void => {
        settle()
        resolve()
      }
      const fail = (error: unknown): void => {
        settle()
        reject(error)
      }
      const onEnded = (error: unknown): void => fail(error ?? new TwinwireError('ERR_STREAM_CLOSED', 'the stream ended before all was sent'))
      const onAbort = (): void => fail(signal?.reason)
      if (signal?.aborted === true) {
        reject(signal.reason)
        return
      }
      this.#events.add(type, onEvent)
      this.#events.add('ended', onEnded)
      signal?.addEventListener('abort', onAbort)
    })
  }
}

interface IdleSource {
  addEventListener(type: 'idle', listener: (event: unknown) => void): void
  removeEventListener(type: 'idle', listener: (event: unknown) => void): void
}

interface ListenerSource {
  addEventListener(type: string, listener: Listener | null, options?: ListenerOptions | boolean): void
  removeEventListener(type: string, listener: Listener | null, options?: ListenerOptions | boolean): void
}
