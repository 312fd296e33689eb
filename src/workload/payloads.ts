import { randomStream } from '../core/random.ts'
import type { RandomStream } from '../core/random.ts'

/** What a stream of chance draws at a time. */
const WORD_BYTES = 4
const WORDS = 0x1_0000_0000

/** Bytes that no codec makes smaller, as of what is encrypted or compressed already. */
export function randomPayload (random: RandomStream, bytes: number): Uint8Array {
  const words = new DataView(new ArrayBuffer(bytes + WORD_BYTES))
  for (let position = 0; position < bytes; position += WORD_BYTES) {
    words.setUint32(position, random.integer(WORDS))
  }
  return new Uint8Array(words.buffer, 0, bytes)
}

/**
 * Readings of sensors as JSON, as many as fit, with names and values as such messages have them: names repeat, values are
 * drawn. The number that traces it fills it to its size.
 */
export function jsonPayload (random: RandomStream, bytes: number): Uint8Array {
  const readings: string[] = []
  const head = '{"readings":['
  const tail = (trace: string): string => `],"trace":"${trace}"}`
  for (let left = bytes - head.length - tail('').length; ;) {
    const reading = JSON.stringify({ id: random.integer(1e9), sensor: `station-${random.integer(50)}`, celsius: random.integer(4_000) / 100, batteryOk: random.integer(100) > 0 })
    const comma = readings.length > 0 ? 1 : 0
    if (reading.length + comma > left) {
      const trace = Array.from({ length: left }, () => random.integer(16).toString(16)).join('')
      return new TextEncoder().encode(head + readings.join(',') + tail(trace))
    }
    left -= reading.length + comma
    readings.push(reading)
  }
}

/** Of all payloads that stand together in a batch, with room to spare: what comes again later than this, no codec of a batch sees. */
export const BATCH_BYTES = 66 * 1024

/** The same in every run: nothing depends on which bytes they are, but that no codec makes them smaller. */
const BALLAST = randomPayload(randomStream('ballast'), 4 * BATCH_BYTES)

/**
 * What requests, replies and messages are filled with, so that compressing gains no more of them than of what users send
 * compressed or encrypted already. What is taken soon after one another is different, or a batch of it would compress.
 */
export class Ballast {
  #position: number
  /** The last that was larger than all there is. */
  #large = BALLAST

  /** @param position for senders whose payloads meet in a batch of somebody else's: at different ones, they differ */
  constructor (position = 0) {
    this.#position = position % BALLAST.byteLength
  }

  /** So many bytes, not to be written to: others have them, too. */
  take (bytes: number): Uint8Array {
    if (bytes > BALLAST.byteLength) {
      return this.#takeLarge(bytes)
    }
    if (this.#position + bytes > BALLAST.byteLength) {
      this.#position = 0
    }
    const taken = BALLAST.subarray(this.#position, this.#position + bytes)
    this.#position += bytes
    return taken
  }

  #takeLarge (bytes: number): Uint8Array {
    if (this.#large.byteLength !== bytes) {
      this.#large = new Uint8Array(bytes)
      for (let position = 0; position < bytes; position += BALLAST.byteLength) {
        this.#large.set(BALLAST.subarray(0, bytes - position), position)
      }
    }
    return this.#large
  }
}
