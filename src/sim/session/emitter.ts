type Listener<Event> = (event: Event) => void

/**
 * Listeners by event type, with the DOM's bookkeeping: the same listener added twice is called once, and one removed
 * while an event is being delivered is not called any more. What a listener throws propagates to whoever emits: in a
 * simulation that ends the run with the error, instead of losing it.
 */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Map<Listener<never>, boolean>>()

  addEventListener<Type extends keyof Events & string> (type: Type, listener: Listener<Events[Type]>, options?: { once?: boolean }): void {
    let listeners = this.#listeners.get(type)
    if (listeners === undefined) {
      listeners = new Map()
      this.#listeners.set(type, listeners)
    }
    if (!listeners.has(listener)) {
      listeners.set(listener, options?.once === true)
    }
  }

  removeEventListener<Type extends keyof Events & string> (type: Type, listener: Listener<Events[Type]>): void {
    this.#listeners.get(type)?.delete(listener)
  }

  protected listenerCount (type: keyof Events): number {
    return this.#listeners.get(type)?.size ?? 0
  }

  protected emit<Type extends keyof Events & string> (type: Type, event: Events[Type]): void {
    const listeners = this.#listeners.get(type)
    if (listeners === undefined || listeners.size === 0) {
      return
    }
    for (const [listener, once] of Array.from(listeners)) {
      if (!listeners.has(listener)) {
        continue
      }
      if (once) {
        listeners.delete(listener)
      }
      (listener as Listener<Events[Type]>)(event)
    }
  }
}
