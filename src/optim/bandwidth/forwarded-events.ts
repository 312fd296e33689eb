/** As a listener may be given to an event target: a function or an object. */
export type Listener = ((event: unknown) => void) | { handleEvent(event: unknown): void }

export interface ListenerOptions {
  readonly once?: boolean
  readonly signal?: AbortSignal
}

/**
 * Listeners of events that are passed on later or not as they came, with the bookkeeping of the DOM. Not an event target,
 * because an event that is being dispatched at one cannot be dispatched at another.
 */
export class ForwardedEvents {
  readonly #listeners = new Map<string, Map<Listener, ListenerOptions>>()

  add (type: string, listener: Listener | null, options: ListenerOptions | boolean = {}): void {
    const { once = false, signal } = typeof options === 'boolean' ? {} : options
    if (listener === null || signal?.aborted === true) {
      return
    }
    let listeners = this.#listeners.get(type)
    if (listeners === undefined) {
      listeners = new Map()
      this.#listeners.set(type, listeners)
    }
    if (!listeners.has(listener)) {
      listeners.set(listener, { once })
      signal?.addEventListener('abort', () => this.remove(type, listener), { once: true })
    }
  }

  remove (type: string, listener: Listener | null): void {
    if (listener !== null) {
      this.#listeners.get(type)?.delete(listener)
    }
  }

  emit (type: string, event: unknown): void {
    const listeners = this.#listeners.get(type)
    if (listeners === undefined || listeners.size === 0) {
      return
    }
    for (const [listener, { once }] of Array.from(listeners)) {
      if (listeners.has(listener)) {
        if (once === true) {
          listeners.delete(listener)
        }
        if (typeof listener === 'function') {
          listener(event)
        } else {
          listener.handleEvent(event)
        }
      }
    }
  }
}
