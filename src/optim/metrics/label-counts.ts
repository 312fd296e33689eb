/** How many labels are told apart: error codes and libp2p's error names are about fifty, of which few occur in one network. */
const MAXIMUM_LABELS = 32
const OTHER = 'other'

/** Counts by a label whose values others choose, such as the names of errors: at most 32, all further ones are `other`. */
export class LabelCounts implements Iterable<readonly [label: string, count: number]> {
  readonly #counts = new Map<string, number>()

  /** Counts one more. */
  add (label: string): void {
    const known = this.#counts.has(label) || this.#counts.size < MAXIMUM_LABELS - 1
    const key = known ? label : OTHER
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** In the order in which they occurred first. */
  [Symbol.iterator] (): Iterator<readonly [label: string, count: number]> {
    return this.#counts.entries()
  }
}
