import { TwinwireError } from '../core/errors.ts'
import { NAME_FOLLOWS, RECORD_BYTES, RECORDED_FOLLOWS } from './event-log.ts'

/** What happened, in the order in which it did. */
export type LogEntry = LoggedEvent | LoggedRecord

export interface LoggedEvent {
  readonly kind: 'event'
  /** Which of the kernel's events it is, from 1. */
  readonly number: number
  readonly timeNs: number
  readonly operation: number
  readonly name: string
  readonly argument: number
}

export interface LoggedRecord {
  readonly kind: 'recorded'
  /** The event before it: 0 where there was none. */
  readonly number: number
  /** JSON. */
  readonly text: string
}

/**
 * Reads what an `EventLog` wrote, in pieces of any size, without holding more than a piece and a record.
 *
 * @throws ERR_INVALID_FILE where it ends within a record, or is no log
 */
export function * readEventLog (chunks: Iterable<Uint8Array>): Generator<LogEntry, void, undefined> {
  const bytes = new Gathered(chunks)
  const names: string[] = []
  let newName: string | undefined
  let number = 0
  while (bytes.has(RECORD_BYTES)) {
    const record = bytes.take(RECORD_BYTES)
    const view = new DataView(record.buffer, record.byteOffset, RECORD_BYTES)
    const operation = view.getInt32(8, true)
    const argument = view.getInt32(12, true)
    if (operation === RECORDED_FOLLOWS) {
      yield { kind: 'recorded', number, text: bytes.text(argument) }
    } else if (operation === NAME_FOLLOWS) {
      newName = bytes.text(argument)
    } else {
      names[operation] ??= newName ?? 'without a name'
      yield { kind: 'event', number: ++number, timeNs: view.getFloat64(0, true), operation, name: names[operation], argument }
    }
  }
  bytes.checkEnd()
}

/** Pieces, as one row of bytes that is taken from its beginning. */
class Gathered {
  readonly #chunks: Iterator<Uint8Array>
  readonly #decoder = new TextDecoder()
  #bytes = new Uint8Array(0)
  #taken = 0

  constructor (chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]()
  }

  /** Whether there are so many more. */
  has (count: number): boolean {
    while (this.#bytes.length - this.#taken < count) {
      const { value, done } = this.#chunks.next()
      if (done === true) {
        return false
      }
      const left = this.#bytes.subarray(this.#taken)
      const joined = new Uint8Array(left.length + value.length)
      joined.set(left)
      joined.set(value, left.length)
      this.#bytes = joined
      this.#taken = 0
    }
    return true
  }

  take (count: number): Uint8Array<ArrayBuffer> {
    if (count < 0 || !this.has(count)) {
      throw broken(`${count} bytes more`, `${this.#bytes.length - this.#taken}`)
    }
    this.#taken += count
    return this.#bytes.subarray(this.#taken - count, this.#taken)
  }

  text (count: number): string {
    return this.#decoder.decode(this.take(count))
  }

  checkEnd (): void {
    const left = this.#bytes.length - this.#taken
    if (left > 0) {
      throw broken(`the rest of a record of ${RECORD_BYTES} bytes`, `${left}`)
    }
  }
}

function broken (expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_INVALID_FILE', 'the log of events is cut off, or none', { expected, found })
}
