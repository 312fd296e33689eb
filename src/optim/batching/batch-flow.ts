import { TwinwireError } from '../../core/errors.ts'
import { BatchCompression } from './batch-compression.ts'
import { lingerMsOf, quantumBytesOf, whyNow } from './batch-policy.ts'
import { Carrier } from './carrier.ts'
import { Flushes } from './flushes.ts'
import { OutgoingQueue } from './outgoing-queue.ts'
import { BATCH_HEADER_BYTES } from './wire/format.ts'
import type { Timer } from '../../core/clock.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Flow, SendWindow } from '../uplink.ts'
import type { BatchStream } from './batch-stream.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { BatchReason } from './events.ts'
import type { Arrival } from './in-flight.ts'
import type { Outgoing } from './outgoing-queue.ts'
import type { Item } from './wire/items.ts'

export interface FlowOwner {
  /** Something waits, and there is no stream to send it on. */
  onWanted(): void
  /** Whether this may be sent now; where not, `onRoom` tells when that has changed. */
  admits(entry: Outgoing): boolean
  /** A batch is about to be formed: the stream may be taken away first. */
  onSending(): void
}

/**
 * What one class of one peer has to send: a queue, and the decision when the next batch of it should go. When it may go
 * is the uplink's decision, and only then is the batch formed, of what waits at that moment.
 */
export class BatchFlow implements Flow {
  readonly peer: string
  readonly class: TrafficClass
  readonly #environment: BatchingEnvironment
  readonly #owner: FlowOwner
  readonly #queue = new OutgoingQueue()
  readonly #window: SendWindow
  readonly #compression: BatchCompression
  #carrier: Carrier | undefined
  /** Why what waits should go, and up to which item of the queue. */
  #due: { readonly reason: BatchReason, readonly until: number } | undefined
  #timer: Timer | undefined
  #timerMs = Infinity
  #reviewing = false
  readonly #flushes = new Flushes()
  #pathRateBitsPerSecond = Infinity

  constructor (peer: string, trafficClass: TrafficClass, environment: BatchingEnvironment, owner: FlowOwner) {
    this.peer = peer
    this.class = trafficClass
    this.#environment = environment
    this.#owner = owner
    this.#window = environment.uplink.newWindow(trafficClass)
    this.#compression = new BatchCompression(environment.settings.compression, environment.settings.codecs, reason => environment.record({ type: 'batching:policy-failed', peer, reason }))
  }

  get empty (): boolean {
    return this.#queue.length === 0
  }

  get backlogBytes (): number {
    const { first } = this.#queue
    if (this.#due === undefined || first === undefined || this.#carrier?.stream.writable !== true || !this.#owner.admits(first)) {
      return 0
    }
    return first.bytes <= this.#carrier.roomBytes ? this.#queue.bytes : 0
  }

  /** Sends on this stream from now on. */
  attach (stream: BatchStream): void {
    this.#carrier = new Carrier(stream, this.#window, this.#onArrival)
    this.#review()
  }

  /** Sends on no stream until the next is attached; what is under way is none of its business any more. */
  detach (): void {
    this.#carrier = undefined
    this.#due = undefined
    this.#cancelTimer()
    for (const entry of this.#queue) {
      if (!entry.wanted) {
        this.#queue.remove(entry)
      }
    }
  }

  /** What waits, in order. */
  get waiting (): Iterable<Outgoing> {
    return this.#queue
  }

  enqueue (entry: Outgoing): void {
    this.#queue.push(entry, this.#environment.clock.now())
    this.#reviewSoon()
  }

  /** Goes before all that waits: what makes room for that must not wait behind it. */
  enqueueFirst (entry: Outgoing): void {
    this.#queue.pushFirst(entry, this.#environment.clock.now())
    this.#reviewSoon()
  }

  /** It is not to be sent any more. */
  remove (entry: Outgoing): void {
    this.#queue.remove(entry)
    this.#onDeparture()
  }

