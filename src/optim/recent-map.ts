/** A map of bounded size: of those that were not looked up for longest, nothing is kept. */
export class RecentMap<Value> {
  readonly #limit: number
  readonly #entries = new Map<string, Value>()
  /** Looked up last: to put it last again would cost a map of one entry a new table every other time. */
  #newest: string | undefined

  constructor (limit: number) {
    this.#limit = limit
  }

  get size (): number {
    return this.#entries.size
  }

  /** Without counting as a use. */
  peek (key: string): Value | undefined {
    return this.#entries.get(key)
  }

  values (): MapIterator<Value> {
    return this.#entries.values()
  }

  clear (): void {
    if (this.#entries.size > 0) {
      this.#entries.clear()
      this.#newest = undefined
    }
  }

  /** The value of `key`, made where there is none. */
  obtain (key: string, create: () => Value): Value {
    let value = this.#entries.get(key)
    if (value === undefined) {
      value = create()
      if (this.#entries.size >= this.#limit) {
        const [oldest] = this.#entries.keys()
        this.#entries.delete(oldest)
      }
    } else if (key === this.#newest) {
      return value
    } else {
      // A map iterates in order of insertion, so the first is always the one used least recently.
      this.#entries.delete(key)
    }
    this.#entries.set(key, value)
    this.#newest = key
    return value
  }
}
