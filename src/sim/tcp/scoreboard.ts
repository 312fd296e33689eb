import { MAX_SACK_BLOCKS } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'
import { CopyRing } from './copy-ring.ts'
import type { DeliveryRate } from './delivery-rate.ts'

/** RFC 5681's and RFC 6675's DupThresh: so many segments arrived beyond a hole make the hole a loss. */
const DUPLICATE_THRESHOLD = 3

/** A power of two: most connections of a large run never need more. */
export const INITIAL_CAPACITY = 16

const SACKED = 1
const LOST = 2
/** A copy sent again is taken to be in flight. Only with LOST. */
const RETRANSMITTED = 4
const FIN = 8
/** Sent more than once: what arrives may be any of the copies. */
const COPIED = 16
const KEPT = FIN | COPIED

const NONE = -1
/** In place of when something was sent. */
const NONE_WAITS = -1

/**
 * The segments sent and not cumulatively acknowledged, in order, and what is known of each: arrived (SACK), lost, sent
 * again. From these come the bytes in flight (RFC 6675's pipe) and the next segment to retransmit.
 *
 * What arrived is also timed: RACK (RFC 8985) needs the latest of the segments that arrived, the controller their round trip.
 *
 * A segment has a number, one higher than the one before it; its slot in the ring is that number modulo the capacity.
 * Bytes here are of sequence space: a FIN counts one.
 */
export class Scoreboard {
  /** Bytes sent and not cumulatively acknowledged. */
  outstandingBytes = 0
  /** Of those, arrived out of order. */
  sackedBytes = 0
  /** Of those, taken for lost, sent again or not. */
  lostBytes = 0
  /** Of the lost, sent again. */
  retransmittedBytes = 0
  sackedSegments = 0
  lostSegments = 0
  retransmittedSegments = 0

  /** What the latest acknowledgement brought, and what was taken for lost since. */
  deliveredSegments = 0
  foundLostSegments = 0
  /** Of what the latest acknowledgement brought: when its last and its first segment was sent, neither of them copies; or -1. */
  lastSentNs = -1
  firstSentNs = -1
  /** It brought a copy, or a segment sent once only that ends at `originalsUpTo` or before. */
  copyDelivered = false
  originalDelivered = false
  originalsUpTo = 0
  /** Something arrived later than what was sent after it. */
  reorderingSeen = false
  /** RFC 8985's RACK.xmit_ts, RACK.end_seq and RACK.rtt; -1 before the first. */
  newestSentNs = -1
  newestEnd = 0
  newestRttNs = -1
  /** Set by `markOverdue`. */
  reorderingDeadlineNs = Infinity

  #starts = new Float64Array(INITIAL_CAPACITY)
  #lengths = new Int32Array(INITIAL_CAPACITY)
  #states = new Uint8Array(INITIAL_CAPACITY)
  /** Of the latest copy. */
  #sentNs = new Float64Array(INITIAL_CAPACITY)
  #mask = INITIAL_CAPACITY - 1
  /** First outstanding segment, and the number of the next to be sent. */
  #head = 0
  #next = 0
  readonly #rate: DeliveryRate | undefined
  readonly #countedBytes: number
  /** Copies in the order in which they were sent. */
  readonly #copies = new CopyRing()
  #nowNs = 0
  #leastRttNs = Infinity
  #highestSacked = NONE
  /** All below are marked, one way or the other, or were sent again. */
  #lossFrontier = 0
  /** No segment below is lost and still to be sent again. */
  #retransmitFrontier = 0
  /** The three highest segments that arrived, the highest first. */
  readonly #highest = [NONE, NONE, NONE]
  /** The previous acknowledgement's blocks: what they cover need not be walked again. */
  readonly #seenBlocks = new Float64Array(2 * MAX_SACK_BLOCKS)
  /** Without SACK: segments that duplicate acknowledgements say have arrived, whichever they are. */
  #duplicates = 0

  /** @param countedBytes what a segment counts for in a window, however small it is; 0: what it bears */
  constructor (rate?: DeliveryRate, countedBytes = 0) {
    this.#rate = rate
    this.#countedBytes = countedBytes
  }

  /** Bytes in the network, as RFC 6675's SetPipe estimates it. */
  get pipeBytes (): number {
    return this.outstandingBytes - this.sackedBytes - this.lostBytes + this.retransmittedBytes
  }

  get segments (): number {
    return this.#next - this.#head
  }

