import { TwinwireError } from '../../core/errors.ts'
import { BatchFlow } from './batch-flow.ts'
import { Cancel, Delivery } from './delivery.ts'
import { OutboundStream } from './outbound-stream.ts'
import type { Connection, PeerId } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { EndReason } from './batch-stream.ts'
import type { DeliveryOwner, DeliveryQuestion } from './delivery.ts'
import type { FlowOwner } from './batch-flow.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { BatchLease, LeaseHolder } from './outbound-stream.ts'
import type { Outgoing } from './outgoing-queue.ts'

/** Has a stream of the batch protocol to a peer: kept, or opened. Rejects with ERR_UNSUPPORTED_PROTOCOL where the peer has none. */
export type AcquireLease = (peer: PeerId, options: { readonly signal: AbortSignal, readonly onOpening: (connection: Connection) => void }) => Promise<BatchLease>

export interface ChannelComponents {
  readonly environment: BatchingEnvironment
  readonly acquire: AcquireLease
  /** A stream was had, or could not be. */
  onAcquired(error: unknown): void
  /** Nothing waits, and nothing is under way. */
  onIdle(): void
}

/**
 * One class of what goes to one peer: its flow, and the stream that this is sent on, which it holds while there is
 * something to say and gives back after that. A stream that let an attempt wait too long for its acknowledgement is
 * left, whether or not the attempt is still waited for, and so is one whose connection another takes the place of: what is
 * under way there is waited for, and all else goes on another.
 */
export class Channel implements FlowOwner, DeliveryOwner, LeaseHolder {
  readonly #peer: PeerId
  readonly #components: ChannelComponents
  readonly #flow: BatchFlow
  #acquiring: AbortController | undefined
  #current: OutboundStream | undefined
  readonly #retired = new Set<OutboundStream>()
  /** Streams in a row that ended before anything had arrived. */
  #barren = 0

  constructor (peer: PeerId, trafficClass: TrafficClass, components: ChannelComponents) {
    this.#peer = peer
    this.#components = components
    this.#flow = new BatchFlow(peer.toString(), trafficClass, components.environment, this)
  }

  get idle (): boolean {
    return this.#flow.empty && this.#current === undefined && this.#retired.size === 0
  }

  /** Streams held. */
  get streams (): number {
    return this.#retired.size + (this.#current === undefined ? 0 : 1)
  }

  send (question: DeliveryQuestion): Delivery {
    const delivery = new Delivery(question, this)
    // Queueing is our own doing.
    delivery.hooks.connecting?.()
    this.#flow.enqueue(delivery)
    // Where nothing arrives any more and the window is full, nothing else would tell.
    this.#leaveIfRetired()
    return delivery
  }

  async flush (): Promise<void> {
    await this.#flow.flush()
  }

  /** What waits and what is under way fails with `error`. */
  stop (error: Error): void {
    this.#acquiring?.abort(error)
    this.#acquiring = undefined
    this.#flow.end(error)
    for (const stream of [...this.#retired, ...this.#current === undefined ? [] : [this.#current]]) {
      if (stream.idle) {
        this.onIdle(stream)
      } else {
        stream.batches.abort(error, 'stopped')
      }
    }
  }

  /** The flow is given up; there must be nothing in it. */
  end (): void {
    this.#flow.end(new Error('the channel has ended'))
  }

  onWanted (): void {
    if (this.#acquiring === undefined && this.#current === undefined) {
      void this.#acquire()
    }
  }

  admits (entry: Outgoing): boolean {
    return !(entry instanceof Delivery) || !entry.isRequest || this.#current?.takesRequests === true
  }

  onSending (): void {
    this.#leaveIfRetired()
  }

  onSent (delivery: Delivery): OutboundStream {
    if (this.#current === undefined) {
      throw new Error('sent on no stream')
    }
    this.#current.add(delivery)
    return this.#current
  }

  onAborted (delivery: Delivery, reason: unknown): void {
    const { stream } = delivery
    if (stream === undefined) {
      this.#flow.remove(delivery)
      if (this.#flow.empty) {
        this.#acquiring?.abort(reason)
        this.#acquiring = undefined
        this.#onQuiet()
      }
      return
    }
    const overdue = reason instanceof TwinwireError && reason.code === 'ERR_TIMEOUT'
    if (stream === this.#current) {
      if (overdue && !delivery.taken) {
        this.onOverdue(stream)
      } else if (!overdue || stream.crowded) {
        // One that is overdue is tried again, and the far side had better finish what it has begun.
        for (const cancelled of stream.cancel(delivery.id, delivery.attempt)) {
          this.#flow.enqueueFirst(new Cancel(cancelled, () => this.#current))
        }
      }
    }
    stream.abandon(delivery)
  }

  onIdle (stream: OutboundStream): void {
    if (stream === this.#current ? this.#flow.empty : this.#retired.delete(stream)) {
      if (stream === this.#current) {
        this.#current = undefined
        this.#flow.detach()
      }
      stream.release()
      this.#record(stream, 'released')
      this.#onQuiet()
    }
  }

  onRoom (stream: OutboundStream): void {
    if (stream === this.#current) {
      this.#flow.onRoom()
    }
  }

  onArrival (stream: OutboundStream): void {
    if (stream === this.#current) {
      this.#barren = 0
      if (stream.retired) {
        this.#leave(stream)
      }
    }
  }

  onOverdue (stream: OutboundStream): void {
    stream.suspect()
    if (stream === this.#current) {
      this.#leave(stream)
    }
  }

  onEnd (stream: OutboundStream, error: Error, reason: EndReason): void {
    this.#record(stream, reason)
    this.#retired.delete(stream)
    if (stream === this.#current) {
      this.#current = undefined
      this.#flow.detach()
      this.#onBarren(error)
    }
    this.#onQuiet()
  }

  /** A stream ended. What waits goes on the next, unless that has been tried in vain. */
  #onBarren (error: Error): void {
    if (++this.#barren > MAXIMUM_BARREN) {
      this.#barren = 0
      this.#flow.fail(new TwinwireError('ERR_CONNECTION_RESET', `${MAXIMUM_BARREN + 1} streams in a row ended before anything arrived`, { cause: error }))
    } else if (!this.#flow.empty) {
      this.onWanted()
    }
  }

