import { CHUNK, EventBuckets } from './event-buckets.ts'
import type { EventTable } from './event-table.ts'

// A time is read as a number of digits in base 32. Integer arithmetic has 32 bits, so it is taken apart into two words:
// 30 bits (six digits) and the 23 above them (five).
const DIGIT_BITS = 5
const DIGIT_MASK = (1 << DIGIT_BITS) - 1
const LOW_BITS = 30
const LOW_LEVELS = LOW_BITS / DIGIT_BITS
const LEVELS = LOW_LEVELS + Math.ceil((53 - LOW_BITS) / DIGIT_BITS)
const HIGH_UNIT = 2 ** LOW_BITS
const PER_HIGH_UNIT = 2 ** -LOW_BITS
/** How much time the digits below a level count. A table, because raising to a power takes longer than all the rest. */
const SPAN_NS = Float64Array.from({ length: LEVELS }, (_, level) => 2 ** (level * DIGIT_BITS))

/** The most events among which another is put in its place by shifting. */
const ACTIVE_LIMIT = 24

/**
 * A monotone priority queue of events by time in ns: nothing that is put in may be earlier than what was taken last, and
 * equal times come out in the order in which they went in.
 *
 * It is a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990) over base-32 digits. An event lies in the bucket of the highest
 * digit in which its time differs from the cursor's, and of that digit's value. When all earlier ones are gone, the lowest
 * bucket is opened, and the cursor moved to where it begins: a small one is sorted and becomes the active run, which is
 * taken from directly; a large one is spread over the buckets of the next digit, and so on. So there is no width to
 * tune, an event far away lies untouched in its bucket until its time comes near, each is moved at most once a digit, and
 * ties cost no more than others: at the lowest digit all in a bucket are equal, and in order.
 *
 * The active run takes in all that is earlier than the next bucket's digit, as long as it is short: where few events are
 * pending, most of them never see a bucket.
 */
export class EventQueue {
  /** Time of what `take` returned last. */
  takenNs = 0
  /** Entries of events that are no longer in the table: they were cancelled, and have not been met since. */
  stale = 0

  readonly #table: EventTable
  // One group of buckets a digit ('level'), the least significant first: the lowest bucket holds the earliest events.
  readonly #buckets = new EventBuckets(LEVELS)
  #cursorHigh = 0
  #cursorLow = 0

  // The active run, from head to tail, sorted: all events that differ from the cursor only in digits below this level.
  #activeLevel = LEVELS
  /** Where these digits end. */
  #activeEndNs = Infinity
  // As in the buckets.
  #entries = new Float64Array(2 * 4 * CHUNK)
  #words = new Int32Array(this.#entries.buffer)
  #head = 0
  #tail = 0

  constructor (table: EventTable) {
    this.#table = table
  }