  /** Bytes in the network as a window counts them. */
  get countedPipeBytes (): number {
    return this.counted(this.pipeBytes, this.segments - this.sackedSegments - this.#duplicates - this.lostSegments + this.retransmittedSegments)
  }

  /** Bytes sent and not cumulatively acknowledged, counted in the same way. */
  get countedFlightBytes (): number {
    return this.counted(this.outstandingBytes, this.segments)
  }

  counted (bytes: number, segments: number): number {
    return this.#countedBytes === 0 ? bytes : segments * this.#countedBytes
  }

  /** A new segment left. */
  add (sequence: number, length: number, fin: boolean, nowNs: number): void {
    if (this.#next - this.#head > this.#mask) {
      this.#grow()
    }
    const slot = this.#next++ & this.#mask
    const bytes = fin ? length + 1 : length
    this.#starts[slot] = sequence
    this.#lengths[slot] = bytes
    this.#states[slot] = fin ? FIN : 0
    this.#sentNs[slot] = nowNs
    this.#rate?.onSent(slot, nowNs, this.outstandingBytes === 0)
    this.outstandingBytes += bytes
  }

  /** To be called before an acknowledgement is taken; `leastRttNs` is the least round trip so far. */
  beginAcknowledgement (nowNs: number, leastRttNs: number): void {
    this.#nowNs = nowNs
    this.#leastRttNs = leastRttNs
    this.deliveredSegments = 0
    this.foundLostSegments = 0
    this.lastSentNs = -1
    this.firstSentNs = -1
    this.copyDelivered = false
    this.originalDelivered = false
  }

  /** Takes the cumulative acknowledgement; returns the bytes that were not known to have arrived. */
  acknowledge (sequence: number): number {
    let deliveredBytes = 0
    let acknowledged = 0
    while (this.#head < this.#next) {
      const slot = this.#head & this.#mask
      const bytes = this.#lengths[slot]
      if (this.#starts[slot] + bytes > sequence) {
        break
      }
      const state = this.#states[slot]
      if ((state & SACKED) !== 0) {
        this.sackedBytes -= bytes
        this.sackedSegments--
      } else {
        deliveredBytes += bytes
        this.#unmark(state, bytes)
        this.#deliver(this.#head, slot, state)
      }
      this.outstandingBytes -= bytes
      this.#head++
      acknowledged++
    }
    if (this.#duplicates > 0) {
      deliveredBytes -= this.#acknowledgeDuplicates(acknowledged)
    }
    return deliveredBytes
  }

  /** Takes an acknowledgement's SACK blocks; returns the bytes that were not known to have arrived. */
  acknowledgeBlocks (packets: Packets, id: PacketId): number {
    const count = packets.sackCount[id]
    const blocks = packets.sackBlocks
    const base = id * 2 * MAX_SACK_BLOCKS
    let deliveredBytes = 0
    let previous = -1
    for (let i = 0; i < count; i++) {
      const block = lowestAbove(blocks, base, count, previous)
      if (block >= 0) {
        previous = blocks[block]
        deliveredBytes += this.#acknowledgeBlock(previous, blocks[block + 1])
      }
    }
    this.#seenBlocks.fill(0)
    for (let i = 0; i < 2 * count; i++) {
      this.#seenBlocks[i] = blocks[base + i]
    }
    return deliveredBytes
  }

  /**
   * Without SACK: a duplicate acknowledgement says that some segment arrived. Which, is not known; that it is not the
   * first, is. Returns the bytes taken for delivered.
   */
  acknowledgeDuplicate (): number {
    if (this.#duplicates >= this.segments - 1) {
      return 0
    }
    const bytes = this.#lengths[(this.#head + 1 + this.#duplicates) & this.#mask]
    this.#duplicates++
    this.deliveredSegments++
    this.sackedBytes += bytes
    return bytes
  }

  /** Marks what RFC 6675's IsLost says is lost: holes below at least three segments that arrived. */
  markLosses (): void {
    if (this.#duplicates > 0) {
      if (this.#duplicates >= DUPLICATE_THRESHOLD) {
        this.markHeadLost()
      }
      return
    }
    const below = this.#highest[DUPLICATE_THRESHOLD - 1]
    for (let n = Math.max(this.#lossFrontier, this.#head); n < below; n++) {
      this.#markLost(n)
    }
    this.#lossFrontier = Math.max(this.#lossFrontier, below)
  }

  /**
   * Marks what RFC 8985 says is lost: what was sent `reorderingNs` or more before something that arrived, copies included.
   * Returns how much, in bytes; `reorderingDeadlineNs` then says when the time is over of all that is still given some.
   */
  markOverdue (nowNs: number, reorderingNs: number): number {
    this.reorderingDeadlineNs = Infinity
    const lost = this.#markOverdueOriginals(nowNs, reorderingNs)
    return lost + this.#markOverdueCopies(nowNs, reorderingNs)
  }

  #markOverdueOriginals (nowNs: number, reorderingNs: number): number {
    let lostBytes = 0
    let latestNs = NONE_WAITS
    let n = Math.max(this.#lossFrontier, this.#head)
    for (; n < this.#next; n++) {
      const slot = n & this.#mask
      if ((this.#states[slot] & (SACKED | LOST | COPIED)) === 0) {
        const sentNs = this.#sentNs[slot]
        if (!this.#beforeNewest(sentNs, this.#starts[slot] + this.#lengths[slot])) {
          break
        }
        if (sentNs + this.newestRttNs + reorderingNs > nowNs) {
          latestNs = this.#latestWaitingOriginalNs(n)
          break
        }
        this.#markLost(n)
        lostBytes += this.#lengths[slot]
      }
    }
    this.#lossFrontier = n
    this.#giveTime(latestNs, reorderingNs)
    return lostBytes
  }

  #markOverdueCopies (nowNs: number, reorderingNs: number): number {
    const copies = this.#copies
    let lostBytes = 0
    let latestNs = NONE_WAITS
    while (copies.count > 0) {
      const segment = copies.firstSegment
      const slot = segment & this.#mask
      const state = this.#states[slot]
      if (this.#copyWaits(segment, copies.firstSentNs)) {
        const sentNs = copies.firstSentNs
        if (!this.#beforeNewest(sentNs, this.#starts[slot] + this.#lengths[slot])) {
          break
        }
        if (sentNs + this.newestRttNs + reorderingNs > nowNs) {
          latestNs = this.#latestWaitingCopyNs()
          break
        }
        if ((state & LOST) === 0) {
          this.#markLost(segment)
        } else {
          this.#states[slot] &= ~RETRANSMITTED
          this.retransmittedBytes -= this.#lengths[slot]
          this.retransmittedSegments--
          this.foundLostSegments++
          this.#retransmitFrontier = Math.min(this.#retransmitFrontier, segment)
        }
        lostBytes += this.#lengths[slot]
      }
      copies.shift()
    }
    this.#giveTime(latestNs, reorderingNs)
    return lostBytes
  }

  /** When the latest was sent of the originals from `first` on that were sent before the newest that arrived. */
  #latestWaitingOriginalNs (first: number): number {
    let latestNs = NONE_WAITS
    for (let n = first; n < this.#next; n++) {
      const slot = n & this.#mask
      if ((this.#states[slot] & (SACKED | LOST | COPIED)) === 0) {
        if (!this.#beforeNewest(this.#sentNs[slot], this.#starts[slot] + this.#lengths[slot])) {
          break
        }
        latestNs = this.#sentNs[slot]
      }
    }
    return latestNs
  }

  #latestWaitingCopyNs (): number {
    const copies = this.#copies
    let latestNs = NONE_WAITS
    for (let i = 0; i < copies.count; i++) {
      const segment = copies.segmentAt(i)
      const sentNs = copies.sentNsAt(i)
      if (this.#copyWaits(segment, sentNs)) {
        const slot = segment & this.#mask
        if (!this.#beforeNewest(sentNs, this.#starts[slot] + this.#lengths[slot])) {
          break
        }
        latestNs = sentNs
      }
    }
    return latestNs
  }

  /** Whether the copy that left then is the latest of its segment and not known to have arrived or to be lost. */
  #copyWaits (segment: number, sentNs: number): boolean {
    const slot = segment & this.#mask
    const state = this.#states[slot]
    return segment >= this.#head && (state & SACKED) === 0 && (state & (LOST | RETRANSMITTED)) !== LOST && this.#sentNs[slot] === sentNs
  }

