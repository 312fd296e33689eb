import { nullRecorder } from '../core/recorder.ts'
import type { RecordedEvent, Recorder } from '../core/recorder.ts'
import type { ComponentLogger, EventSource, Logger } from './port.ts'

/** Listeners by the type of event, each given a `CustomEvent` whose `detail` is the event as it was recorded. */
export type NetworkEventMap<Event extends RecordedEvent> = {
  readonly [Recorded in Event as Recorded['type']]: CustomEvent<Recorded>
}

/**
 * Tells listeners what is recorded, as libp2p's emitters do. An event that nobody listens to costs one look into a map.
 *
 * A listener that throws, or whose promise rejects, changes nothing for the others and for the network: its error goes to
 * the logger. Without a logger it is thrown where nothing catches it, as the DOM does.
 */
export class NetworkEvents<Event extends RecordedEvent> implements Recorder<Event>, EventSource<NetworkEventMap<Event>> {
  readonly #logger: Logger | undefined
  /** Never an empty list. A list is replaced, not changed, so that an event reaches those who listened when it was recorded. */
  readonly #listeners = new Map<string, readonly Listening[]>()

  constructor (logger?: Logger) {
    this.#logger = logger
  }

  /** The same listener added twice is called once. */
  addEventListener<Type extends keyof NetworkEventMap<Event> & string> (type: Type, listener: (event: NetworkEventMap<Event>[Type]) => void, { once = false }: { once?: boolean } = {}): void {
    const present = this.#listeners.get(type) ?? []
    if (!present.some(listening => listening.listener === listener)) {
      this.#listeners.set(type, [...present, { listener: listener as Listener, once, removed: false }])
    }
  }

  /** Does nothing where it does not listen. */
  removeEventListener<Type extends keyof NetworkEventMap<Event> & string> (type: Type, listener: (event: NetworkEventMap<Event>[Type]) => void): void {
    this.#remove(type, this.#listeners.get(type)?.find(listening => listening.listener === listener))
  }

  /** Nobody listens any more. */
  removeAll (): void {
    for (const [type, listeners] of this.#listeners) {
      for (const listening of listeners) {
        this.#remove(type, listening)
      }
    }
  }

  /** Calls those who listen to events of this type, before it returns. */
  record (event: Event): void {
    const listeners = this.#listeners.get(event.type)
    if (listeners !== undefined) {
      this.#dispatch(event, listeners)
    }
  }

  #dispatch (event: Event, listeners: readonly Listening[]): void {
    const dispatched = new CustomEvent(event.type, { detail: event })
    for (const listening of listeners) {
      if (listening.removed) {
        continue
      }
      if (listening.once) {
        this.#remove(event.type, listening)
      }
      try {
        const result: unknown = listening.listener(dispatched)
        if (result instanceof Promise) {
          result.catch(error => this.#report(event.type, error))
        }
      } catch (error) {
        this.#report(event.type, error)
      }
    }
  }

  #remove (type: string, listening: Listening | undefined): void {
    if (listening === undefined) {
      return
    }
    listening.removed = true
    const left = (this.#listeners.get(type) ?? []).filter(other => other !== listening)
    if (left.length > 0) {
      this.#listeners.set(type, left)
    } else {
      this.#listeners.delete(type)
    }
  }

  #report (type: string, error: unknown): void {
    if (this.#logger === undefined) {
      queueMicrotask(() => {
        throw error
      })
    } else {
      this.#logger.error('a listener of %s failed - %e', type, error)
    }
  }
}

/** Records with all of them, in order. */
export function fanOut<Event extends RecordedEvent> (recorders: ReadonlyArray<Recorder<Event>>): Recorder<Event> {
  if (recorders.length < 2) {
    return recorders[0] ?? nullRecorder
  }
  return {
    record (event) {
      for (const recorder of recorders) {
        recorder.record(event)
      }
    }
  }
}

/**
 * Writes events to libp2p's log, one logger a module: `pool:dial` goes to `twinwire:pool`, shown with `DEBUG=twinwire:*`.
 * Nothing is formatted where it is not shown.
 */
export function logged<Event extends RecordedEvent> (components: ComponentLogger): Recorder<Event> {
  const loggers = new Map<string, Logger>()
  return {
    record (event) {
      let logger = loggers.get(event.type)
      if (logger === undefined) {
        logger = components.forComponent(`twinwire:${moduleOf(event.type)}`)
        loggers.set(event.type, logger)
      }
      if (logger.enabled) {
        logger('%s', textOf(event))
      }
    }
  }
}

type Listener = (event: CustomEvent<RecordedEvent>) => unknown

interface Listening {
  readonly listener: Listener
  readonly once: boolean
  removed: boolean
}

function moduleOf (type: string): string {
  return type.split(':', 1)[0]
}

/** `dial peer=12D3KooW... reason=cold`; time and host are the log's own. */
function textOf ({ type, timeMs: _timeMs, host: _host, ...fields }: RecordedEvent): string {
  const values = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value)}`)
  return `${type.slice(moduleOf(type).length + 1)}${values.join('')}`
}
