import type { Stream } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Flow } from '../uplink.ts'

/** What one `send` adds on the wire: yamux's header (12 bytes), Noise's length (2) and tag (16). */
export const SEND_OVERHEAD_BYTES = 30

/** The bytes that wait to be sent on one stream, as a flow: cut to what is granted, and counted as on the wire. */
export class SendQueue implements Flow {
  readonly peer: string
  /** To be changed only while the scheduler does not have it. */
  class: TrafficClass
  readonly #stream: Stream
  readonly #onSent: (bytes: number) => void
  #chunks: Uint8Array[] = []
  /** Of the chunks, the first that is not sent, and how much of it is. */
  #first = 0
  #offset = 0
  #queuedBytes = 0

  /** @param onSent told of each transmission, with the bytes on the wire */
  constructor (stream: Stream, peer: string, trafficClass: TrafficClass, onSent: (bytes: number) => void) {
    this.peer = peer
    this.class = trafficClass
    this.#stream = stream
    this.#onSent = onSent
  }

  /** Waiting, whether or not the stream has room. */
  get queuedBytes (): number {
    return this.#queuedBytes
  }

  get backlogBytes (): number {
    return this.#stream.writableNeedsDrain ? 0 : this.#queuedBytes
  }

  push (data: Uint8Array): void {
    this.#chunks.push(data)
    this.#queuedBytes += data.length + SEND_OVERHEAD_BYTES
  }

  transmit (grantBytes: number): number {
    let sentBytes = 0
    while (this.#first < this.#chunks.length && this.#stream.status === 'open' && !this.#stream.writableNeedsDrain && sentBytes + SEND_OVERHEAD_BYTES < grantBytes) {
      const part = this.#take(grantBytes - sentBytes - SEND_OVERHEAD_BYTES)
      sentBytes += part.length + SEND_OVERHEAD_BYTES
      try {
        this.#stream.send(part)
      } catch (error) {
        // The scheduler serves others as well, and whoever sent this is long gone: the stream's end tells them.
        this.#stream.abort(error instanceof Error ? error : new Error('the stream failed', { cause: error }))
      }
    }
    if (sentBytes > 0) {
      this.#onSent(sentBytes)
    }
    return sentBytes
  }

  clear (): void {
    this.#chunks = []
    this.#first = 0
    this.#offset = 0
    this.#queuedBytes = 0
  }

  #take (maximumBytes: number): Uint8Array {
    const chunk = this.#chunks[this.#first]
    const endBytes = Math.min(chunk.length, this.#offset + maximumBytes)
    const part = chunk.subarray(this.#offset, endBytes)
    this.#queuedBytes -= part.length
    this.#offset = endBytes
    if (endBytes === chunk.length) {
      this.#queuedBytes -= SEND_OVERHEAD_BYTES
      this.#first++
      this.#offset = 0
      this.#compact()
    }
    return part
  }

  /** Taking from an array's front copies all that is behind it: done for many at a time. */
  #compact (): void {
    if (this.#first === this.#chunks.length) {
      this.clear()
    } else if (this.#first >= 64 && 2 * this.#first >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#first)
      this.#first = 0
    }
  }
}
