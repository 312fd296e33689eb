import { TwinwireError } from '../../core/errors.ts'
import { PeakEwma } from './balance.ts'
import { ConnectionHealth } from './health.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Connection, Stream } from '../port.ts'
import type { Deadlines } from '../deadlines.ts'
import type { DialReason, EvictReason, RetireReason } from './events.ts'
import type { Lease } from './lease.ts'
import type { PoolSettings } from './options.ts'
import type { StreamHabits } from './stream-habits.ts'

/**
 * One connection of the pool: the streams that the pool has on it, the leases on those, what is known of its health.
 * It decides nothing; `PeerPool` does.
 */
export class PooledConnection {
  readonly connection: Connection
  /** Where it takes a place: the host that was dialled, or that it came from. */
  readonly host: string
  /** Why the pool dialled it; only connections that it dialled are closed for being idle or old. */
  readonly origin: DialReason | 'adopted'
  readonly openedMs: number
  /** This connection's own, jittered so that those opened together do not end together. */
  readonly idleTimeoutMs: number
  expiresMs: number
  readonly cost: PeakEwma
  readonly leases = new Set<Lease>()
  /** Streams being opened. */
  opening = 0
  /** True once the far side has acknowledged a stream. */
  proven = false
  readonly health = new ConnectionHealth()
  /** Set where it is to be used no more while there is another, and closed when idle. */
  retired: { readonly reason: RetireReason, readonly sinceMs: number } | undefined
  /** Resolves when the close under way, if any, has ended. */
  closed: Promise<void> | undefined
  /** Set while the pool closes it. */
  closing: EvictReason | undefined
  /** When it was last opened, leased, or given back. */
  usedMs: number
  /** The next look at idleness and age. */
  review: { readonly atMs: number, readonly timer: Timer } | undefined

  /** What the last stream took to be opened; 0 before the first, so that its silence counts at once. */
  #roundTripMs = 0
  readonly #deadlines: Deadlines
  readonly #settings: PoolSettings
  readonly #clock: Clock
  readonly #habits: StreamHabits
  /** Every stream that the pool has here: leased, idle, or on its way out. */
  readonly #streams = new Map<Stream, StreamRecord>()
  /** The last given back is the last in its list, and the first to be taken. */
  readonly #idle = new Map<string, StreamRecord[]>()
  /** Set while somebody waits for the streams on their way out to be gone. */
  #allClosed: PromiseWithResolvers<void> | undefined

  constructor (connection: Connection, host: string, origin: DialReason | 'adopted', { clock, random, deadlines, settings }: ConnectionComponents, habits: StreamHabits) {
    this.connection = connection
    this.host = host
    this.origin = origin
    this.openedMs = clock.now()
    this.usedMs = this.openedMs
    this.idleTimeoutMs = settings.idleTimeoutMs * random.uniform(0.9, 1.1)
    this.expiresMs = this.openedMs + settings.maxLifetimeMs * random.uniform(0.9, 1.1)
    this.#deadlines = deadlines
    this.#settings = settings
    this.#clock = clock
    this.#habits = habits
    this.cost = new PeakEwma(settings.loadDecayMs)
  }

  get own (): boolean {
    return this.origin !== 'adopted'
  }

  /** Requests under way. */
  get pending (): number {
    return this.leases.size + this.opening
  }

  get idleStreams (): number {
    let sum = 0
    for (const records of this.#idle.values()) {
      sum += records.length
    }
    return sum
  }

  /** Open, and not on its way out. */
  get usable (): boolean {
    return this.closing === undefined && this.connection.status === 'open'
  }

  /** No more leases: another connection is wanted. */
  get full (): boolean {
    return this.pending >= this.#settings.streamsPerConnection
  }

