import type { ByteSink } from './byte-sink.ts'

/** So many characters become one chunk. */
const CHUNK_LENGTH = 65_536

/** Text for a sink of bytes (UTF-8), gathered into large chunks; `flush` comes last. */
export class TextWriter {
  readonly #sink: ByteSink
  readonly #encoder = new TextEncoder()
  #text = ''

  constructor (sink: ByteSink) {
    this.#sink = sink
  }

  write (text: string): void {
    this.#text += text
    if (this.#text.length >= CHUNK_LENGTH) {
      this.flush()
    }
  }

  flush (): void {
    if (this.#text !== '') {
      this.#sink(this.#encoder.encode(this.#text))
      this.#text = ''
    }
  }
}
