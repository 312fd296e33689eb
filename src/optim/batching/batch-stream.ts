import { TwinwireError } from '../../core/errors.ts'
import { InFlight } from './in-flight.ts'
import { INITIAL_REQUESTS } from './protocol.ts'
import { Receipts } from './receipts.ts'
import { StallWatch } from './stall-watch.ts'
import { hasClosedWrite, keepWindowUnread, pauseReading, resumeReading } from '../readable.ts'
import { BatchDecoder } from './wire/batch-decoder.ts'
import { BatchEncoder } from './wire/batch-encoder.ts'
import { INITIAL_FRAME_BYTES } from './wire/format.ts'
import type { PausableStream } from '../downlink.ts'
import type { Bytes, CloseEvent, Connection, Stream } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { BatchSender, SentBatch } from './in-flight.ts'
import type { Outgoing } from './outgoing-queue.ts'
import type { EncodedBatch } from './wire/batch-encoder.ts'
import type { Side } from './wire/format.ts'
import type { Acknowledgement, Batch, Codec } from './wire/items.ts'

/** Why a stream is used no more, where its own end was not the reason. */
export type EndReason = 'closed' | 'violation' | 'stalled' | 'stopped'

export interface BatchStreamHandlers {
  /** How many of the far side's batches were taken in: what may be acknowledged. */
  readonly taken: number
  /** A batch, before its acknowledgement is looked at. `number` counts from 1. May throw a violation. */
  onBatch(batch: Batch, number: number): void
  /** Some of ours arrived. */
  onArrival(rttMs: number): void
  /** Part of a batch came that is not whole yet. */
  onProgress(): void
  /** More can be sent. */
  onRoom(): void
  /** The far side will send no more, and all that it sent was read. */
  onRemoteCloseWrite(): void
  /** Something was sent or came: there may be nothing left to do. */
  onChange(): void
  /** Once; nothing comes after it. */
  onEnd(error: Error, reason: EndReason): void
}

/**
 * One end of a stream of batches: forms frames, takes them apart, counts and acknowledges them, and gives the stream up
 * where the far side breaks the protocol or lets it stall. What is sent and what becomes of what came is its owner's.
 */
export class BatchStream {
  readonly connection: Connection
  readonly peer: string
  readonly encoder = new BatchEncoder()
  /** What the far side says it takes. */
  maximumFrameBytes = INITIAL_FRAME_BYTES
  maximumRequests = INITIAL_REQUESTS
  /** Smoothed as in RFC 6298, section 2; undefined before the first sample. */
  srttMs: number | undefined
  readonly #stream: Stream
  readonly #environment: BatchingEnvironment
  readonly #handlers: BatchStreamHandlers
  readonly #decoder: BatchDecoder
  readonly #inFlight = new InFlight()
  readonly #receipts: Receipts
  readonly #stall: StallWatch
  /** Why nothing is read: its owner takes no more, or the downlink holds it up. */
  #full = false
  #held = false
  readonly #inlet: { class: TrafficClass } & PausableStream
  /** What came and has to wait. */
  readonly #unread: Bytes[] = []
  /** The far side sends no more, and the owner was not told yet: what came before may be unread still. */
  #remoteClosing = false
  /** Nothing more is sent from here. */
  #closed = false
  #ended: Error | undefined