  hasIdleStream (protocol: string): boolean {
    return (this.#idle.get(protocol)?.length ?? 0) > 0
  }

  /** Whether no lease can be had now, of whatever protocol. */
  get blocked (): boolean {
    return this.full || (this.#negotiating && this.idleStreams === 0)
  }

  /** Whether a lease of this protocol can be had now, from a kept stream or a new one. */
  hasRoom (protocol: string): boolean {
    if (this.full) {
      return false
    }
    return this.hasIdleStream(protocol) || (
      !this.#negotiating && this.#outboundStreams(protocol) < this.#settings.streamsPerProtocol
    )
  }

  /** No stream of this protocol can be opened before one ends, be it the pool's or somebody else's. */
  isCrowded (protocol: string): boolean {
    return this.full || this.#outboundStreams(protocol) >= this.#settings.streamsPerProtocol
  }

  /** Streams that the pool did not open: as long as there are any, the connection is not the pool's to close. */
  carriesOthers (): boolean {
    let unknown = 0
    for (const stream of this.connection.streams) {
      if (!this.#streams.has(stream) && (stream.status === 'open' || stream.status === 'closing') && !HOUSEKEEPING.has(stream.protocol)) {
        unknown++
      }
    }
    // Those being opened are in the list already, but not known yet.
    return unknown > this.opening
  }

  /** Whether closing it now would harm anybody. */
  get inUse (): boolean {
    return this.pending > 0 || this.carriesOthers()
  }

  takeIdleStream (protocol: string): Stream | undefined {
    const records = this.#idle.get(protocol)
    for (;;) {
      const record = records?.pop()
      if (record === undefined) {
        return undefined
      }
      if (isClean(record.stream)) {
        record.idleSinceMs = undefined
        return record.stream
      }
      this.#abortStream(record.stream, 'the far side sent something that nobody asked for')
    }
  }

  /** Whether a stream whose opening began at `startedMs` takes much longer than the last one did. */
  isOverdue (nowMs: number, startedMs: number): boolean {
    return nowMs - startedMs > PATIENCE * this.#roundTripMs
  }

  /** A stream was opened for the pool, which proves that the far side is ready for as many as its limits allow. */
  onStream (stream: Stream, protocol: string, nowMs: number, tookMs: number): void {
    this.proven = true
    this.#roundTripMs = tookMs
    if (!this.cost.sampled) {
      this.cost.observe(nowMs, tookMs)
    }
    this.#register(stream, protocol)
  }

  #register (stream: Stream, protocol: string): void {
    const record: StreamRecord = { stream, protocol, answers: 0, answeredMs: -Infinity, remoteEnded: false, idleSinceMs: undefined, closeTimer: undefined, forget: () => {} }
    const onRemoteEnd = (): void => {
      record.remoteEnded = true
      const idle = record.idleSinceMs !== undefined
      if (idle) {
        this.#removeIdle(record)
        this.closeStream(stream)
      }
      if (record.closeTimer === undefined || idle) {
        this.#habits.onRemoteEnd(protocol, record.answers, this.#clock.now() - record.answeredMs, !idle)
      }
    }
    const onClose = (): void => record.forget()
    record.forget = () => {
      stream.removeEventListener('remoteCloseWrite', onRemoteEnd)
      stream.removeEventListener('close', onClose)
      record.closeTimer?.cancel()
      this.#removeIdle(record)
      this.#streams.delete(stream)
      if (!this.#anyClosing()) {
        this.#allClosed?.resolve()
      }
    }
    stream.addEventListener('remoteCloseWrite', onRemoteEnd)
    stream.addEventListener('close', onClose)
    this.#streams.set(stream, record)
  }

  /** A request was answered on a stream. */
  onStreamAnswer (stream: Stream, protocol: string, nowMs: number): void {
    const record = this.#streams.get(stream)
    if (record !== undefined) {
      record.answers++
      record.answeredMs = nowMs
      this.#habits.onAnswer(protocol, record.answers)
      if (record.remoteEnded) {
        this.#habits.onRemoteEnd(protocol, record.answers, 0, false)
      }
    }
  }

  /** Keeps a stream for the next lease, or closes it where it cannot be kept. */
  keepStream (stream: Stream, protocol: string, nowMs: number): void {
    const record = this.#streams.get(stream)
    const records = this.#idle.get(protocol) ?? []
    if (record === undefined || record.remoteEnded || this.#habits.isOneShot(protocol) || !this.usable || this.retired !== undefined || this.health.state === 'dead' || records.length >= this.#settings.idleStreamsPerProtocol) {
      this.closeStream(stream)
    } else if (!isClean(stream)) {
      this.#abortStream(stream, 'released with data unread or unsent')
    } else {
      record.idleSinceMs = nowMs
      records.push(record)
      this.#idle.set(protocol, records)
    }
  }

  /** Graceful; where the far side does not follow in time, abrupt. */
  closeStream (stream: Stream): void {
    const record = this.#streams.get(stream)
    if (stream.status === 'open' || stream.status === 'closing') {
      if (record !== undefined) {
        record.closeTimer = this.#deadlines.after(this.#settings.closeTimeoutMs, () => this.#abortStream(stream, 'the far side did not close in time'))
      }
      stream.close().catch((error: unknown) => {
        stream.abort(error instanceof Error ? error : new Error(String(error)))
      })
    } else {
      record?.forget()
    }
  }

  /** When the kept stream that was given back first was; Infinity without any. */
  get oldestIdleStreamMs (): number {
    let oldestMs = Infinity
    for (const records of this.#idle.values()) {
      // Each list is in order of time.
      oldestMs = Math.min(oldestMs, records[0]?.idleSinceMs ?? Infinity)
    }
    return oldestMs
  }

  /** Closes kept streams that were given back at `untilMs` or before; without it, all. */
  closeIdleStreams (untilMs = Infinity): void {
    for (const records of this.#idle.values()) {
      while (records.length > 0 && (records[0].idleSinceMs ?? 0) <= untilMs) {
        const record = records[0]
        this.#removeIdle(record)
        this.closeStream(record.stream)
      }
    }
  }

  /** Closes the kept streams of one protocol. */
  closeIdleStreamsOf (protocol: string): void {
    for (const record of this.#idle.get(protocol)?.slice() ?? []) {
      this.#removeIdle(record)
      this.closeStream(record.stream)
    }
  }

  /** Resolves once no stream is on its way out any more, which takes `closeTimeoutMs` at most; undefined where none is. */
  get streamsClosed (): Promise<void> | undefined {
    if (!this.#anyClosing()) {
      return undefined
    }
    this.#allClosed ??= Promise.withResolvers()
    return this.#allClosed.promise
  }

  /**
   * Takes the pool's listeners and timers off everything here. Streams on their way out keep theirs until they are gone,
   * within `closeTimeoutMs`: where the connection lives on with others, they would stay half closed for ever.
   */
  dispose (): void {
    this.review?.timer.cancel()
    for (const record of this.#streams.values()) {
      if (record.closeTimer === undefined || this.connection.status !== 'open') {
        record.forget()
      }
    }
  }

  /** As many streams under way as the far side takes before it is ready for more. */
  get #negotiating (): boolean {
    return !this.proven && this.opening >= this.#settings.maxStreamsInNegotiation
  }

