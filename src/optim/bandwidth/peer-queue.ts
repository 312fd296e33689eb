import { BinaryHeap, isEarlier } from '../../core/binary-heap.ts'
import { RESOLUTION_MS } from './gcra.ts'
import type { Timed } from '../../core/binary-heap.ts'
import type { Flow } from '../uplink.ts'
import type { Gcra } from './gcra.ts'
import type { PeerCaps } from './peer-caps.ts'

/**
 * The flows of one class, shared among peers by deficit round robin with FQ-CoDel's lists (RFC 8290, section 4.2): a peer
 * that had nothing waiting is new and goes first, for one quantum; then it is one of the old, who take turns of a quantum
 * each. A peer that runs dry while new passes through the old list, so that it cannot be new for ever. Flows of one peer
 * take turns within its turns.
 *
 * A peer that sent more than its deficit, because a message is larger, is passed over until it has paid.
 */
export class PeerQueue {
  readonly #quantumBytes: number
  readonly #caps: PeerCaps | undefined
  readonly #peers = new Map<string, PeerEntry>()
  readonly #new = new Set<PeerEntry>()
  readonly #old = new Set<PeerEntry>()
  readonly #heldUp = new BinaryHeap<HeldUp>(isEarlier)
  #sequence = 0
  #flows = 0

  constructor (quantumBytes: number, caps?: PeerCaps) {
    this.#quantumBytes = quantumBytes
    this.#caps = caps
  }

  /** Flows that wait. */
  get size (): number {
    return this.#flows
  }

  /** Peers with state; 0 where nothing waits. */
  get peers (): number {
    return this.#peers.size
  }

  has (peer: string): boolean {
    return this.#peers.has(peer)
  }

  * flows (): Generator<Flow> {
    for (const entry of this.#peers.values()) {
      yield * entry.flows
    }
  }

  add (flow: Flow): void {
    let entry = this.#peers.get(flow.peer)
    if (entry === undefined) {
      entry = { peer: flow.peer, flows: new Set(), deficitBytes: this.#quantumBytes, list: this.#new, cap: this.#caps?.claim(flow.peer) }
      this.#peers.set(flow.peer, entry)
      this.#new.add(entry)
    }
    if (!entry.flows.has(flow)) {
      entry.flows.add(flow)
      this.#flows++
    }
  }

  remove (flow: Flow): void {
    if (this.#peers.get(flow.peer)?.flows.delete(flow) === true) {
      this.#leave()
    }
  }

  next (nowMs: number): Flow | undefined {
    if (this.#flows === 0) {
      return undefined
    }
    this.#readmit(nowMs)
    for (let entry = this.#first(); entry !== undefined; entry = this.#first()) {
      if (entry.deficitBytes <= 0) {
        entry.deficitBytes += this.#quantumBytes
        this.#move(entry, this.#old)
      } else if (entry.flows.size === 0) {
        if (entry.list === this.#new && this.#old.size > 0) {
          this.#move(entry, this.#old)
        } else {
          this.#forget(entry)
        }
      } else {
        const delayMs = entry.cap?.delayMs(nowMs) ?? 0
        if (delayMs === 0) {
          const [flow] = entry.flows
          return flow
        }
        this.#move(entry, undefined)
        this.#heldUp.push({ entry, atMs: nowMs + delayMs, sequence: this.#sequence++ })
      }
    }
    return undefined
  }

  sent (flow: Flow, bytes: number, more: boolean, nowMs: number): void {
    const entry = this.#peers.get(flow.peer)
    if (entry === undefined) {
      return
    }
    entry.deficitBytes -= bytes
    entry.cap?.take(nowMs, bytes)
    if (entry.flows.delete(flow)) {
      if (more) {
        entry.flows.add(flow)
      } else {
        this.#leave()
      }
    }
  }

  /** How long until the first peer that its cap holds up may send; Infinity where there is none. */
  delayMs (nowMs: number): number {
    const { first } = this.#heldUp
    return first === undefined ? Infinity : Math.max(0, first.atMs - nowMs)
  }

  /** With nobody left to be fair to, nothing need be remembered. */
  #leave (): void {
    if (--this.#flows === 0) {
      for (const entry of this.#peers.values()) {
        this.#forget(entry)
      }
      this.#heldUp.clear()
    }
  }

  #forget (entry: PeerEntry): void {
    entry.list?.delete(entry)
    this.#peers.delete(entry.peer)
    if (entry.cap !== undefined) {
      this.#caps?.release(entry.peer)
    }
  }

  #move (entry: PeerEntry, list: Set<PeerEntry> | undefined): void {
    entry.list?.delete(entry)
    entry.list = list
    list?.add(entry)
  }

  #readmit (nowMs: number): void {
    for (let { first } = this.#heldUp; first !== undefined && first.atMs <= nowMs + RESOLUTION_MS; first = this.#heldUp.first) {
      this.#heldUp.pop()
      this.#move(first.entry, this.#old)
    }
  }

  #first (): PeerEntry | undefined {
    for (const entry of this.#new) {
      return entry
    }
    for (const entry of this.#old) {
      return entry
    }
    return undefined
  }
}

interface PeerEntry {
  readonly peer: string
  /** Those that wait, in order of their turns. */
  readonly flows: Set<Flow>
  /** What it may still send in this turn; negative where it sent more. */
  deficitBytes: number
  /** Undefined while its cap holds it up. */
  list: Set<PeerEntry> | undefined
  readonly cap: Gcra | undefined
}

interface HeldUp extends Timed {
  readonly entry: PeerEntry
}
