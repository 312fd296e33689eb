import { TwinwireError } from '../../../core/errors.ts'

/** Reads a frame's body, or its items, from front to back. What it answers are views. Every error names the place. */
export class BodyReader {
  readonly #bytes: Uint8Array
  /** What its fields are part of, for errors: `items[3].`. */
  #place = ''
  #item = 0
  #position = 0

  constructor (bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get ended (): boolean {
    return this.#position === this.#bytes.length
  }

  /** From here on fields are of this item. */
  startItem (index: number): void {
    this.#place = 'items'
    this.#item = index
  }

  byte (field: string): number {
    this.#require(1, field)
    return this.#bytes[this.#position++]
  }

  /** A varint in its shortest form, at most 2^53 - 1. */
  number (field: string, minimum = 0): number {
    let value = 0
    let weight = 1
    let byte
    do {
      if (weight > LONGEST_WEIGHT) {
        throw this.invalid(field, 'a varint of at most 8 bytes', 'a longer one')
      }
      byte = this.byte(field)
      value += byte % 128 * weight
      weight *= 128
    } while (byte >= 128)
    if (byte === 0 && weight > 128) {
      throw this.invalid(field, 'a varint in its shortest form', `${value} with a zero behind it`)
    }
    if (value < minimum || value > Number.MAX_SAFE_INTEGER) {
      throw this.invalid(field, `a number from ${minimum} to 2^53 - 1`, String(value))
    }
    return value
  }

  /** A length and as many bytes. */
  block (field: string): Uint8Array {
    return this.#take(this.number(field), field)
  }

  /** A length and as many bytes of UTF-8. */
  text (field: string, minimumBytes: number, maximumBytes: number): string {
    const length = this.number(field)
    if (length < minimumBytes || length > maximumBytes) {
      throw this.invalid(field, `text of ${minimumBytes} to ${maximumBytes} bytes`, `${length}`)
    }
    const bytes = this.#take(length, field)
    try {
      return decoder.decode(bytes)
    } catch {
      throw this.invalid(field, 'UTF-8', 'other bytes')
    }
  }

  /** All that is left. */
  rest (): Uint8Array {
    return this.#take(this.#bytes.length - this.#position, 'payload')
  }

  invalid (field: string, expected: string, found: string): TwinwireError {
    const path = this.#place === '' ? field : `${this.#place}[${this.#item}].${field}`
    return new TwinwireError('ERR_BATCH_INVALID', 'a batch is not valid', { path, expected, found })
  }

  #take (length: number, field: string): Uint8Array {
    this.#require(length, field)
    this.#position += length
    return this.#bytes.subarray(this.#position - length, this.#position)
  }

  #require (length: number, field: string): void {
    const left = this.#bytes.length - this.#position
    if (length > left) {
      throw this.invalid(field, `${length} bytes more`, `${left}`)
    }
  }
}

/** Of the eighth byte, with which a varint reaches 2^53 and more. */
const LONGEST_WEIGHT = 128 * 128 * 128 * 128 * 128 * 128 * 128

/** A byte order mark is a character like any other. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