  #anyClosing (): boolean {
    for (const { closeTimer } of this.#streams.values()) {
      if (closeTimer !== undefined) {
        return true
      }
    }
    return false
  }

  #abortStream (stream: Stream, reason: string): void {
    stream.abort(new TwinwireError('ERR_STREAM_CLOSED', reason))
    this.#streams.get(stream)?.forget()
  }

  #removeIdle (record: StreamRecord): void {
    if (record.idleSinceMs === undefined) {
      return
    }
    record.idleSinceMs = undefined
    const records = this.#idle.get(record.protocol)
    const i = records?.indexOf(record) ?? -1
    if (i >= 0) {
      records?.splice(i, 1)
    }
  }

  #outboundStreams (protocol: string): number {
    let sum = this.opening
    for (const stream of this.connection.streams) {
      if (stream.protocol === protocol && stream.direction === 'outbound') {
        sum++
      }
    }
    return sum
  }
}

export interface ConnectionComponents {
  readonly clock: Clock
  readonly random: RandomStream
  readonly deadlines: Deadlines
  readonly settings: PoolSettings
}

interface StreamRecord {
  readonly stream: Stream
  /** The one that it was opened for; streams may spell a negotiated one differently. */
  readonly protocol: string
  /** Requests that it answered, and when it did last. */
  answers: number
  answeredMs: number
  remoteEnded: boolean
  /** Set while it is kept. */
  idleSinceMs: number | undefined
  closeTimer: Timer | undefined
  forget: () => void
}

/** A stream is overdue after this many round trips. */
const PATIENCE = 3

/** What libp2p runs by itself on every connection: like its own pruner, the pool takes no notice of it. */
const HOUSEKEEPING: ReadonlySet<string> = new Set([
  '/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0', '/libp2p/autonat/1.0.0', '/libp2p/dcutr'
])

function isClean (stream: Stream): boolean {
  return stream.status === 'open' && stream.readBufferLength === 0 && stream.writeBufferLength === 0
}
