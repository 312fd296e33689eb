import { markCongestion } from './packets.ts'
import type { PacketId, Packets } from './packets.ts'
import { CoDelControl } from './queue-codel.ts'
import type { CoDelSource } from './queue-codel.ts'
import { PacketFifo } from './queue-fifo.ts'
import { NO_PACKET } from './queue.ts'
import type { FqCoDelOptions, QueueDiscipline, QueueSink } from './queue.ts'

/** At an overflow half of the fattest flow goes, but no more packets than this (RFC 8290 section 5.2.2 leaves it open; Linux's). */
const OVERFLOW_BATCH = 64

/** What all flows of one queue share. */
interface Shared {
  readonly packets: Packets
  readonly sink: QueueSink
  readonly ecn: boolean
  waiting: number
  bytes: number
  marked: number
}

/**
 * FQ-CoDel, RFC 8290: packets are hashed to flow queues, which take turns by deficit round robin; a flow that has just
 * become active goes before those that have had a turn; each queue is under CoDel.
 *
 * A flow is (source, destination, connection), hashed with a salt of the link's own, so that two flows may share a queue,
 * as they may in the RFC.
 */
export class FqCoDelQueue implements QueueDiscipline {
  readonly #flowCount: number
  readonly #quantumBytes: number
  readonly #limitPackets: number
  readonly #targetNs: number | undefined
  readonly #intervalNs: number | undefined
  readonly #salt: number
  readonly #shared: Shared
  readonly #flows: Array<Flow | undefined>
  readonly #new = new FlowList()
  readonly #old = new FlowList()

  /** @param salt 32 bits */
  constructor (options: FqCoDelOptions, packets: Packets, sink: QueueSink, salt: number) {
    this.#flowCount = options.flows ?? 1024
    this.#quantumBytes = options.quantumBytes ?? 1514
    this.#limitPackets = options.limitPackets ?? 10_240
    this.#targetNs = options.targetNs
    this.#intervalNs = options.intervalNs
    this.#salt = salt
    this.#shared = { packets, sink, ecn: options.ecn ?? true, waiting: 0, bytes: 0, marked: 0 }
    this.#flows = Array.from({ length: this.#flowCount }, () => undefined)
  }

  get packets (): number {
    return this.#shared.waiting
  }

  get bytes (): number {
    return this.#shared.bytes
  }

  get marked (): number {
    return this.#shared.marked
  }

  enqueue (packet: PacketId, nowNs: number, busy: boolean): void {
    const flow = this.#flowOf(packet)
    flow.add(packet, nowNs)
    if (!flow.active) {
      flow.active = true
      flow.deficit = this.#quantumBytes
      this.#new.push(flow)
    }
    if (busy && this.#shared.waiting > this.#limitPackets) {
      this.#dropFromFattest()
    }
  }

  dequeue (nowNs: number): PacketId {
    for (;;) {
      const list = this.#new.first === undefined ? this.#old : this.#new
      const flow = list.first
      if (flow === undefined) {
        return NO_PACKET
      }
      if (flow.deficit <= 0) {
        flow.deficit += this.#quantumBytes
        list.shift()
        this.#old.push(flow)
        continue
      }
      const packet = flow.control.dequeue(flow, nowNs)
      if (packet !== NO_PACKET) {
        flow.deficit -= this.#shared.packets.size[packet]
        return packet
      }
      list.shift()
      // An emptied new flow waits for its turn among the old ones, lest it starve them by coming back at once (section 4.2).
      if (list === this.#new && this.#old.first !== undefined) {
        this.#old.push(flow)
      } else {
        flow.active = false
      }
    }
  }

  flush (): void {
    for (const flow of this.#flows) {
      flow?.flush()
    }
  }

  #flowOf (packet: PacketId): Flow {
    const { source, destination, connection } = this.#shared.packets
    const hash = mix(mix(mix(this.#salt, source[packet]), destination[packet]), connection[packet])
    const bucket = hash % this.#flowCount
    return this.#flows[bucket] ??= new Flow(this.#shared, new CoDelControl(this.#targetNs, this.#intervalNs))
  }

  #dropFromFattest (): void {
    let fattest: Flow | undefined
    for (const flow of this.#flows) {
      if (flow !== undefined && (fattest === undefined || flow.bytes > fattest.bytes)) {
        fattest = flow
      }
    }
    if (fattest === undefined) {
      return
    }
    const half = fattest.bytes / 2
    let dropped = 0
    do {
      fattest.drop(fattest.take())
      dropped++
    } while (dropped < OVERFLOW_BATCH && fattest.bytes > half)
    // CoDel is to signal more strongly too.
    fattest.control.count += dropped
  }
}

class Flow implements CoDelSource {
  readonly control: CoDelControl
  bytes = 0
  deficit = 0
  /** On one of the two lists. */
  active = false
  next: Flow | undefined

  readonly #shared: Shared
  readonly #fifo = new PacketFifo()

  constructor (shared: Shared, control: CoDelControl) {
    this.#shared = shared
    this.control = control
  }

  get takenSinceNs (): number {
    return this.#fifo.shiftedSinceNs
  }

  /** Of all flows, as Linux has it: a flow of one packet is still part of a queue that stands. */
  get backlogBytes (): number {
    return this.#shared.bytes
  }

  add (packet: PacketId, nowNs: number): void {
    const size = this.#shared.packets.size[packet]
    this.bytes += size
    this.#shared.bytes += size
    this.#shared.waiting++
    this.#fifo.push(packet, nowNs)
  }

  take (): PacketId {
    const packet = this.#fifo.shift()
    if (packet !== NO_PACKET) {
      const size = this.#shared.packets.size[packet]
      this.bytes -= size
      this.#shared.bytes -= size
      this.#shared.waiting--
    }
    return packet
  }

  drop (packet: PacketId): void {
    this.#shared.sink.drop(packet)
  }

  mark (packet: PacketId): boolean {
    if (!this.#shared.ecn || !markCongestion(this.#shared.packets, packet)) {
      return false
    }
    this.#shared.marked++
    return true
  }

  flush (): void {
    for (let packet = this.take(); packet !== NO_PACKET; packet = this.take()) {
      this.drop(packet)
    }
  }
}

/** Flows in the order of their turns; a flow is on one list at most. */
class FlowList {
  first: Flow | undefined
  #last: Flow | undefined

  push (flow: Flow): void {
    flow.next = undefined
    if (this.first === undefined || this.#last === undefined) {
      this.first = flow
    } else {
      this.#last.next = flow
    }
    this.#last = flow
  }

  /** There must be one. */
  shift (): void {
    const flow = this.first
    this.first = flow?.next
  }
}

/** A round of MurmurHash3's 32-bit mixing, unsigned. */
function mix (hash: number, value: number): number {
  let h = Math.imul(hash ^ value, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
