import { TwinwireError } from '../../core/errors.ts'
import { RecentMap } from '../recent-map.ts'
import { lingerMsOf, quantumBytesOf, whyNow } from './batch-policy.ts'
import { RatioEstimator } from './compression/ratio-estimator.ts'
import { ANY_CONTEXT, OutgoingQueue } from './outgoing-queue.ts'
import { BATCH_HEADER_BYTES } from './wire/format.ts'
import type { Timer } from '../../core/clock.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Flow, SendWindow } from '../uplink.ts'
import type { BatchStream } from './batch-stream.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { BatchReason } from './events.ts'
import type { Arrival, BatchSender } from './in-flight.ts'
import type { Outgoing } from './outgoing-queue.ts'
import type { Item } from './wire/items.ts'

export interface FlowOwner {
  /** Something waits, and there is no stream to send it on. */
  onWanted(): void
  /** Whether this may be sent now; where not, `onRoom` tells when that has changed. */
  admits(entry: Outgoing): boolean
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
  /** By compression context: what compresses alike. */
  readonly #ratios = new RecentMap<RatioEstimator>(MAXIMUM_CONTEXTS)
  #carrier: Carrier | undefined
  /** Why what waits should go, and up to which item of the queue. */
  #due: { readonly reason: BatchReason, readonly until: number } | undefined
  #timer: Timer | undefined
  #timerMs = Infinity
  #reviewing = false
  #flushUntil = 0
  readonly #flushes: Flush[] = []
  #pathRateBitsPerSecond = Infinity

  constructor (peer: string, trafficClass: TrafficClass, environment: BatchingEnvironment, owner: FlowOwner) {
    this.peer = peer
    this.class = trafficClass
    this.#environment = environment
    this.#owner = owner
    this.#window = environment.uplink.newWindow(trafficClass)
  }

  get empty (): boolean {
    return this.#queue.length === 0
  }

  get backlogBytes (): number {
    const { first } = this.#queue
    if (this.#due === undefined || first === undefined || this.#carrier?.stream.writable !== true || !this.#owner.admits(first)) {
      return 0
    }
    return first.bytes <= this.#roomBytes(this.#carrier) ? this.#queue.bytes : 0
  }

