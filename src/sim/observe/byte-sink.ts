/** Takes a trace, piece by piece and in order. A chunk is used again once the call has returned. */
export type ByteSink = (chunk: Uint8Array) => void

/** Gathers what is written into large chunks, so that a trace of any length takes the same memory. */
export class ByteBuffer {
  /** For writing between `reserve` and `advance`, from `length` on. */
  bytes: Uint8Array<ArrayBuffer>
  view: DataView<ArrayBuffer>
  length = 0
  readonly #sink: ByteSink

  constructor (sink: ByteSink, capacity = 65_536) {
    this.#sink = sink
    this.bytes = new Uint8Array(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for `count` more bytes, whatever stood there before. */
  reserve (count: number): void {
    if (this.length + count <= this.bytes.length) {
      return
    }
    this.flush()
    if (count > this.bytes.length) {
      this.bytes = new Uint8Array(count)
      this.view = new DataView(this.bytes.buffer)
    }
  }

  advance (count: number): void {
    this.length += count
  }

  flush (): void {
    if (this.length > 0) {
      this.#sink(this.bytes.subarray(0, this.length))
      this.length = 0
    }
  }
}