  /** Takes out everything, and tells it why. */
  fail (error: Error): void {
    for (let { first } = this.#queue; first !== undefined; first = this.#queue.first) {
      this.#queue.remove(first)
      first.onUnsent(error)
    }
    this.#onDeparture()
  }

  /** What waits goes as soon as it may. Resolves when it was handed to the transport, or waits no more. */
  async flush (): Promise<void> {
    if (this.#queue.length > 0) {
      const flushed = this.#flushes.add(this.#queue.sequence)
      this.#review()
      await flushed
    }
  }

  /** The stream, or the owner, may have room again. */
  onRoom (): void {
    if (this.backlogBytes > 0) {
      this.#environment.uplink.ready(this)
    }
  }

  /** Nothing is sent any more. */
  end (error: Error): void {
    this.detach()
    this.fail(error)
    this.#environment.uplink.remove(this)
  }

  transmit (grantBytes: number): number {
    this.#owner.onSending()
    const carrier = this.#carrier
    const due = this.#due
    if (carrier === undefined || due === undefined || this.backlogBytes === 0) {
      return 0
    }
    const nowMs = this.#environment.clock.now()
    const queuedMs = this.#queue.first?.queuedMs ?? nowMs
    const entries = this.#pick(carrier, grantBytes)
    if (entries.length === 0) {
      carrier.stream.encoder.reset()
      this.#onDeparture()
      this.#review()
      return 0
    }
    const { stream } = carrier
    const encoded = this.#compression.encode(entries, stream.encoder.plainBytes, this.#rateBitsPerSecond, codec => {
      return stream.send(carrier, codec, entries.filter(entry => entry.onTaken !== undefined))
    })
    const wireBytes = encoded.frame.length
    carrier.onSent(wireBytes, this.#queue.first?.bytes ?? 0)
    const { counters } = this.#environment
    counters.batchesSent++
    counters.itemsSent += entries.length
    counters.plainBytesSent += encoded.plainBytes
    counters.wireBytesSent += wireBytes
    this.#environment.record({
      type: 'batching:batch-sent',
      peer: this.peer,
      connection: stream.connection.id,
      class: this.class,
      reason: due.reason,
      items: entries.length,
      plainBytes: encoded.plainBytes,
      wireBytes,
      codec: encoded.codec,
      waitedMs: nowMs - queuedMs
    })
    this.#onDeparture()
    this.#review()
    return wireBytes
  }

  /** Takes out of the queue and puts into the encoder what the next batch has. */
  #pick (carrier: Carrier, grantBytes: number): Outgoing[] {
    const { maximumMessages, maximumBatchBytes } = this.#environment.settings
    const { roomBytes, stream: { encoder, maximumFrameBytes } } = carrier
    const mostBytes = Math.min(grantBytes, maximumBatchBytes, maximumFrameBytes - BATCH_HEADER_BYTES, roomBytes)
    const entries: Outgoing[] = []
    encoder.begin(this.class)
    for (let { first } = this.#queue; first !== undefined && entries.length < maximumMessages; first = this.#queue.first) {
      if (!first.wanted) {
        this.#queue.remove(first)
        continue
      }
      if (!this.#owner.admits(first)) {
        break
      }
      const item = first.item()
      const bytes = this.#sizeOf(first, item, carrier)
      if (bytes === undefined) {
        continue
      }
      // One item may be larger than the grant, but not than the room: it gets that when what is under way has arrived.
      if (entries.length > 0 ? encoder.plainBytes + bytes > mostBytes : first.bytes > roomBytes) {
        break
      }
      this.#queue.remove(first)
      encoder.add(item)
      entries.push(first)
      first.onSent()
    }
    return entries
  }

  /** What the item takes in a batch; undefined where it fits in none, and is out of the queue. */
  #sizeOf (entry: Outgoing, item: Item, { stream: { encoder, maximumFrameBytes } }: Carrier): number | undefined {
    try {
      const bytes = encoder.sizeOf(item)
      if (bytes <= maximumFrameBytes - BATCH_HEADER_BYTES) {
        return bytes
      }
      throw new TwinwireError('ERR_FRAME_TOO_LARGE', 'the far side takes no batch that large', { expected: `at most ${maximumFrameBytes} bytes`, found: String(bytes) })
    } catch (error) {
      this.#queue.remove(entry)
      entry.onUnsent(error as Error)
      return undefined
    }
  }

  /** What the uplink grants, and where it knows no bound, what the path was last seen to carry. */
  get #rateBitsPerSecond (): number {
    return Math.min(this.#environment.uplink.rateBitsPerSecond(this), this.#pathRateBitsPerSecond)
  }

  readonly #onArrival = (carrier: Carrier, { nowMs, wireBytes, rttMs, rateBitsPerSecond, overMs }: Arrival, applicationLimited: boolean): void => {
    if (!applicationLimited) {
      this.#pathRateBitsPerSecond = rateBitsPerSecond
      this.#environment.observe({ kind: 'delivery', peer: this.peer, nowMs, bytes: rateBitsPerSecond * overMs / 8_000, overMs })
    }
    this.#environment.record({
      type: 'batching:acknowledged', peer: this.peer, connection: carrier.stream.connection.id, class: this.class, rttMs, bytes: wireBytes, rateBitsPerSecond, applicationLimited
    })
    if (carrier === this.#carrier) {
      this.#review(carrier.batches === 0)
    }
  }

  /** At the end of this burst, so that all of it can go in one batch. */
  #reviewSoon (): void {
    if (!this.#reviewing) {
      this.#reviewing = true
      queueMicrotask(() => {
        this.#reviewing = false
        this.#review()
      })
    }
  }

  /** Sees whether something is due, and if so, tells the uplink. */
  #review (completed = false, timerMs = -Infinity): void {
    const { first } = this.#queue
    if (first === undefined || this.#carrier === undefined) {
      this.#due = undefined
      this.#cancelTimer()
      if (first !== undefined) {
        this.#owner.onWanted()
      }
      return
    }
    if (this.#due === undefined || first.sequence > this.#due.until) {
      const reason = this.#whyNow(first, this.#carrier, completed, timerMs)
      // A full batch takes along what fills it, and the rest waits for the next.
      this.#due = reason && { reason, until: reason === 'full' ? first.sequence : this.#queue.sequence }
    }
    if (this.#due !== undefined) {
      this.#cancelTimer()
      this.onRoom()
    }
  }

  #whyNow (first: Outgoing, { stream, batches }: Carrier, completed: boolean, timerMs: number): BatchReason | undefined {
    const { clock, settings } = this.#environment
    const lingerMs = lingerMsOf(this.class, stream.srttMs, settings.maximumLingerMs)
    const reason = whyNow({
      // Clocks round: what the timer was set for is due, even if it comes a little early.
      nowMs: Math.max(clock.now(), timerMs),
      oldestMs: first.queuedMs,
      lingerMs,
      items: this.#queue.length,
      bytes: this.#queue.bytes,
      maximumItems: settings.maximumMessages,
      quantumBytes: quantumBytesOf(this.#environment.uplink.rateBitsPerSecond(this), settings.maximumBatchBytes),
      inFlightBatches: batches,
      completed,
      flushing: first.sequence <= this.#flushes.until
    })
    if (reason === undefined) {
      this.#wakeAt(first.queuedMs + lingerMs)
    }
    return reason
  }

  #wakeAt (atMs: number): void {
    if (this.#timerMs !== atMs) {
      const { clock, deadlines } = this.#environment
      this.#cancelTimer()
      this.#timerMs = atMs
      this.#timer = deadlines.after(Math.max(0, atMs - clock.now()), () => {
        this.#timer = undefined
        this.#timerMs = Infinity
        this.#review(false, atMs)
      })
    }
  }

  #cancelTimer (): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerMs = Infinity
  }

  #onDeparture (): void {
    this.#flushes.onDeparture(this.#queue.first?.sequence ?? Infinity)
    if (this.#queue.length === 0) {
      this.#cancelTimer()
    }
  }
}