  /** What waits, and all that follows, goes on another stream; what is under way on this one is waited for. */
  #leave (stream: OutboundStream): void {
    // Of those that are left behind only so many: the first is the most overdue.
    if (this.#retired.size >= MAXIMUM_RETIRED) {
      const [oldest] = this.#retired
      oldest.batches.abort(new TwinwireError('ERR_TIMEOUT', 'nothing moved on the stream while others were left as well'), 'stalled')
    }
    this.#retired.add(stream)
    this.#current = undefined
    this.#flow.detach()
    this.#record(stream, 'retired')
    if (!this.#flow.empty) {
      this.onWanted()
    }
  }

  #leaveIfRetired (): void {
    const stream = this.#current
    if (stream?.retired === true) {
      this.#leave(stream)
      if (stream.idle) {
        this.onIdle(stream)
      }
    }
  }

  async #acquire (): Promise<void> {
    const controller = new AbortController()
    this.#acquiring = controller
    const onOpening = (connection: Connection): void => {
      for (const entry of this.#flow.waiting) {
        if (entry instanceof Delivery) {
          entry.hooks.opening?.(connection)
        }
      }
    }
    let lease: BatchLease
    try {
      lease = await this.#components.acquire(this.#peer, { signal: controller.signal, onOpening })
    } catch (error) {
      if (this.#acquiring === controller) {
        this.#acquiring = undefined
        this.#components.onAcquired(error)
        this.#flow.fail(error instanceof Error ? error : new Error(String(error)))
        this.#onQuiet()
      }
      return
    }
    if (this.#acquiring !== controller) {
      lease.release()
      return
    }
    this.#acquiring = undefined
    this.#components.onAcquired(undefined)
    this.#use(lease)
  }

  #use (lease: BatchLease): void {
    const { environment } = this.#components
    const stream = OutboundStream.of(lease.stream, lease.connection, environment)
    if (!stream.batches.usable) {
      const error = new TwinwireError('ERR_STREAM_CLOSED', 'the kept stream has ended')
      lease.discard(error)
      this.#onBarren(error)
      return
    }
    stream.lease(lease, this)
    environment.record({ type: 'batching:stream', peer: this.#peer.toString(), connection: lease.connection.id, reason: 'leased' })
    this.#current = stream
    this.#flow.attach(stream.batches)
  }

  #record (stream: OutboundStream, reason: EndReason | 'released' | 'retired'): void {
    this.#components.environment.record({ type: 'batching:end', peer: this.#peer.toString(), connection: stream.batches.connection.id, reason })
  }

  #onQuiet (): void {
    if (this.idle) {
      this.#components.onIdle()
    }
  }
}

/** Streams in a row that may end before anything arrived, as a pool's streams may all be of a connection that is gone. */
const MAXIMUM_BARREN = 2

/** Streams of one class of one peer that are left but not over: each took an attempt timeout. */
const MAXIMUM_RETIRED = 2