  #giveTime (latestNs: number, reorderingNs: number): void {
    if (latestNs !== NONE_WAITS) {
      const deadlineNs = latestNs + this.newestRttNs + reorderingNs
      this.reorderingDeadlineNs = this.reorderingDeadlineNs === Infinity ? deadlineNs : Math.max(this.reorderingDeadlineNs, deadlineNs)
    }
  }

  /** Sent before the newest that arrived (RFC 8985 6.2's RACK_sent_after, the other way round). */
  #beforeNewest (sentNs: number, end: number): boolean {
    return sentNs < this.newestSentNs || (sentNs === this.newestSentNs && end < this.newestEnd)
  }

  /** RFC 6582: a partial acknowledgement in recovery without SACK says that the next segment is lost, too. */
  markHeadLost (): void {
    if (this.#head < this.#next) {
      this.#markLost(this.#head)
    }
  }

  /**
   * After a retransmission timeout what did not arrive, copies included, is taken for lost; of what was sent after
   * `sentBeforeNs` only the first.
   */
  markAllLost (sentBeforeNs: number): void {
    this.forgetDuplicates()
    for (let n = this.#head; n < this.#next; n++) {
      const slot = n & this.#mask
      if ((this.#states[slot] & SACKED) === 0 && (n === this.#head || this.#sentNs[slot] <= sentBeforeNs)) {
        this.#unmark(this.#states[slot], this.#lengths[slot])
        this.#states[slot] = (this.#states[slot] & KEPT) | LOST
        this.lostBytes += this.#lengths[slot]
        this.lostSegments++
      }
    }
    this.#retransmitFrontier = this.#head
    this.#lossFrontier = this.#head
  }

  /** The losses were none: what was taken for lost is in the network, once where it was sent again, too. */
  unmarkLosses (): void {
    for (let n = this.#head; n < this.#next; n++) {
      this.#states[n & this.#mask] &= ~(LOST | RETRANSMITTED)
    }
    this.lostBytes = 0
    this.lostSegments = 0
    this.retransmittedBytes = 0
    this.retransmittedSegments = 0
    this.#lossFrontier = this.#head
  }

  /** Without SACK: what was concluded from duplicate acknowledgements no longer holds. */
  forgetDuplicates (): void {
    if (this.#duplicates > 0) {
      this.#duplicates = 0
      this.sackedBytes = 0
    }
  }

  /** The number of the last segment. */
  get last (): number {
    return this.#next - 1
  }

  sentNs (segment: number): number {
    return this.#sentNs[segment & this.#mask]
  }

  /** The first segment that is lost and was not sent again; -1 where there is none. */
  nextLost (): number {
    if (this.lostBytes === this.retransmittedBytes) {
      return NONE
    }
    let n = Math.max(this.#retransmitFrontier, this.#head)
    while ((this.#states[n & this.#mask] & (LOST | RETRANSMITTED)) !== LOST) {
      n++
    }
    this.#retransmitFrontier = n
    return n
  }

  get head (): number {
    return this.#head
  }

  start (segment: number): number {
    return this.#starts[segment & this.#mask]
  }

  /** Payload bytes. */
  length (segment: number): number {
    return this.#lengths[segment & this.#mask] - (this.fin(segment) ? 1 : 0)
  }

  fin (segment: number): boolean {
    return (this.#states[segment & this.#mask] & FIN) !== 0
  }

  /**
   * A copy of it leaves. A tail loss probe may be one of what was not taken for lost, or (after undoing) of what was sent
   * again before: one is counted as in the network.
   */
  markRetransmitted (segment: number, nowNs: number): void {
    const slot = segment & this.#mask
    if ((this.#states[slot] & (LOST | RETRANSMITTED)) === LOST) {
      this.#states[slot] |= RETRANSMITTED
      this.retransmittedBytes += this.#lengths[slot]
      this.retransmittedSegments++
    }
    this.#copies.push(segment, nowNs)
    this.#states[slot] |= COPIED
    this.#sentNs[slot] = nowNs
    this.#rate?.onSent(slot, nowNs, false)
  }

  #acknowledgeBlock (start: number, end: number): number {
    // Receivers repeat blocks (RFC 2018 section 4), and the growing one is long: walk only what is new at its edges.
    for (let i = 0; i < this.#seenBlocks.length; i += 2) {
      const seenStart = this.#seenBlocks[i]
      const seenEnd = this.#seenBlocks[i + 1]
      if (seenStart < seenEnd && seenStart >= start && seenEnd <= end) {
        return (start < seenStart ? this.#markArrived(start, seenStart) : 0) +
          (seenEnd < end ? this.#markArrived(seenEnd, end) : 0)
      }
    }
    return this.#markArrived(start, end)
  }

  #markArrived (start: number, end: number): number {
    let deliveredBytes = 0
    for (let n = this.#find(start); n < this.#next; n++) {
      const slot = n & this.#mask
      const bytes = this.#lengths[slot]
      if (this.#starts[slot] + bytes > end) {
        break
      }
      const state = this.#states[slot]
      if ((state & SACKED) === 0) {
        this.#unmark(state, bytes)
        this.#states[slot] = (state & KEPT) | SACKED
        this.sackedBytes += bytes
        this.sackedSegments++
        deliveredBytes += bytes
        this.#deliver(n, slot, state)
        this.#noteHighest(n)
      }
    }
    return deliveredBytes
  }

  /** The first outstanding segment that begins at `sequence` or later. */
  #find (sequence: number): number {
    let low = this.#head
    let high = this.#next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#starts[middle & this.#mask] < sequence) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  #deliver (segment: number, slot: number, state: number): void {
    const sentNs = this.#sentNs[slot]
    const end = this.#starts[slot] + this.#lengths[slot]
    this.deliveredSegments++
    this.#rate?.onDelivered(slot, sentNs, end)
    const rttNs = this.#nowNs - sentNs
    if ((state & COPIED) === 0) {
      if (this.firstSentNs < 0) {
        this.firstSentNs = sentNs
      }
      this.lastSentNs = sentNs
      this.originalDelivered ||= end <= this.originalsUpTo
      this.reorderingSeen ||= segment < this.#highestSacked
    } else {
      this.copyDelivered = true
      if (rttNs < this.#leastRttNs) {
        // RFC 8985 6.2 step 2: the original arrived, not this copy.
        return
      }
    }
    this.newestRttNs = rttNs
    if (sentNs > this.newestSentNs || (sentNs === this.newestSentNs && end > this.newestEnd)) {
      this.newestSentNs = sentNs
      this.newestEnd = end
    }
  }

  #noteHighest (segment: number): void {
    this.#highestSacked = Math.max(this.#highestSacked, segment)
    const highest = this.#highest
    if (segment > highest[0]) {
      highest[2] = highest[1]
      highest[1] = highest[0]
      highest[0] = segment
    } else if (segment > highest[1]) {
      highest[2] = highest[1]
      highest[1] = segment
    } else if (segment > highest[2]) {
      highest[2] = segment
    }
  }

  #markLost (segment: number): void {
    const slot = segment & this.#mask
    if ((this.#states[slot] & (SACKED | LOST)) === 0) {
      this.#states[slot] |= LOST
      this.lostBytes += this.#lengths[slot]
      this.lostSegments++
      this.foundLostSegments++
      this.#retransmitFrontier = Math.min(this.#retransmitFrontier, segment)
    }
  }

  #unmark (state: number, bytes: number): void {
    if ((state & LOST) !== 0) {
      this.lostBytes -= bytes
      this.lostSegments--
    }
    if ((state & RETRANSMITTED) !== 0) {
      this.retransmittedBytes -= bytes
      this.retransmittedSegments--
    }
  }

  /** Of `acknowledged` segments the first had been missing, the others had been counted; so does Linux reckon it. */
  #acknowledgeDuplicates (acknowledged: number): number {
    if (acknowledged === 0) {
      return 0
    }
    const before = this.sackedBytes
    const duplicates = this.#duplicates
    this.#duplicates = Math.min(Math.max(0, this.#duplicates - (acknowledged - 1)), Math.max(0, this.segments - 1))
    this.sackedBytes = 0
    for (let i = 0; i < this.#duplicates; i++) {
      this.sackedBytes += this.#lengths[(this.#head + 1 + i) & this.#mask]
    }
    this.deliveredSegments -= duplicates - this.#duplicates
    return before - this.sackedBytes
  }

  #grow (): void {
    const capacity = 2 * (this.#mask + 1)
    const starts = new Float64Array(capacity)
    const lengths = new Int32Array(capacity)
    const states = new Uint8Array(capacity)
    const sentNs = new Float64Array(capacity)
    this.#rate?.grow(this.#head, this.#next, this.#mask, capacity)
    for (let n = this.#head; n < this.#next; n++) {
      const from = n & this.#mask
      const to = n & (capacity - 1)
      starts[to] = this.#starts[from]
      lengths[to] = this.#lengths[from]
      states[to] = this.#states[from]
      sentNs[to] = this.#sentNs[from]
    }
    this.#starts = starts
    this.#lengths = lengths
    this.#states = states
    this.#sentNs = sentNs
    this.#mask = capacity - 1
  }
}

/**
 * Where the lowest block stands that begins above `above`, the longest of those that begin together; -1 where there is
 * none. The latest block comes first: taken in that order, it would make the others look reordered.
 */
function lowestAbove (blocks: Float64Array, base: number, count: number, above: number): number {
  let lowest = NONE
  for (let block = base; block < base + 2 * count; block += 2) {
    const start = blocks[block]
    if (start > above && (lowest < 0 || start < blocks[lowest] || (start === blocks[lowest] && blocks[block + 1] > blocks[lowest + 1]))) {
      lowest = block
    }
  }
  return lowest
}
