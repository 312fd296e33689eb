import { TwinwireError } from '../../core/errors.ts'
import { InFlight } from './in-flight.ts'
import { INITIAL_REQUESTS } from './protocol.ts'
import { BatchDecoder } from './wire/batch-decoder.ts'
import { BatchEncoder } from './wire/batch-encoder.ts'
import { INITIAL_FRAME_BYTES } from './wire/format.ts'
import type { Timer } from '../../core/clock.ts'
import type { Bytes, CloseEvent, Connection, Stream } from '../port.ts'
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
  /** The far side will send no more. */
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
  /** Of the far side's batches: how many came, the last with items among them, and the last that it knows we have. */
  #received = 0
  #receivedItems = 0
  #acknowledged = 0
  #receivedMs = 0
  #acknowledgement: Timer | undefined
  #acknowledgementDue = false
  #paused = false
  /** What came and has to wait. */
  readonly #unread: Bytes[] = []
  #stall: Timer | undefined
  #progressMs = 0
  #ended: Error | undefined

  constructor (stream: Stream, connection: Connection, side: Side, environment: BatchingEnvironment, handlers: BatchStreamHandlers) {
    this.#stream = stream
    this.connection = connection
    this.peer = connection.remotePeer.toString()
    this.#environment = environment
    this.#handlers = handlers
    const maximumBytes = side === 'responder' ? environment.settings.maximumFrameBytes : INITIAL_FRAME_BYTES
    this.#decoder = new BatchDecoder({ maximumFrameBytes: maximumBytes, maximumPlainBytes: maximumBytes, from: side === 'responder' ? 'initiator' : 'responder' })
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    stream.addEventListener('close', this.#onClose)
    // Last, for a stream hands over what it has kept as soon as somebody listens.
    stream.addEventListener('message', this.#onMessage)
  }

  get usable (): boolean {
    return this.#ended === undefined && this.#stream.status === 'open'
  }

  get writable (): boolean {
    return this.usable && !this.#stream.writableNeedsDrain
  }

  /** Nothing is read. */
  get paused (): boolean {
    return this.#paused
  }

  /** Nothing sent is unacknowledged, and the far side knows of all that came. */
  get quiet (): boolean {
    return this.#inFlight.owed === 0 && this.#acknowledged >= this.#receivedItems
  }

  /** Finishes what is in the encoder and sends it, with an acknowledgement of what came. */
  send (sender: BatchSender, codec: Codec, entries: readonly Outgoing[]): EncodedBatch {
    const encoded = this.encoder.finish({ codec, acknowledgement: this.#takeAcknowledgement() })
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
    if (!this.#acknowledgementOwed) {
      return
    }
    if (delayMs === 0) {
      this.#acknowledgement?.cancel()
      this.#acknowledgement = undefined
      queueMicrotask(this.#acknowledgeNow)
    } else {
      this.#acknowledgement ??= this.#environment.deadlines.after(delayMs, this.#acknowledgeNow)
    }
  }

  /** Nothing more is read until `resume`. */
  pause (): void {
    if (!this.#paused) {
      this.#paused = true
      this.#stream.pause()
    }
  }

  resume (): void {
    if (!this.#paused) {
      return
    }
    this.#paused = false
    while (!this.#paused) {
      const data = this.#unread.shift()
      if (data === undefined) {
        break
      }
      this.#read(data)
    }
    if (!this.#paused && this.#ended === undefined) {
      this.#stream.resume()
    }
  }

  /** Sees to it that somebody looks when the far side owes something, and nothing moves. */
  #watch (): void {
    if (this.#ended !== undefined || !(this.#inFlight.owed > 0 || this.#stream.writableNeedsDrain)) {
      this.#stall?.cancel()
      this.#stall = undefined
    } else if (this.#stall === undefined) {
      this.#progressMs = this.#environment.clock.now()
      this.#waitForProgress(this.#environment.settings.stallTimeoutMs)
    }
  }

  #progress (): void {
    this.#progressMs = this.#environment.clock.now()
    this.#watch()
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

  /** Closes it for writing, and as soon as the far side has too, altogether. */
  close (): void {
    this.#stream.close().catch((error: unknown) => {
      this.abort(error instanceof Error ? error : new Error(String(error)), 'closed')
    })
  }

  /** Something with items came since the far side was last told what has come, and can be acknowledged. */
  get #acknowledgementOwed (): boolean {
    return this.#acknowledged < Math.min(this.#handlers.taken, this.#receivedItems) && this.#ended === undefined
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

  #takeAcknowledgement (): Acknowledgement | undefined {
    const { taken } = this.#handlers
    if (taken === this.#acknowledged) {
      return undefined
    }
    this.#acknowledged = taken
    this.#acknowledgementDue = false
    this.#acknowledgement?.cancel()
    this.#acknowledgement = undefined
    return { batch: taken, heldUs: Math.round((this.#environment.clock.now() - this.#receivedMs) * 1_000) }
  }

  readonly #acknowledgeNow = (): void => {
    this.#acknowledgement = undefined
    if (!this.#acknowledgementOwed) {
      return
    }
    this.#acknowledgementDue = true
    if (this.writable) {
      this.encoder.begin('normal')
      this.#environment.counters.acknowledgementsSent++
      this.#hand(this.encoder.finish({ codec: 'none', acknowledgement: this.#takeAcknowledgement() }).frame)
      this.#handlers.onChange()
    }
  }

  readonly #onMessage = ({ data }: { readonly data: Bytes }): void => {
    this.#environment.observe({ kind: 'life', peer: this.peer, connection: this.connection.id, nowMs: this.#environment.clock.now() })
    if (this.#paused) {
      this.#unread.push(data)
    } else {
      this.#read(data)
    }
  }

  /** In slices, so that what is read before a pause takes effect is bounded whatever the muxer hands over at once. */
  #read (data: Bytes): void {
    try {
      for (let position = 0; position < data.byteLength && this.#ended === undefined; position += SLICE_BYTES) {
        if (this.#paused) {
          this.#unread.unshift(data.subarray(position))
          return
        }
        // A list of bytes throws where it is asked for more than it has.
        const batches = this.#decoder.push(data.subarray(position, Math.min(data.byteLength, position + SLICE_BYTES)))
        for (const batch of batches) {
          this.#onBatch(batch)
        }
      }
      if (this.#ended === undefined) {
        if (!this.#decoder.empty) {
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

  #onBatch (batch: Batch): void {
    if (this.#ended !== undefined) {
      return
    }
    const [first] = batch.items
    if (first?.kind === 'settings') {
      this.maximumFrameBytes = first.maximumFrameBytes
      this.maximumRequests = first.maximumRequests
      this.#handlers.onRoom()
    }
    this.#environment.counters.batchesReceived++
    this.#receivedMs = this.#environment.clock.now()
    this.#received++
    if (batch.items.length > 0) {
      this.#receivedItems = this.#received
    }
    this.#handlers.onBatch(batch, this.#received)
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
    this.#progressMs = nowMs
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

  #waitForProgress (delayMs: number): void {
    const { clock, deadlines, settings, counters } = this.#environment
    this.#stall = deadlines.after(delayMs, () => {
      this.#stall = undefined
      const leftMs = this.#progressMs + settings.stallTimeoutMs - clock.now()
      // Rounding may leave a rest that is no time at all.
      if (leftMs > 0.001) {
        this.#waitForProgress(leftMs)
      } else {
        counters.stalls++
        this.abort(new TwinwireError('ERR_TIMEOUT', `nothing moved on the stream for ${settings.stallTimeoutMs} ms`), 'stalled')
      }
    })
  }

  readonly #onDrain = (): void => {
    this.#progress()
    if (this.#acknowledgementDue) {
      this.#acknowledgeNow()
    }
    this.#handlers.onRoom()
  }

  readonly #onRemoteCloseWrite = (): void => {
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
    this.#acknowledgement?.cancel()
    this.#inFlight.clear()
    this.#unread.length = 0
    this.#watch()
    this.#handlers.onEnd(error, reason)
    return true
  }
}

/** Read at a time. */
const SLICE_BYTES = 16 * 1024
