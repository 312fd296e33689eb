/** A priority queue; `push` and `pop` take O(log n) and allocate nothing but the array's growth. */
export class BinaryHeap<Entry> {
  readonly #entries: Entry[] = []
  readonly #before: (a: Entry, b: Entry) => boolean

  /** `before` says of two entries whether the first comes out first. */
  constructor (before: (a: Entry, b: Entry) => boolean) {
    this.#before = before
  }

  get size (): number {
    return this.#entries.length
  }

  /** The first to come out; undefined where it is empty. */
  get first (): Entry | undefined {
    return this.#entries[0]
  }

  /** In no order. */
  values (): Iterable<Entry> {
    return this.#entries
  }

  push (entry: Entry): void {
    const heap = this.#entries
    const before = this.#before
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(entry, heap[parent])) {
        break
      }
      heap[i] = heap[parent]
      i = parent
    }
    heap[i] = entry
  }

  /** Takes out the first. */
  pop (): Entry | undefined {
    const heap = this.#entries
    const before = this.#before
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) {
      return last
    }
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) {
        break
      }
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) {
        child++
      }
      if (!before(heap[child], last)) {
        break
      }
      heap[i] = heap[child]
      i = child
    }
    heap[i] = last
    return top
  }

  clear (): void {
    this.#entries.length = 0
  }
}

/** An order by time, and among equals the one in which they were set. */
export interface Timed {
  readonly atMs: number
  readonly sequence: number
}

export function isEarlier (a: Timed, b: Timed): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
