const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)

/**
 * An incremental 64-bit hash over what a run did. It answers 'did these two runs do the same, in the same order?'; it is
 * no defence against an adversary. Mixing allocates nothing, and costs about a nanosecond.
 *
 * The state is two 32-bit lanes. Each step is a bijection of the state for given input (rotate, xor with the input,
 * multiply by an odd number; the second lane also takes up the first), so that a difference once made cannot be lost
 * except by another difference. The digest ends in murmur3's finalisation.
 */
export class TraceHash {
  #low = 0x1747b28c
  #high = 0x3c6ef372

  /** An event of the kernel in one step; `timeNs` is an integer from 0 to 2^53 - 1, the others are taken modulo 2^32. */
  mixEvent (timeNs: number, operation: number, argument: number): void {
    this.#step(
      (timeNs | 0) ^ Math.imul(argument, 0xcc9e2d51),
      Math.imul((timeNs * 2 ** -32) | 0, 0x1b873593) ^ Math.imul(operation, 0x27d4eb2f) ^ argument
    )
  }

  mixNumber (value: number): void {
    if (Number.isNaN(value)) {
      // Which of its many bit patterns a NaN has depends on the machine, and on whether the code was compiled.
      this.#step(0, 0x7ff80000)
      return
    }
    float[0] = value
    this.#step(words[0], words[1])
  }

  /** `value` is taken modulo 2^32. */
  mixInteger (value: number): void {
    this.#step(value, value)
  }

  mixString (text: string): void {
    this.mixInteger(text.length)
    for (let i = 0; i < text.length; i++) {
      this.mixInteger(text.charCodeAt(i))
    }
  }

  mixBytes (bytes: Uint8Array): void {
    this.mixInteger(bytes.byteLength)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const whole = bytes.byteLength & ~7
    for (let i = 0; i < whole; i += 8) {
      this.#step(view.getInt32(i, true), view.getInt32(i + 4, true))
    }
    for (let i = whole; i < bytes.byteLength; i++) {
      this.mixInteger(bytes[i])
    }
  }

  /** 16 hexadecimal digits. The hash can be mixed further afterwards. */
  digest (): string {
    return hex(finish(this.#high ^ this.#low)) + hex(finish(this.#low))
  }

  #step (first: number, second: number): void {
    const low = this.#low
    const high = this.#high
    const mixed = Math.imul((low << 13 | low >>> 19) ^ first, 0x9e3779b1)
    this.#low = mixed
    this.#high = (Math.imul((high << 11 | high >>> 21) ^ second, 0x85ebca77) + mixed) | 0
  }
}

function finish (h: number): number {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function hex (word: number): string {
  return word.toString(16).padStart(8, '0')
}
