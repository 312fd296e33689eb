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