  constructor (stream: Stream, connection: Connection, side: Side, environment: BatchingEnvironment, handlers: BatchStreamHandlers) {
    this.#stream = stream
    this.connection = connection
    this.peer = connection.remotePeer.toString()
    this.#environment = environment
    this.#handlers = handlers
    this.#receipts = new Receipts(environment, () => handlers.taken, () => this.#acknowledge())
    this.#inlet = { peer: this.peer, class: 'normal', pause: () => this.#hold(), resume: () => this.#letGo() }
    this.#stall = new StallWatch(environment, () => this.#onStall())
    const maximumBytes = side === 'responder' ? environment.settings.maximumFrameBytes : INITIAL_FRAME_BYTES
    this.#decoder = new BatchDecoder({ maximumFrameBytes: maximumBytes, maximumPlainBytes: maximumBytes, from: side === 'responder' ? 'initiator' : 'responder' })
    if (side === 'initiator') {
      // Replies were asked for, and a responder that is full sends them without waiting to hear of any.
      keepWindowUnread(stream)
    }
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    stream.addEventListener('close', this.#onClose)
    // Last, for a stream hands over what it has kept as soon as somebody listens.
    stream.addEventListener('message', this.#onMessage)
    if (hasClosedWrite(stream)) {
      // Its event is past; what it sent before is handed over first.
      queueMicrotask(this.#onRemoteCloseWrite)
    }
  }

  get usable (): boolean {
    return this.#ended === undefined && !this.#closed && this.#stream.status === 'open'
  }

  get writable (): boolean {
    return this.usable && !this.#stream.writableNeedsDrain
  }

  /** Nothing is read. */
  get paused (): boolean {
    return this.#full || this.#held
  }

  /** Its owner takes no more, so that acknowledgements are not read either: nothing may wait for them. */
  get full (): boolean {
    return this.#full
  }

  /** Bytes that were sent and not acknowledged. */
  get unacknowledgedBytes (): number {
    return this.#inFlight.bytes
  }

  /** Nothing sent is unacknowledged, and the far side knows of all that came. */
  get quiet (): boolean {
    return this.#inFlight.owed === 0 && this.#receipts.settled
  }

  /** Finishes what is in the encoder and sends it, with an acknowledgement of what came. */
  send (sender: BatchSender, codec: Codec, entries: readonly Outgoing[]): EncodedBatch {
    const encoded = this.encoder.finish({ codec, acknowledgement: this.#receipts.take() })
    this.#hand(encoded.frame, sender, entries)
    return encoded
  }

  /** Says what this side takes; the first thing that a responder sends. */
  sendSettings (): void {
    const { maximumFrameBytes, maximumRequests } = this.#environment.settings
    this.encoder.begin('normal')
    this.encoder.add({ kind: 'settings', maximumFrameBytes, maximumRequests })
    this.#hand(this.encoder.finish({ codec: 'none', acknowledgement: undefined }).frame)
  }

  /** What was taken in is acknowledged with the next batch, or alone after `delayMs`: 0 for the end of this burst. */
  acknowledgeWithin (delayMs: number): void {
    if (this.#ended === undefined) {
      this.#receipts.acknowledgeWithin(delayMs)
    }
  }

  /** Nothing more is read until `resume`. */
  pause (): void {
    if (!this.#full) {
      const { paused } = this
      this.#full = true
      this.#stopReading(paused)
      this.#watch()
      this.#handlers.onRoom()
    }
  }

  resume (): void {
    const { paused } = this
    this.#full = false
    this.#readOn(paused)
    this.#watch()
  }

  #hold (): void {
    const { paused } = this
    this.#held = true
    this.#stopReading(paused)
    this.#watch()
  }

  #letGo (): void {
    const { paused } = this
    this.#held = false
    this.#readOn(paused)
    this.#watch()
  }

  #stopReading (wasPaused: boolean): void {
    if (!wasPaused && this.#ended === undefined) {
      pauseReading(this.#stream)
    }
  }

  /** What came meanwhile first, of which some may be too much again. */
  #readOn (wasPaused: boolean): void {
    if (!wasPaused) {
      return
    }
    if (!this.paused) {
      this.#read()
    }
    while (!this.paused) {
      const data = this.#unread.shift()
      if (data === undefined) {
        break
      }
      this.#read(data)
    }
    if (!this.paused && this.#ended === undefined) {
      resumeReading(this.#stream)
    }
    this.#closeIfRead()
  }

  /** Ends it with a reset. */
  abort (error: Error, reason: EndReason): void {
    if (this.#end(error, reason)) {
      this.#stream.abort(error)
    }
  }

  /** Leaves the stream as it is to whoever it belongs to. */
  detach (error: Error): void {
    this.#end(error, 'closed')
  }

  /** The far side broke the protocol: everything that is under way on the stream is in doubt. */
  violate (error: TwinwireError): void {
    if (this.#ended === undefined) {
      this.#environment.counters.violations++
      this.#environment.record({ type: 'batching:violation', peer: this.peer, connection: this.connection.id, reason: error.message })
      this.abort(error, 'violation')
    }
  }

  /** Says what came, closes it for writing, and as soon as the far side has too, altogether. */
  close (): void {
    if (this.#closed) {
      return
    }
    if (!this.#receipts.settled && this.writable) {
      this.#sendAcknowledgement()
    }
    this.#closed = true
    this.#stream.close().catch((error: unknown) => {
      this.abort(error instanceof Error ? error : new Error(String(error)), 'closed')
    })
  }

  #hand (frame: Uint8Array, sender?: BatchSender, entries: readonly Outgoing[] = []): void {
    this.#inFlight.send(sender, frame.length, entries, this.#environment.clock.now())
    try {
      this.#stream.send(frame)
    } catch (error) {
      this.abort(error as Error, 'closed')
    }
    this.#watch()
  }

