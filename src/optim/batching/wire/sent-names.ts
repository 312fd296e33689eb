import { show, TwinwireError } from '../../../core/errors.ts'
import { varintBytes, writeVarint } from '../../frames.ts'
import { MAXIMUM_NAME_BYTES, MAXIMUM_NAMES } from './format.ts'

/**
 * The names of protocols that one direction of a stream has sent, so that each goes in full once. Names are first
 * added, in the order of their items, and then written in the same order.
 */
export class SentNames {
  readonly #names = new Map<string, SentName>()
  /** Added, but not on the wire yet. */
  #unwritten: string[] = []

  /**
   * How long the name would be on the wire, as the next.
   *
   * @throws ERR_BATCH_INVALID where it is no name for the wire
   */
  bytesOf (name: string): number {
    const known = this.#names.get(name)
    if (known !== undefined) {
      return varintBytes(known.reference)
    }
    const bytes = encodeName(name).length
    return varintBytes(this.#nextReference) + varintBytes(bytes) + bytes
  }

  /** Remembers the name for the items that follow, while there is room. */
  add (name: string): void {
    if (this.#nextReference !== LITERAL && !this.#names.has(name)) {
      this.#names.set(name, { reference: this.#nextReference, bytes: encodeName(name), isWritten: false })
      this.#unwritten.push(name)
    }
  }

  /** Answers the position behind the name. */
  write (target: Uint8Array, position: number, name: string): number {
    const known = this.#names.get(name)
    if (known === undefined) {
      return writeName(target, writeVarint(target, position, LITERAL), encodeName(name))
    }
    position = writeVarint(target, position, known.reference)
    if (known.isWritten) {
      return position
    }
    known.isWritten = true
    return writeName(target, position, known.bytes)
  }

  /** All that were added have been written. */
  commit (): void {
    this.#unwritten = []
  }

  /** Forgets those that were added since `commit`. */
  rollback (): void {
    for (const name of this.#unwritten) {
      this.#names.delete(name)
    }
    this.#unwritten = []
  }

  get #nextReference (): number {
    return this.#names.size < MAXIMUM_NAMES ? this.#names.size + 1 : LITERAL
  }
}

interface SentName {
  readonly reference: number
  readonly bytes: Uint8Array
  isWritten: boolean
}

/** In the place of a reference: a name follows, and is not remembered. */
const LITERAL = 0

const encoder = new TextEncoder()

function writeName (target: Uint8Array, position: number, bytes: Uint8Array): number {
  position = writeVarint(target, position, bytes.length)
  target.set(bytes, position)
  return position + bytes.length
}

function encodeName (name: string): Uint8Array {
  // No UTF-8 is shorter than its UTF-16 has units: what is longer need not be encoded to be refused.
  const bytes = name.length > 0 && name.length <= MAXIMUM_NAME_BYTES && name.isWellFormed() ? encoder.encode(name) : undefined
  if (bytes === undefined || bytes.length > MAXIMUM_NAME_BYTES) {
    throw new TwinwireError('ERR_BATCH_INVALID', 'a protocol\'s name does not fit a batch', {
      path: 'protocol', expected: `well-formed text of 1 to ${MAXIMUM_NAME_BYTES} bytes`, found: show(name)
    })
  }
  return bytes
}
