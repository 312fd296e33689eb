import { TwinwireError } from '../core/errors.ts'
import { transientBytes } from '../core/transient-bytes.ts'
import type { Bytes } from './port.ts'

/** The largest payload that is accepted where nothing else is said: 4 MiB, as in it-length-prefixed. */
export const MAXIMUM_FRAME_BYTES = 4 * 1024 * 1024

/** What is allocated for a frame before its bytes have come: a claim of megabytes alone reserves no megabytes. */
const FIRST_ALLOCATION_BYTES = 64 * 1024

/** A payload behind its length as an unsigned varint, to be sent: libp2p's usual framing (its `lp` streams). */
export function encodeFrame (payload: Uint8Array): Uint8Array {
  const prefixBytes = varintBytes(payload.byteLength)
  const frame = transientBytes(prefixBytes + payload.byteLength)
  frame.set(payload, writeVarint(frame, 0, payload.byteLength))
  return frame
}

/** Writes a whole number (0 to 2^53 - 1) in its shortest form, and answers the position behind it. */
export function writeVarint (target: Uint8Array, position: number, value: number): number {
  while (value >= 128) {
    target[position++] = value % 128 | 128
    value = Math.floor(value / 128)
  }
  target[position++] = value
  return position
}

/** How long a length is on the wire. */
export function varintBytes (value: number): number {
  let bytes = 1
  while (value >= 128) {
    value = Math.floor(value / 128)
    bytes++
  }
  return bytes
}

/**
 * Takes bytes as they come, however they are cut, and gives back whole payloads. The length is held against the limit
 * before anything is allocated, and memory grows with the bytes that came, not with those that were announced.
 * After an error the decoder is of no further use.
 */
export class FrameDecoder {
  readonly #limitBytes: number
  /** Of the length being read: its value so far, and the weight of its next seven bits. */
  #length = 0
  #weight = 1
  /** The payload being read; undefined while the length is. */
  #payload: Uint8Array | undefined
  #filled = 0

  constructor (limitBytes = MAXIMUM_FRAME_BYTES) {
    this.#limitBytes = limitBytes
  }

  /** True between frames: nothing of another one has come. */
  get empty (): boolean {
    return this.#payload === undefined && this.#weight === 1
  }

  /**
   * The payloads that these bytes complete, in order; each a buffer of its own.
   *
   * @throws ERR_FRAME_TOO_LARGE or ERR_FRAME_INVALID
   */
  push (data: Bytes): Uint8Array[] {
    const bytes = data.subarray()
    const payloads: Uint8Array[] = []
    let position = 0
    while (position < bytes.length) {
      if (this.#payload === undefined) {
        this.#readLength(bytes[position++])
      }
      if (this.#payload !== undefined) {
        position += this.#fill(this.#payload, bytes, position)
        if (this.#filled === this.#length) {
          payloads.push(this.#payload)
          this.#payload = undefined
          this.#length = 0
          this.#weight = 1
          this.#filled = 0
        }
      }
    }
    return payloads
  }

  #readLength (byte: number): void {
    this.#length += byte % 128 * this.#weight
    if (this.#length > this.#limitBytes) {
      throw new TwinwireError('ERR_FRAME_TOO_LARGE', 'a frame exceeds the limit', {
        expected: `at most ${this.#limitBytes} bytes`, found: `a length of at least ${this.#length}`
      })
    }
    if (byte >= 128) {
      this.#weight *= 128
      // The multiformats specification allows nine bytes; without this a run of 0x80 would be read for ever.
      if (this.#weight >= 2 ** 63) {
        throw new TwinwireError('ERR_FRAME_INVALID', 'a frame\'s length does not end', { expected: 'a varint of at most 9 bytes' })
      }
    } else if (byte === 0 && this.#weight > 1) {
      throw new TwinwireError('ERR_FRAME_INVALID', 'a frame\'s length is not in its shortest form', { expected: 'a minimal varint' })
    } else {
      this.#payload = new Uint8Array(Math.min(this.#length, FIRST_ALLOCATION_BYTES))
    }
  }

  /** Answers how many bytes it took. */
  #fill (payload: Uint8Array, bytes: Uint8Array, position: number): number {
    const taken = Math.min(this.#length - this.#filled, bytes.length - position)
    const filled = this.#filled + taken
    if (filled > payload.length) {
      const larger = new Uint8Array(Math.min(this.#length, Math.max(filled, 2 * payload.length)))
      larger.set(payload.subarray(0, this.#filled))
      payload = larger
      this.#payload = larger
    }
    payload.set(bytes.subarray(position, position + taken), this.#filled)
    this.#filled = filled
    return taken
  }
}
