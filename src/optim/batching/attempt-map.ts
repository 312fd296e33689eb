/**
 * Values by id and attempt: a hash table of its own, of linked entries. A `Map` that is filled and emptied with each batch
 * is made anew each time it grows or shrinks; V8 links the old one to the new one, so that once one of them is promoted all
 * that follow are, with all that they ever held, until the next full collection (Node 26: a third to half of a request's
 * time; docs/performance.md).
 */
export class AttemptMap<Value> {
  /** As many as there is a power of two; never fewer again. */
  #buckets: Array<Entry<Value> | undefined> = emptyBuckets(INITIAL_BUCKETS)
  #size = 0

  get size (): number {
    return this.#size
  }

  has (id: number, attempt: number): boolean {
    return this.#find(id, attempt) !== undefined
  }

  /** Undefined too where that is the value. */
  get (id: number, attempt: number): Value | undefined {
    return this.#find(id, attempt)?.value
  }

  set (id: number, attempt: number, value: Value): void {
    const found = this.#find(id, attempt)
    if (found !== undefined) {
      found.value = value
      return
    }
    if (this.#size === this.#buckets.length) {
      this.#grow()
    }
    this.#insert({ id, attempt, value, next: undefined })
    this.#size++
  }

  /** False where there was none. */
  delete (id: number, attempt: number): boolean {
    const bucket = this.#bucketOf(id)
    let previous: Entry<Value> | undefined
    for (let entry = this.#buckets[bucket]; entry !== undefined; previous = entry, entry = entry.next) {
      if (entry.id === id && entry.attempt === attempt) {
        if (previous === undefined) {
          this.#buckets[bucket] = entry.next
        } else {
          previous.next = entry.next
        }
        this.#size--
        return true
      }
    }
    return false
  }

  clear (): void {
    this.#buckets.fill(undefined)
    this.#size = 0
  }

  /** All that are there now, in no order. */
  values (): Value[] {
    const values: Value[] = []
    for (const first of this.#buckets) {
      for (let entry = first; entry !== undefined; entry = entry.next) {
        values.push(entry.value)
      }
    }
    return values
  }

  #bucketOf (id: number): number {
    return id % this.#buckets.length
  }

  #find (id: number, attempt: number): Entry<Value> | undefined {
    let entry = this.#buckets[this.#bucketOf(id)]
    while (entry !== undefined && !(entry.id === id && entry.attempt === attempt)) {
      entry = entry.next
    }
    return entry
  }

  #insert (entry: Entry<Value>): void {
    const bucket = this.#bucketOf(entry.id)
    entry.next = this.#buckets[bucket]
    this.#buckets[bucket] = entry
  }

  #grow (): void {
    const old = this.#buckets
    this.#buckets = emptyBuckets(2 * old.length)
    for (const first of old) {
      for (let entry = first; entry !== undefined;) {
        const { next }: Entry<Value> = entry
        this.#insert(entry)
        entry = next
      }
    }
  }
}

function emptyBuckets (count: number): undefined[] {
  return Array.from({ length: count }, () => undefined)
}

/** Few: most streams have few attempts under way. */
const INITIAL_BUCKETS = 8

interface Entry<Value> {
  readonly id: number
  readonly attempt: number
  value: Value
  next: Entry<Value> | undefined
}