  /** `timeNs` is an integer below 2^53, and not before `takenNs` nor the last time that `take` was asked up to. */
  put (timeNs: number, slot: number, generation: number): void {
    if (timeNs < this.#activeEndNs) {
      this.#insert(timeNs, slot, generation)
      return
    }
    const buckets = this.#buckets
    const position = buckets.append(this.#bucketOf(timeNs))
    buckets.entries[2 * position] = timeNs
    buckets.words[4 * position + 2] = slot
    buckets.words[4 * position + 3] = generation
  }

  /** Of a time that differs from the cursor. */
  #bucketOf (timeNs: number): number {
    const high = (timeNs * PER_HIGH_UNIT) | 0
    const low = (timeNs - high * HIGH_UNIT) | 0
    const highDifference = high ^ this.#cursorHigh
    let level: number
    let digits: number
    if (highDifference === 0) {
      level = highestDigit(low ^ this.#cursorLow)
      digits = low >>> (level * DIGIT_BITS)
    } else {
      const highLevel = highestDigit(highDifference)
      level = highLevel + LOW_LEVELS
      digits = high >>> (highLevel * DIGIT_BITS)
    }
    return level << DIGIT_BITS | digits & DIGIT_MASK
  }

  /** The earliest event's slot; -1 where there is none up to `untilNs`. */
  take (untilNs: number): number {
    for (;;) {
      if (this.#head === this.#tail && !this.#open(untilNs)) {
        return -1
      }
      const head = this.#head
      const timeNs = this.#entries[2 * head]
      if (timeNs > untilNs) {
        return -1
      }
      const slot = this.#words[4 * head + 2]
      this.#head = head + 1
      if (this.#table.holds(slot, this.#words[4 * head + 3])) {
        this.takenNs = timeNs
        return slot
      }
      this.stale--
    }
  }

  /** The earliest event's time, `Infinity` where there is none. Drops stale entries, and changes nothing else. */
  earliestNs (): number {
    if (this.stale > 0) {
      this.sweep()
    }
    if (this.#head < this.#tail) {
      return this.#entries[2 * this.#head]
    }
    const buckets = this.#buckets
    const bucket = buckets.lowest()
    let earliestNs = Infinity
    for (let chunk = bucket < 0 ? 0 : buckets.firstOf(bucket); chunk !== 0; chunk = buckets.next[chunk]) {
      const stop = buckets.next[chunk] === 0 ? buckets.endOf(bucket) : (chunk + 1) * CHUNK
      for (let i = chunk * CHUNK; i < stop; i++) {
        earliestNs = Math.min(earliestNs, buckets.entries[2 * i])
      }
    }
    return earliestNs
  }

  /** Drops every stale entry, wherever it lies. Takes time for each entry that the queue holds. */
  sweep (): void {
    const table = this.#table
    const buckets = this.#buckets
    for (let bucket = 0; bucket < LEVELS << DIGIT_BITS; bucket++) {
      let chunk = buckets.take(bucket)
      const end = buckets.takenEnd
      while (chunk !== 0) {
        const next = buckets.next[chunk]
        const stop = next === 0 ? end : (chunk + 1) * CHUNK
        // What is kept never overtakes what is read, so a chunk may be written again while it is read.
        buckets.release(chunk)
        for (let i = chunk * CHUNK; i < stop; i++) {
          if (table.holds(buckets.words[4 * i + 2], buckets.words[4 * i + 3])) {
            buckets.copy(i, bucket)
          }
        }
        chunk = next
      }
    }
    const entries = this.#entries
    let kept = this.#head
    for (let i = kept; i < this.#tail; i++) {
      if (table.holds(this.#words[4 * i + 2], this.#words[4 * i + 3])) {
        entries[2 * kept] = entries[2 * i]
        entries[2 * kept + 1] = entries[2 * i + 1]
        kept++
      }
    }
    this.#tail = kept
    this.stale = 0
  }

  /** Fills the active run, which is empty, with the earliest bucket's events, unless it begins after `untilNs`. */
  #open (untilNs: number): boolean {
    const buckets = this.#buckets
    for (;;) {
      const bucket = buckets.lowest()
      if (bucket < 0) {
        // Buckets full of cancelled events may have taken the cursor beyond the time at which the next one is put in.
        this.#setCursor(this.takenNs)
        this.#cover(LEVELS)
        return false
      }
      const level = bucket >> DIGIT_BITS
      const digit = bucket & DIGIT_MASK
      let high = this.#cursorHigh
      let low = 0
      if (level < LOW_LEVELS) {
        low = withDigit(this.#cursorLow, level, digit)
      } else {
        high = withDigit(high, level - LOW_LEVELS, digit)
      }
      if (high * HIGH_UNIT + low > untilNs) {
        return false
      }
      this.#cursorHigh = high
      this.#cursorLow = low
      const chunk = buckets.take(bucket)
      if (level === 0 || buckets.next[chunk] === 0) {
        this.#cover(this.#lowestLevel())
        this.#activate(chunk, buckets.takenEnd)
        if (this.#tail > 0) {
          return true
        }
      } else {
        this.#cover(0)
        this.#spread(level - 1, chunk, buckets.takenEnd)
      }
    }
  }

  /** Sorts what is in the chunks into the active run: at most one chunk, or any number of equal times. */
  #activate (chunk: number, end: number): void {
    const table = this.#table
    const buckets = this.#buckets
    this.#head = 0
    this.#tail = 0
    while (chunk !== 0) {
      if (this.#entries.length < 2 * (this.#tail + CHUNK)) {
        this.#makeRoom()
      }
      const { entries, words } = buckets
      const run = this.#entries
      const next = buckets.next[chunk]
      const stop = next === 0 ? end : (chunk + 1) * CHUNK
      let tail = this.#tail
      for (let i = chunk * CHUNK; i < stop; i++) {
        if (table.holds(words[4 * i + 2], words[4 * i + 3])) {
          const timeNs = entries[2 * i]
          const at = makePlace(run, 0, tail++, timeNs)
          run[2 * at] = timeNs
          run[2 * at + 1] = entries[2 * i + 1]
        } else {
          this.stale--
        }
      }
      this.#tail = tail
      buckets.release(chunk)
      chunk = next
    }
  }

  /** Spreads what is in the chunks, which differs from the cursor in no digit above `level`, over that level's buckets. */
  #spread (level: number, chunk: number, end: number): void {
    const buckets = this.#buckets
    while (chunk !== 0) {
      const next = buckets.next[chunk]
      const stop = next === 0 ? end : (chunk + 1) * CHUNK
      for (let i = chunk * CHUNK; i < stop; i++) {
        const timeNs = buckets.entries[2 * i]
        const high = (timeNs * PER_HIGH_UNIT) | 0
        const digits = level < LOW_LEVELS
          ? ((timeNs - high * HIGH_UNIT) | 0) >>> (level * DIGIT_BITS)
          : high >>> ((level - LOW_LEVELS) * DIGIT_BITS)
        buckets.copy(i, level << DIGIT_BITS | digits & DIGIT_MASK)
      }
      buckets.release(chunk)
      chunk = next
    }
  }

