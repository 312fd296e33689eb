import { MAX_SACK_BLOCKS } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'

/** Intervals before the buffers grow. */
const INITIAL_CAPACITY = 8

/** What arrived out of order: disjoint intervals of sequence numbers, and which of them to report. */
export class Reassembly {
  /** Disjoint, ascending, with gaps between; allocated with the first. */
  #starts = EMPTY
  #ends = EMPTY
  #count = 0
  /** Pairs (start, end), that of the latest segment first (RFC 2018 section 4). */
  readonly #recent: number[] = []

  get empty (): boolean {
    return this.#count === 0
  }

  /** Adds [start, end), which lies beyond the next byte expected. */
  insert (start: number, end: number): void {
    // The intervals [first, past) overlap or touch the new one, and become one with it.
    let first = this.#count
    while (first > 0 && this.#ends[first - 1] >= start) {
      first--
    }
    let past = first
    while (past < this.#count && this.#starts[past] <= end) {
      past++
    }
    if (past > first) {
      start = Math.min(start, this.#starts[first])
      end = Math.max(end, this.#ends[past - 1])
    }
    this.#resize(first, past)
    this.#starts[first] = start
    this.#ends[first] = end
    this.#note(start, end)
  }

  /** Takes out what now is in order; returns the next byte expected after it. */
  advance (next: number): number {
    let taken = 0
    while (taken < this.#count && this.#starts[taken] <= next) {
      next = Math.max(next, this.#ends[taken])
      taken++
    }
    if (taken > 0) {
      this.#starts.copyWithin(0, taken, this.#count)
      this.#ends.copyWithin(0, taken, this.#count)
      this.#count -= taken
      this.#forgetUpTo(next)
    }
    return next
  }

  /** Whether all of [start, end) arrived before. */
  covers (start: number, end: number): boolean {
    for (let i = this.#count - 1; i >= 0 && this.#ends[i] >= end; i--) {
      if (this.#starts[i] <= start) {
        return true
      }
    }
    return false
  }

  /** How many blocks would be reported before the one that [start, end) belongs to: all, where it begins a new one. */
  blocksBefore (start: number, end: number): number {
    const recent = this.#recent
    let i = 0
    while (i < recent.length && (start > recent[i + 1] || end < recent[i])) {
      i += 2
    }
    return i / 2
  }

  /** Writes the SACK blocks of an acknowledgement; [start, end) first, what came twice, where it is not empty (RFC 2883). */
  report (packets: Packets, id: PacketId, start: number, end: number): void {
    const blocks = packets.sackBlocks
    let next = id * 2 * MAX_SACK_BLOCKS
    const past = next + 2 * MAX_SACK_BLOCKS
    if (start < end) {
      blocks[next++] = start
      blocks[next++] = end
    }
    for (let i = 0; i < this.#recent.length && next < past; i++) {
      blocks[next++] = this.#recent[i]
    }
    packets.sackCount[id] = (next - id * 2 * MAX_SACK_BLOCKS) / 2
  }

  /** Replaces the intervals [first, past) by room for one. */
  #resize (first: number, past: number): void {
    if (this.#count === this.#starts.length && past === first) {
      this.#starts = grown(this.#starts)
      this.#ends = grown(this.#ends)
    }
    this.#starts.copyWithin(first + 1, past, this.#count)
    this.#ends.copyWithin(first + 1, past, this.#count)
    this.#count += 1 - (past - first)
  }

  /** Puts an interval first, in place of those that it took in. */
  #note (start: number, end: number): void {
    const recent = this.#recent
    let kept = 0
    for (let i = 0; i < recent.length; i += 2) {
      if (recent[i] < start || recent[i + 1] > end) {
        recent[kept++] = recent[i]
        recent[kept++] = recent[i + 1]
      }
    }
    const length = Math.min(kept, 2 * (MAX_SACK_BLOCKS - 1)) + 2
    recent.length = length
    recent.copyWithin(2, 0, length - 2)
    recent[0] = start
    recent[1] = end
  }

  #forgetUpTo (next: number): void {
    const recent = this.#recent
    let kept = 0
    for (let i = 0; i < recent.length; i += 2) {
      if (recent[i + 1] > next) {
        recent[kept++] = recent[i]
        recent[kept++] = recent[i + 1]
      }
    }
    recent.length = kept
  }
}

const EMPTY = new Float64Array(0)

function grown (from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(Math.max(INITIAL_CAPACITY, 2 * from.length))
  to.set(from)
  return to
}
