import type { Flow } from '../uplink.ts'
import type { Discipline } from './discipline.ts'

/**
 * First come, first served, whatever the class: what a plain token bucket does, and a baseline to measure others against.
 * Each time that a flow says it is ready, what it has beyond what it queued for before takes a place at the end.
 */
export class Fifo implements Discipline {
  readonly #places = new Set<Place>()
  /** Bytes for which each flow has places. */
  readonly #placedBytes = new Map<Flow, number>()

  add (flow: Flow): void {
    const placedBytes = this.#placedBytes.get(flow) ?? 0
    const bytes = flow.backlogBytes - placedBytes
    if (bytes > 0) {
      this.#places.add({ flow, bytes })
      this.#placedBytes.set(flow, placedBytes + bytes)
    }
  }

  remove (flow: Flow): void {
    if (this.#placedBytes.delete(flow)) {
      for (const place of this.#places) {
        if (place.flow === flow) {
          this.#places.delete(place)
        }
      }
    }
  }

  next (): Flow | undefined {
    for (const { flow } of this.#places) {
      return flow
    }
    return undefined
  }

  sent (flow: Flow, bytes: number, more: boolean): void {
    if (!more) {
      this.remove(flow)
      return
    }
    const placedBytes = this.#placedBytes.get(flow)
    if (placedBytes === undefined) {
      return
    }
    this.#placedBytes.set(flow, Math.max(0, placedBytes - bytes))
    let leftBytes = bytes
    for (const place of this.#places) {
      if (place.flow === flow) {
        const usedBytes = Math.min(place.bytes, leftBytes)
        place.bytes -= usedBytes
        leftBytes -= usedBytes
        if (place.bytes > 0) {
          break
        }
        this.#places.delete(place)
        if (leftBytes === 0) {
          break
        }
      }
    }
    // What came without a word queues from now on.
    this.add(flow)
  }

  delayMs (): number {
    return Infinity
  }

  share (flow: Flow): number {
    return 1 / (this.#placedBytes.size + (this.#placedBytes.has(flow) ? 0 : 1))
  }

  flows (): Iterable<Flow> {
    return this.#placedBytes.keys()
  }
}

interface Place {
  readonly flow: Flow
  bytes: number
}