  /** Puts an event into the active run. */
  #insert (timeNs: number, slot: number, generation: number): void {
    if (this.#tail - this.#head >= ACTIVE_LIMIT && this.#activeLevel > 0) {
      this.#narrow()
      this.put(timeNs, slot, generation)
      return
    }
    if (2 * this.#tail === this.#entries.length) {
      this.#makeRoom()
    }
    const head = this.#head
    const at = head > 0 && timeNs < this.#entries[(head + this.#tail) & ~1]
      ? makePlaceInFront(this.#entries, --this.#head, timeNs)
      : makePlace(this.#entries, head, this.#tail++, timeNs)
    this.#entries[2 * at] = timeNs
    this.#words[4 * at + 2] = slot
    this.#words[4 * at + 3] = generation
  }

  /** Gives the later part of an active run that has become long back to the buckets: it covers one digit less. */
  #narrow (): void {
    if (this.takenNs > this.#cursorHigh * HIGH_UNIT + this.#cursorLow) {
      this.#setCursor(this.takenNs)
    }
    this.#cover(this.#activeLevel - 1)
    const entries = this.#entries
    const endNs = this.#activeEndNs
    const tail = this.#tail
    let kept = this.#head
    while (kept < tail && entries[2 * kept] < endNs) {
      kept++
    }
    this.#tail = kept
    for (let i = kept; i < tail; i++) {
      const position = this.#buckets.append(this.#bucketOf(entries[2 * i]))
      this.#buckets.entries[2 * position] = entries[2 * i]
      this.#buckets.entries[2 * position + 1] = entries[2 * i + 1]
    }
  }

  #lowestLevel (): number {
    const lowest = this.#buckets.lowest()
    return lowest < 0 ? LEVELS : lowest >> DIGIT_BITS
  }

  #setCursor (timeNs: number): void {
    this.#cursorHigh = (timeNs * PER_HIGH_UNIT) | 0
    this.#cursorLow = (timeNs - this.#cursorHigh * HIGH_UNIT) | 0
  }

  /** The active run covers from now on what differs from the cursor in digits below `level` only. */
  #cover (level: number): void {
    this.#activeLevel = level
    if (level === LEVELS) {
      this.#activeEndNs = Infinity
    } else {
      const spanNs = SPAN_NS[level]
      const cursorNs = this.#cursorHigh * HIGH_UNIT + this.#cursorLow
      this.#activeEndNs = (Math.floor(cursorNs / spanNs) + 1) * spanNs
    }
  }

  /** Moves the active run to the front of its array, or to a larger one where that frees less than half. */
  #makeRoom (): void {
    const entries = this.#entries.subarray(2 * this.#head, 2 * this.#tail)
    if (entries.length * 2 > this.#entries.length) {
      this.#entries = new Float64Array(this.#entries.length * 2)
      this.#words = new Int32Array(this.#entries.buffer)
    }
    this.#entries.set(entries)
    this.#tail -= this.#head
    this.#head = 0
  }
}

/** Makes place for an entry among those from `from` to `end`, behind its equals: its position. */
function makePlace (entries: Float64Array, from: number, end: number, timeNs: number): number {
  let i = end
  while (i > from && entries[2 * i - 2] > timeNs) {
    entries[2 * i] = entries[2 * i - 2]
    entries[2 * i + 1] = entries[2 * i - 1]
    i--
  }
  return i
}

/** As `makePlace`, where it is known that some entry is later: moves those before into the free place at `from`. */
function makePlaceInFront (entries: Float64Array, from: number, timeNs: number): number {
  let i = from
  while (entries[2 * i + 2] <= timeNs) {
    entries[2 * i] = entries[2 * i + 2]
    entries[2 * i + 1] = entries[2 * i + 3]
    i++
  }
  return i
}

/** Index of the highest digit of which a bit is set, for up to 30 bits; -1 for 0. */
function highestDigit (bits: number): number {
  // A fifth of the highest bit's index, rounded down; exact in this range, and cheaper than dividing.
  return ((31 - Math.clz32(bits)) * 52) >> 8
}

/** `word` with one digit replaced and all below it zero. */
function withDigit (word: number, level: number, digit: number): number {
  const shift = level * DIGIT_BITS
  return (word >>> shift & ~DIGIT_MASK | digit) << shift
}
