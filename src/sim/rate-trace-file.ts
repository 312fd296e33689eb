import { checkFileSize, invalidFile } from './input-file.ts'
import type { FileChunks } from './input-file.ts'
import type { RateTrace } from './rate-trace.ts'

const NEWLINE = 10
const RETURN = 13
const ZERO = 48
const NINE = 57
/** What some editors put before UTF-8. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
const LARGEST_MS = 2 ** 32 - 1

/**
 * Reads a rate trace in mahimahi's format: one whole number of milliseconds a line, not descending, the last above 0.
 * Reads it as it comes, so that a wrong file is refused at its first wrong byte.
 *
 * @throws ERR_INVALID_FILE with file:line:column, or where the file is larger than `MAXIMUM_FILE_BYTES`
 */
export async function readRateTrace (chunks: FileChunks, fileName: string): Promise<RateTrace> {
  const reader = new RateTraceReader(fileName)
  for await (const chunk of chunks) {
    reader.write(chunk)
  }
  return reader.end()
}

class RateTraceReader {
  readonly #fileName: string
  #instants = new Uint32Array(1024)
  #count = 0
  #bytes = 0
  #line = 1
  /** Of the byte to come. */
  #column = 1
  #value = 0
  #returned = false

  constructor (fileName: string) {
    this.#fileName = fileName
  }

  write (chunk: Uint8Array): void {
    const start = this.#bytes === 0 && BYTE_ORDER_MARK.every((byte, index) => chunk[index] === byte) ? BYTE_ORDER_MARK.length : 0
    this.#bytes += chunk.length
    checkFileSize(this.#bytes, this.#fileName)
    for (let index = start; index < chunk.length; index++) {
      const byte = chunk[index]
      if (byte === NEWLINE) {
        this.#endLine()
        this.#line++
        this.#column = 1
        continue
      }
      if (this.#returned || !(byte >= ZERO && byte <= NINE || byte === RETURN && this.#column > 1)) {
        throw this.#wrong('not an instant', 'a digit', `byte 0x${byte.toString(16).padStart(2, '0')}`)
      }
      if (byte === RETURN) {
        this.#returned = true
        continue
      }
      this.#value = this.#value * 10 + byte - ZERO
      if (this.#value > LARGEST_MS) {
        throw this.#wrong('an instant too late', `at most ${LARGEST_MS} ms`, 'a larger number')
      }
      this.#column++
    }
  }

  end (): RateTrace {
    if (this.#column > 1) {
      this.#endLine()
    }
    if (this.#count === 0) {
      throw invalidFile('an empty trace', this.#fileName, 1, 1, 'a number of ms', 'nothing')
    }
    if (this.#instants[this.#count - 1] === 0) {
      throw invalidFile('a trace without a period', this.#fileName, this.#count, 1, 'a last instant above 0', '0')
    }
    return { opportunitiesMs: this.#instants.slice(0, this.#count) }
  }

  #endLine (): void {
    if (this.#column === 1) {
      throw this.#wrong('an empty line', 'a number of ms', 'nothing')
    }
    const before = this.#count === 0 ? 0 : this.#instants[this.#count - 1]
    if (this.#value < before) {
      throw invalidFile('an instant earlier than the one before', this.#fileName, this.#line, 1, `${before} or more`, String(this.#value))
    }
    if (this.#count === this.#instants.length) {
      const larger = new Uint32Array(this.#count * 2)
      larger.set(this.#instants)
      this.#instants = larger
    }
    this.#instants[this.#count++] = this.#value
    this.#value = 0
    this.#returned = false
  }

  #wrong (message: string, expected: string, found: string): Error {
    return invalidFile(message, this.#fileName, this.#line, this.#column, expected, found)
  }
}
