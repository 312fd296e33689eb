import { timeoutSignal } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import type { StreamLease } from './pool/lease.ts'
import type { AcquireOptions } from './pool/pool.ts'
import type { AbortOptions, Connection, NetworkNode, PeerId, Stream } from './port.ts'

/** Where streams come from: the pool, or the node itself where there is none. */
export interface LeaseSource {
  acquire(peer: PeerId, protocol: string, options?: AcquireOptions): Promise<StreamLease>
}

/**
 * Streams without a pool: `dial`, which reuses a connection that there is, and a new stream for each lease. Only streams
 * of one protocol are kept, that of batches: what is known of a stream's other end lives as long as the stream.
 */
export class NodeLeases implements LeaseSource {
  readonly #node: NetworkNode
  readonly #clock: Clock
  readonly #keptProtocol: string
  readonly #kept = new WeakMap<Connection, Stream[]>()
  readonly #openings = new WeakMap<Connection, Openings>()
  readonly #open = new Set<Stream>()
  readonly #closing = new Set<Promise<void>>()

  constructor (node: NetworkNode, clock: Clock, keptProtocol: string) {
    this.#node = node
    this.#clock = clock
    this.#keptProtocol = keptProtocol
  }

  /**
   * @throws what libp2p's `dial` and `newStream` throw
   */
  async acquire (peer: PeerId, protocol: string, { signal, onOpening }: AcquireOptions = {}): Promise<StreamLease> {
    const options = signal === undefined ? {} : { signal }
    const connection = await this.#node.dial(peer, options)
    const kept = protocol === this.#keptProtocol ? this.#take(connection) : undefined
    if (kept !== undefined) {
      return new NodeLease(kept, connection, true, error => this.#giveBack(kept, connection, protocol, error))
    }
    onOpening?.(connection)
    const stream = await this.#openingsOn(connection).open(protocol, options)
    return new NodeLease(stream, connection, false, error => this.#giveBack(stream, connection, protocol, error))
  }

  /** Closes what is kept, and resolves when all streams that were given back are closed, or aborted after a second. */
  async stop (): Promise<void> {
    for (const stream of this.#open) {
      this.#close(stream)
    }
    await Promise.all(this.#closing)
  }

  #openingsOn (connection: Connection): Openings {
    let openings = this.#openings.get(connection)
    if (openings === undefined) {
      openings = new Openings(connection)
      this.#openings.set(connection, openings)
    }
    return openings
  }

  #take (connection: Connection): Stream | undefined {
    const streams = this.#kept.get(connection)
    for (;;) {
      const stream = streams?.pop()
      if (stream === undefined || stream.status === 'open') {
        return stream
      }
    }
  }

  #giveBack (stream: Stream, connection: Connection, protocol: string, error: Error | undefined): void {
    if (error !== undefined) {
      stream.abort(error)
    } else if (protocol === this.#keptProtocol && stream.status === 'open') {
      const streams = this.#kept.get(connection) ?? []
      streams.push(stream)
      this.#kept.set(connection, streams)
      if (!this.#open.has(stream)) {
        this.#open.add(stream)
        stream.addEventListener('close', () => this.#open.delete(stream), { once: true })
      }
    } else {
      this.#close(stream)
    }
  }

  #close (stream: Stream): void {
    const closed = close(stream, this.#clock).finally(() => this.#closing.delete(closed))
    this.#closing.add(closed)
  }
}

/**
 * Opens streams on one connection, few at a time until the first is there. What waits elsewhere, for a permit or for the
 * connection that replaces a dead one, may be let go all at once, and libp2p resets a connection's streams where ten come
 * before its far end listens.
 */
class Openings {
  readonly #connection: Connection
  #proven = false
  #underWay = 0
  /** Resolves when one has ended, whichever way. */
  #ended = Promise.withResolvers<void>()

  constructor (connection: Connection) {
    this.#connection = connection
  }

  async open (protocol: string, options: AbortOptions): Promise<Stream> {
    while (!this.#proven && this.#underWay >= MAXIMUM_UNPROVEN) {
      await unlessAborted(this.#ended.promise, options.signal)
    }
    this.#underWay++
    try {
      const stream = await this.#connection.newStream(protocol, options)
      this.#proven = true
      return stream
    } finally {
      this.#underWay--
      this.#ended.resolve()
      this.#ended = Promise.withResolvers()
    }
  }
}

/** As many as the pool, whose option `maxStreamsInNegotiation` says why. */
const MAXIMUM_UNPROVEN = 8

async function unlessAborted (promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal?.reason)
  signal?.throwIfAborted()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Resolves within a second, whatever the stream makes of its signal. */
async function close (stream: Stream, clock: Clock): Promise<void> {
  using limit = timeoutSignal(clock, CLOSE_TIMEOUT_MS)
  const { promise: late, reject } = Promise.withResolvers<never>()
  limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true })
  try {
    await Promise.race([stream.close({ signal: limit.signal }), late])
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
  }
}

/** As long as libp2p gives a stream to close. */
const CLOSE_TIMEOUT_MS = 1_000

class NodeLease implements StreamLease {
  readonly stream: Stream
  readonly connection: Connection
  readonly reusedStream: boolean
  readonly retired = false
  #onEnd: ((error: Error | undefined) => void) | undefined

  constructor (stream: Stream, connection: Connection, reusedStream: boolean, onEnd: (error: Error | undefined) => void) {
    this.stream = stream
    this.connection = connection
    this.reusedStream = reusedStream
    this.#onEnd = onEnd
  }

  /** Nobody here chooses among connections. */
  answered (): void {}
  suspect (): void {}

  release (): void {
    this.#end(undefined)
  }

  discard (error?: Error): void {
    this.#end(error)
  }

  fail (_kind: 'timeout' | 'error', error: Error): void {
    this.#end(error)
  }

  [Symbol.dispose] (): void {
    if (this.#onEnd !== undefined) {
      this.#end(new Error('the lease was disposed of before it was released'))
    }
  }

  #end (error: Error | undefined): void {
    const onEnd = this.#onEnd
    this.#onEnd = undefined
    onEnd?.(error)
  }
}