  /** Says what came, by itself; where there is no room, as soon as there is. */
  #acknowledge (): void {
    if (this.#receipts.due && this.writable) {
      this.#sendAcknowledgement()
      this.#handlers.onChange()
    }
  }

  #sendAcknowledgement (): void {
    this.encoder.begin('normal')
    this.#environment.counters.acknowledgementsSent++
    this.#hand(this.encoder.finish({ codec: 'none', acknowledgement: this.#receipts.take() }).frame)
  }

  /** While nothing is read, no acknowledgement can come. */
  #watch (): void {
    this.#stall.watch(this.#ended === undefined && ((this.#inFlight.owed > 0 && !this.paused) || this.#stream.writableNeedsDrain))
  }

  #onStall (): void {
    this.#environment.counters.stalls++
    this.abort(new TwinwireError('ERR_TIMEOUT', `nothing moved on the stream for ${this.#environment.settings.stallTimeoutMs} ms`), 'stalled')
  }

  readonly #onMessage = ({ data }: { readonly data: Bytes }): void => {
    this.#environment.observe({ kind: 'life', peer: this.peer, connection: this.connection.id, nowMs: this.#environment.clock.now() })
    if (this.#full || this.#unread.length > 0) {
      this.#unread.push(data)
    } else {
      this.#read(data)
    }
    if (this.#ended === undefined) {
      // Only now is it known of which class that was; what this holds up is what comes next.
      this.#environment.downlink.received(this.#inlet, this.#stream.protocol, data.byteLength)
    }
    this.#closeIfRead()
  }

  /**
   * What is left of what came before, and then this: in slices, and a batch at a time, so that what is decoded before a
   * pause takes effect is bounded whatever the muxer hands over at once.
   */
  #read (data: Bytes = NOTHING): void {
    try {
      this.#decode()
      for (let position = 0; position < data.byteLength && this.#ended === undefined; position += SLICE_BYTES) {
        if (this.#full) {
          this.#unread.unshift(data.subarray(position))
          return
        }
        // A list of bytes throws where it is asked for more than it has.
        this.#decoder.push(data.subarray(position, Math.min(data.byteLength, position + SLICE_BYTES)))
        this.#decode()
      }
      if (this.#ended === undefined) {
        if (data.byteLength > 0 && !this.#decoder.empty) {
          this.#handlers.onProgress()
        }
        this.#handlers.onChange()
      }
    } catch (error) {
      if (!(error instanceof TwinwireError)) {
        throw error
      }
      this.violate(error)
    }
  }

  #decode (): void {
    while (!this.#full && this.#ended === undefined) {
      const batch = this.#decoder.next()
      if (batch === undefined) {
        return
      }
      this.#onBatch(batch)
    }
  }

  #onBatch (batch: Batch): void {
    const [first] = batch.items
    if (first?.kind === 'settings') {
      this.maximumFrameBytes = first.maximumFrameBytes
      this.maximumRequests = first.maximumRequests
      this.#handlers.onRoom()
    }
    this.#inlet.class = batch.class
    this.#environment.counters.batchesReceived++
    this.#handlers.onBatch(batch, this.#receipts.receive(batch.items.length > 0))
    // After the items: a message that is refused was acknowledged with its batch all the same.
    if (batch.acknowledgement !== undefined && this.#ended === undefined) {
      this.#onAcknowledgement(batch.acknowledgement)
    }
  }

  #onAcknowledgement ({ batch, heldUs }: Acknowledgement): void {
    const { clock } = this.#environment
    const nowMs = clock.now()
    const arrived = this.#inFlight.acknowledge(batch, nowMs)
    if (arrived === undefined) {
      throw new TwinwireError('ERR_BATCH_INVALID', 'a batch was acknowledged that was not sent, or no longer', { found: String(batch) })
    }
    const last = arrived.at(-1)
    if (last === undefined) {
      return
    }
    this.#stall.progress()
    this.#watch()
    const rttMs = Math.max(0, nowMs - last.sentMs - heldUs / 1_000)
    this.srttMs = this.srttMs === undefined ? rttMs : this.srttMs + (rttMs - this.srttMs) / 8
    this.#environment.observe({ kind: 'round-trip', peer: this.peer, connection: this.connection.id, nowMs, rttMs })
    this.#handlers.onArrival(rttMs)
    this.#tellSenders(arrived, { nowMs, rttMs, ...this.#inFlight.rateOf(last) })
    this.#handlers.onRoom()
  }

  #tellSenders (arrived: readonly SentBatch[], sample: { readonly nowMs: number, readonly rttMs: number, readonly rateBitsPerSecond: number, readonly overMs: number }): void {
    for (const { entries } of arrived) {
      for (const entry of entries) {
        entry.onTaken?.()
      }
    }
    for (let i = 0; i < arrived.length;) {
      const { sender } = arrived[i]
      let batches = 0
      let wireBytes = 0
      for (; i < arrived.length && arrived[i].sender === sender; i++) {
        batches++
        wireBytes += arrived[i].wireBytes
      }
      sender?.onAcknowledged({ ...sample, batches, wireBytes })
    }
  }

  readonly #onDrain = (): void => {
    this.#stall.progress()
    this.#watch()
    this.#acknowledge()
    this.#handlers.onRoom()
  }

  readonly #onRemoteCloseWrite = (): void => {
    this.#remoteClosing = true
    this.#closeIfRead()
  }

  #closeIfRead (): void {
    if (!this.#remoteClosing || this.#ended !== undefined || this.paused || this.#unread.length > 0 || this.#stream.readBufferLength > 0) {
      return
    }
    this.#remoteClosing = false
    if (this.#decoder.empty) {
      this.#handlers.onRemoteCloseWrite()
    } else {
      this.abort(new TwinwireError('ERR_STREAM_CLOSED', 'the stream was closed in the middle of a batch'), 'closed')
    }
  }

  readonly #onClose = ({ error }: CloseEvent): void => {
    this.#end(error ?? new TwinwireError('ERR_STREAM_CLOSED', 'the stream was closed'), 'closed')
  }

  #end (error: Error, reason: EndReason): boolean {
    if (this.#ended !== undefined) {
      return false
    }
    this.#ended = error
    this.#stream.removeEventListener('drain', this.#onDrain)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    this.#stream.removeEventListener('close', this.#onClose)
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#receipts.stop()
    this.#inFlight.clear()
    this.#unread.length = 0
    this.#environment.downlink.closed(this.#inlet)
    this.#watch()
    this.#handlers.onEnd(error, reason)
    return true
  }
}

const NOTHING = new Uint8Array()

/** Read at a time. */
const SLICE_BYTES = 16 * 1024
