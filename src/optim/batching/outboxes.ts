import { Budget } from './budget.ts'
import { Channel } from './channel.ts'
import type { NetworkNode, PeerId } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { AcquireLease } from './channel.ts'
import type { BatchingEnvironment } from './environment.ts'

export interface OutboxCallbacks {
  /** A stream to the peer was had, or could not be. */
  onAcquired(peer: string, error: unknown): void
  /** Nothing waits for a peer, and nothing is under way to it. */
  onIdle(): void
}

/** What goes to each peer: a channel for each class, and room for what waits. */
export class Outboxes {
  readonly #node: NetworkNode
  readonly #environment: BatchingEnvironment
  readonly #acquire: AcquireLease
  readonly #callbacks: OutboxCallbacks
  readonly #budget: Budget
  readonly #peers = new Map<string, Outbox>()

  constructor (node: NetworkNode, environment: BatchingEnvironment, acquire: AcquireLease, callbacks: OutboxCallbacks) {
    const { maximumQueuedMessages, maximumQueuedBytes } = environment.settings
    this.#node = node
    this.#environment = environment
    this.#acquire = acquire
    this.#callbacks = callbacks
    this.#budget = new Budget(maximumQueuedMessages, maximumQueuedBytes)
  }

  get levels (): { readonly queuedMessages: number, readonly queuedBytes: number, readonly peers: number, readonly streams: number } {
    const streams = this.channels().reduce((sum, { streams }) => sum + streams, 0)
    return { queuedMessages: this.#budget.messages, queuedBytes: this.#budget.bytes, peers: this.#peers.size, streams }
  }

  /** Nothing waits, and nothing is under way. */
  get idle (): boolean {
    return this.channels().every(({ idle }) => idle)
  }

  /** Those of one peer, or all. */
  channels (peer?: string): Channel[] {
    const outboxes = peer === undefined ? [...this.#peers.values()] : [this.#peers.get(peer)]
    return outboxes.flatMap(outbox => [...outbox?.channels.values() ?? []])
  }

  obtain (peer: PeerId, trafficClass: TrafficClass): { readonly channel: Channel, readonly budget: Budget } {
    const { channels, budget } = this.#outboxOf(peer)
    let channel = channels.get(trafficClass)
    if (channel === undefined) {
      const id = peer.toString()
      channel = new Channel(peer, trafficClass, {
        environment: this.#environment,
        acquire: this.#acquire,
        onAcquired: error => this.#callbacks.onAcquired(id, error),
        onIdle: () => {
          this.forgetIfGone(id)
          this.#callbacks.onIdle()
        }
      })
      channels.set(trafficClass, channel)
    }
    return { channel, budget }
  }

  /** A peer that is connected is remembered, with what its windows have learnt. */
  forgetIfGone (peer: string): void {
    const outbox = this.#peers.get(peer)
    const channels = this.channels(peer)
    if (outbox !== undefined && channels.every(({ idle }) => idle) && this.#node.getConnections(outbox.peer).length === 0) {
      this.#peers.delete(peer)
      for (const channel of channels) {
        channel.end()
      }
    }
  }

  /** What waits and what is under way fails with `error`. */
  stop (error: Error): void {
    for (const channel of this.channels()) {
      channel.stop(error)
    }
    this.#peers.clear()
  }

  #outboxOf (peer: PeerId): Outbox {
    const id = peer.toString()
    let outbox = this.#peers.get(id)
    if (outbox === undefined) {
      const { maximumQueuedMessagesPerPeer, maximumQueuedBytesPerPeer } = this.#environment.settings
      outbox = { peer, budget: new Budget(maximumQueuedMessagesPerPeer, maximumQueuedBytesPerPeer, this.#budget), channels: new Map() }
      this.#peers.set(id, outbox)
    }
    return outbox
  }
}

/** What goes to one peer. */
interface Outbox {
  readonly peer: PeerId
  readonly budget: Budget
  readonly channels: Map<TrafficClass, Channel>
}