  /** Sends on this stream from now on. */
  attach (stream: BatchStream): void {
    this.#carrier = new Carrier(stream, (carrier, arrival) => this.#onAcknowledged(carrier, arrival))
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
    const until = this.#queue.sequence
    if (this.#queue.length > 0) {
      const flush = { until, done: Promise.withResolvers<void>() }
      this.#flushes.push(flush)
      this.#flushUntil = until
      this.#review()
      await flush.done.promise
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
    const carrier = this.#carrier
    const due = this.#due
    if (carrier === undefined || due === undefined || this.backlogBytes === 0) {
      return 0
    }
    const nowMs = this.#environment.clock.now()
    const queuedMs = this.#queue.first?.queuedMs ?? nowMs
    const entries = this.#pick(carrier, grantBytes, nowMs)
    if (entries.length === 0) {
      carrier.stream.encoder.reset()
      this.#onDeparture()
      this.#review()
      return 0
    }
    const context = contextOf(entries)
    const ratios = context === undefined ? NO_RATIOS : this.#ratios.obtain(context, () => new RatioEstimator(this.#environment.settings.codecs))
    const { compression } = this.#environment.settings
    const codec = compression({
      bytes: carrier.stream.encoder.plainBytes, rateBitsPerSecond: this.#rateBitsPerSecond, estimates: ratios.estimates, mayCompress: context !== undefined
    })
    const encoded = carrier.stream.send(carrier, codec, entries.filter(entry => entry.onTaken !== undefined))
    const wireBytes = encoded.frame.length
    if (context !== undefined) {
      ratios.onBatch(codec, encoded.compressedBytes / encoded.plainBytes)
    }
    carrier.batches++
    carrier.bytes += wireBytes
    carrier.limited = (this.#queue.first?.bytes ?? 0) > this.#roomBytes(carrier)
    const { counters } = this.#environment
    counters.batchesSent++
    counters.itemsSent += entries.length
    counters.plainBytesSent += encoded.plainBytes
    counters.wireBytesSent += wireBytes
    this.#environment.record({
      type: 'batching:batch-sent',
      peer: this.peer,
      connection: carrier.stream.connection.id,
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
  #pick (carrier: Carrier, grantBytes: number, nowMs: number): Outgoing[] {
    const { maximumMessages, maximumBatchBytes } = this.#environment.settings
    const { encoder, maximumFrameBytes } = carrier.stream
    const roomBytes = this.#roomBytes(carrier)
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
      const item = first.item(nowMs)
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

  /** What may be sent before something is acknowledged; with nothing under way, any one batch. */
  #roomBytes ({ bytes }: Carrier): number {
    return bytes === 0 ? Infinity : Math.min(this.#window.windowBytes, MAXIMUM_UNACKNOWLEDGED_BYTES) - bytes
  }

  /** What the uplink grants, and where it knows no bound, what the path was last seen to carry. */
  get #rateBitsPerSecond (): number {
    return Math.min(this.#environment.uplink.rateBitsPerSecond(this), this.#pathRateBitsPerSecond)
  }

  #onAcknowledged (carrier: Carrier, { nowMs, batches, wireBytes, rttMs, rateBitsPerSecond, overMs }: Arrival): void {
    // What was sent on another stream fills no window here.
    if (carrier !== this.#carrier) {
      return
    }
    const applicationLimited = !carrier.limited
    this.#window.onAcknowledged({ nowMs, bytes: wireBytes, rttMs, inFlightBytes: carrier.bytes, applicationLimited })
    carrier.batches -= batches
    carrier.bytes -= wireBytes
    carrier.limited = false
    if (!applicationLimited) {
      this.#pathRateBitsPerSecond = rateBitsPerSecond
      this.#environment.observe({ kind: 'delivery', peer: this.peer, nowMs, bytes: rateBitsPerSecond * overMs / 8_000, overMs })
    }
    this.#environment.record({
      type: 'batching:acknowledged', peer: this.peer, connection: carrier.stream.connection.id, class: this.class, rttMs, bytes: wireBytes, rateBitsPerSecond, applicationLimited
    })
    this.#review(carrier.batches === 0)
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
      flushing: first.sequence <= this.#flushUntil
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
    const next = this.#queue.first?.sequence ?? Infinity
    while (this.#flushes.length > 0 && this.#flushes[0].until < next) {
      this.#flushes.shift()?.done.resolve()
    }
    if (this.#queue.length === 0) {
      this.#cancelTimer()
    }
  }
}

/** The stream that a flow sends on, and what of the flow is under way there. */
class Carrier implements BatchSender {
  readonly stream: BatchStream
  readonly #onArrival: (carrier: Carrier, arrival: Arrival) => void
  batches = 0
  bytes = 0
  /** The window kept more from being sent, since something was last acknowledged. */
  limited = false

  constructor (stream: BatchStream, onArrival: (carrier: Carrier, arrival: Arrival) => void) {
    this.stream = stream
    this.#onArrival = onArrival
  }

  onAcknowledged (arrival: Arrival): void {
    this.#onArrival(this, arrival)
  }
}

interface Flush {
  /** Sequence of the last item that it is about. */
  readonly until: number
  readonly done: PromiseWithResolvers<void>
}

/** So that a far side which stops reading need not keep more: libp2p resets a stream of which 4 MiB are unread. */
const MAXIMUM_UNACKNOWLEDGED_BYTES = 2 * 1024 * 1024
/** Protocols of one peer of which it is remembered how they compress. */
const MAXIMUM_CONTEXTS = 16
const NO_RATIOS = new RatioEstimator([])

/** The one context that all are of; undefined where they must not be compressed together. */
function contextOf (entries: readonly Outgoing[]): string | undefined {
  let context: string | undefined = ANY_CONTEXT
  for (const { compressionContext } of entries) {
    if (compressionContext === undefined || (context !== ANY_CONTEXT && compressionContext !== ANY_CONTEXT && compressionContext !== context)) {
      return undefined
    }
    context = context === ANY_CONTEXT ? compressionContext : context
  }
  return context
}
