const CHUNK_BITS = 5
/** Entries of a chunk. Few enough to be put in order one by one, many enough to be moved at little cost. */
export const CHUNK = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK - 1

const GROUP_BITS = 5
const GROUP_MASK = (1 << GROUP_BITS) - 1

/**
 * Lists of events, numbered, in groups of 32, that are only ever appended to or taken whole. A list is a chain of
 * chunks out of one store: a chunk lies together in memory, and one given back is the next to be used, so that moving
 * entries between lists stays in the cache however many there are.
 *
 * Chunk 0 is no chunk, so that 0 can mean 'none' everywhere.
 */
export class EventBuckets {
  /**
   * Each event's time and, in the eight bytes behind it, its slot and generation: `words[4 i + 2]` and `words[4 i + 3]`.
   * Together these may be copied as a number, because both are below 2^31 - 2^20, so that it is never one of many NaNs. Those of a
   * chunk begin at `chunk * CHUNK`. Replaced when the store grows.
   */
  entries = new Float64Array(2 * CHUNK)
  words = new Int32Array(this.entries.buffer)
  /** The chunk after a chunk, 0 where there is none. Replaced when the store grows. */
  next = new Int32Array(1)
  /** Where the entries of the list that `take` took end. */
  takenEnd = 0

  readonly #first: Int32Array
  readonly #end: Int32Array
  // Bit sets of the groups that are not all empty, and of the lists in each group that are not.
  #groups = 0
  readonly #occupied: Int32Array
  #free = 0

  constructor (groups: number) {
    this.#first = new Int32Array(groups << GROUP_BITS)
    this.#end = new Int32Array(groups << GROUP_BITS)
    this.#occupied = new Int32Array(groups)
  }

  /** Makes room for one more at the end of the list: the caller writes it at the position returned. */
  append (bucket: number): number {
    let position = this.#end[bucket]
    if ((position & CHUNK_MASK) === 0) {
      position = this.#extend(bucket, position)
    }
    this.#end[bucket] = position + 1
    return position
  }

  /** Appends to the list what stands at a position. */
  copy (from: number, bucket: number): void {
    const to = this.append(bucket)
    this.entries[2 * to] = this.entries[2 * from]
    this.entries[2 * to + 1] = this.entries[2 * from + 1]
  }

  /** The first list that is not empty, -1 where all are. */
  lowest (): number {
    const groups = this.#groups
    if (groups === 0) {
      return -1
    }
    const group = lowestBit(groups)
    return group << GROUP_BITS | lowestBit(this.#occupied[group])
  }

  /** The list's first chunk, 0 where it is empty, to be read only; its entries end at `endOf`. */
  firstOf (bucket: number): number {
    return this.#first[bucket]
  }

  endOf (bucket: number): number {
    return this.#end[bucket]
  }

  /** Empties the list: its first chunk, 0 if it had none. The caller walks the chunks and releases each. */
  take (bucket: number): number {
    const chunk = this.#first[bucket]
    this.takenEnd = this.#end[bucket]
    this.#first[bucket] = 0
    this.#end[bucket] = 0
    const group = bucket >> GROUP_BITS
    const occupied = this.#occupied[group] & ~(1 << (bucket & GROUP_MASK))
    this.#occupied[group] = occupied
    if (occupied === 0) {
      this.#groups &= ~(1 << group)
    }
    return chunk
  }

  release (chunk: number): void {
    this.next[chunk] = this.#free
    this.#free = chunk
  }

  /** Adds a chunk to the list that ends, full or empty, at `position`: the position of its first entry. */
  #extend (bucket: number, position: number): number {
    if (this.#free === 0) {
      this.#grow()
    }
    const chunk = this.#free
    this.#free = this.next[chunk]
    this.next[chunk] = 0
    if (position === 0) {
      this.#first[bucket] = chunk
      const group = bucket >> GROUP_BITS
      this.#groups |= 1 << group
      this.#occupied[group] |= 1 << (bucket & GROUP_MASK)
    } else {
      this.next[(position - 1) >> CHUNK_BITS] = chunk
    }
    return chunk << CHUNK_BITS
  }

  #grow (): void {
    const before = this.next.length
    const chunks = Math.max(32, before * 2)
    const entries = new Float64Array(2 * chunks * CHUNK)
    const next = new Int32Array(chunks)
    entries.set(this.entries)
    next.set(this.next)
    this.entries = entries
    this.words = new Int32Array(entries.buffer)
    this.next = next
    for (let chunk = chunks - 1; chunk >= before; chunk--) {
      this.release(chunk)
    }
  }
}

function lowestBit (bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}
