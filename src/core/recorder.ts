import { TraceHash } from './trace-hash.ts'

/** What every recorded event bears. Events are flat and scalar, so that they cross processes and files as they are. */
export interface RecordedEvent {
  readonly type: string
  /** Milliseconds since the run's time zero. */
  readonly timeMs: number
  /** The host it happened on. */
  readonly host: string
}

/**
 * Takes events; statistics are derived from them and from nothing else. A layer states the events that it emits as a
 * union of interfaces and asks for a `Recorder` of that union.
 */
export interface Recorder<Event extends RecordedEvent = RecordedEvent> {
  /** Takes one event; they come in the order in which they happen. */
  record(event: Event): void
}

/** Discards everything. */
export const nullRecorder: Recorder = { record () {} }

/** Keeps all events in order and a hash over them. */
export class MemoryRecorder<Event extends RecordedEvent = RecordedEvent> implements Recorder<Event> {
  readonly events: Event[] = []
  readonly #hash = new TraceHash()

  record (event: Event): void {
    this.events.push(event)
    for (const [key, value] of Object.entries(event)) {
      this.#hash.mixString(key)
      if (typeof value === 'number') {
        this.#hash.mixNumber(value)
      } else {
        this.#hash.mixString(String(value))
      }
    }
  }

  /** Hash of all events so far; equal for two runs that recorded the same. */
  digest (): string {
    return this.#hash.digest()
  }
}
