/** Segments sent again, in the order in which they were: a ring of (segment, time) that grows as needed. */
export class CopyRing {
  count = 0
  /** Allocated with the first. */
  #segments = EMPTY
  #sentNs = EMPTY
  #first = 0

  /** The oldest; there must be one. */
  get firstSegment (): number {
    return this.#segments[this.#first]
  }

  get firstSentNs (): number {
    return this.#sentNs[this.#first]
  }

  /** The i-th of `count`, from the oldest. */
  segmentAt (i: number): number {
    return this.#segments[(this.#first + i) & (this.#segments.length - 1)]
  }

  sentNsAt (i: number): number {
    return this.#sentNs[(this.#first + i) & (this.#segments.length - 1)]
  }

  push (segment: number, sentNs: number): void {
    if (this.count === this.#segments.length) {
      this.#grow()
    }
    const index = (this.#first + this.count++) & (this.#segments.length - 1)
    this.#segments[index] = segment
    this.#sentNs[index] = sentNs
  }

  shift (): void {
    this.#first = (this.#first + 1) & (this.#segments.length - 1)
    this.count--
  }

  #grow (): void {
    const length = Math.max(8, 2 * this.count)
    const segments = new Float64Array(length)
    const sentNs = new Float64Array(length)
    for (let i = 0; i < this.count; i++) {
      const index = (this.#first + i) & (this.#segments.length - 1)
      segments[i] = this.#segments[index]
      sentNs[i] = this.#sentNs[index]
    }
    this.#segments = segments
    this.#sentNs = sentNs
    this.#first = 0
  }
}

const EMPTY = new Float64Array(0)
