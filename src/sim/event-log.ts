import type { RecordedEvent } from '../core/recorder.ts'
import { ByteBuffer } from './observe/byte-sink.ts'
import type { ByteSink } from './observe/byte-sink.ts'

/**
 * A log is records one behind the other, each 16 bytes, little-endian: the time in nanoseconds (a double), an operation
 * and an argument (32-bit integers). In place of an operation, these say that text follows, the argument's number of
 * bytes of UTF-8: the name of the operation of the next event, or what was recorded, as JSON.
 */
export const RECORD_BYTES = 16
export const NAME_FOLLOWS = -1
export const RECORDED_FOLLOWS = -2

/**
 * Writes down everything that a run's trace hash is made of, so that two runs can be held beside each other: the events
 * of the kernel (`new Kernel({ eventLog })`), with the names of their operations, and what was recorded between them.
 * `readEventLog` reads it.
 */
export class EventLog {
  readonly #buffer: ByteBuffer
  /** Operations whose names are written. */
  readonly #named = new Set<number>()
  readonly #encoder = new TextEncoder()

  constructor (sink: ByteSink) {
    this.#buffer = new ByteBuffer(sink)
  }

  event (timeNs: number, operation: number, argument: number, nameOf: (operation: number) => string): void {
    if (!this.#named.has(operation)) {
      this.#named.add(operation)
      this.#text(NAME_FOLLOWS, nameOf(operation))
    }
    this.#record(timeNs, operation, argument)
  }

  recorded (event: RecordedEvent): void {
    this.#text(RECORDED_FOLLOWS, JSON.stringify(event, (_, value: unknown) => typeof value === 'number' ? exact(value) : value))
  }

  /** Nothing is written any more. */
  finish (): void {
    this.#buffer.flush()
  }

  #text (kind: number, text: string): void {
    const bytes = this.#encoder.encode(text)
    this.#record(0, kind, bytes.length)
    this.#buffer.reserve(bytes.length)
    this.#buffer.bytes.set(bytes, this.#buffer.length)
    this.#buffer.advance(bytes.length)
  }

  #record (timeNs: number, operation: number, argument: number): void {
    const buffer = this.#buffer
    buffer.reserve(RECORD_BYTES)
    buffer.view.setFloat64(buffer.length, timeNs, true)
    buffer.view.setInt32(buffer.length + 8, operation, true)
    buffer.view.setInt32(buffer.length + 12, argument, true)
    buffer.advance(RECORD_BYTES)
  }
}

/** What JSON has no number for must not look like something else. */
function exact (value: number): number | string {
  return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value)
}
