type Listener<Event> = (event: Event) => void

interface Entry {
  readonly listener: Listener<never>
  readonly once: boolean
}

const NOBODY: readonly Entry[] = []

/**
 * Listeners by event type, with the DOM's bookkeeping: the same listener added twice is called once, and one removed
 * while an event is being delivered is not called any more. What a listener throws propagates to whoever emits: in a
 * simulation that ends the run with the error, instead of losing it.
 *
 * There are hundreds of thousands of emitters with one or two listeners of a type, and events by the million: lists are
 * renewed when they change, which is seldom, so that an event goes through one as it is.
 */
export class Emitter<Events> {
  /** In the order of their types' first listeners. */
  readonly #types: Array<keyof Events> = []
  readonly #entries: Array<readonly Entry[]> = []

  addEventListener<Type extends keyof Events & string> (type: Type, listener: Listener<Events[Type]>, options?: { once?: boolean }): void {
    const entry: Entry = { listener, once: options?.once === true }
    const index = this.#types.indexOf(type)
    if (index === -1) {
      this.#types.push(type)
      this.#entries.push([entry])
    } else if (!has(this.#entries[index], listener)) {
      this.#entries[index] = [...this.#entries[index], entry]
    }
  }

  removeEventListener<Type extends keyof Events & string> (type: Type, listener: Listener<Events[Type]>): void {
    const index = this.#types.indexOf(type)
    if (index !== -1 && has(this.#entries[index], listener)) {
      const left = this.#entries[index].filter(entry => entry.listener !== listener)
      this.#entries[index] = left.length === 0 ? NOBODY : left
    }
  }

  protected listenerCount (type: keyof Events): number {
    const index = this.#types.indexOf(type)
    return index === -1 ? 0 : this.#entries[index].length
  }

  protected emit<Type extends keyof Events & string> (type: Type, event: Events[Type]): void {
    const index = this.#types.indexOf(type)
    if (index === -1) {
      return
    }
    const entries = this.#entries[index]
    for (const { listener, once } of entries) {
      if (this.#entries[index] !== entries && !has(this.#entries[index], listener)) {
        continue
      }
      if (once) {
        this.removeEventListener(type, listener as Listener<Events[Type]>)
      }
      (listener as Listener<Events[Type]>)(event)
    }
  }
}

function has (entries: readonly Entry[], listener: Listener<never>): boolean {
  return entries.some(entry => entry.listener === listener)
}
