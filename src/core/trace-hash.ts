const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)

/**
 * An incremental 64-bit hash (two 32-bit lanes, each with murmur3's mixing) over what a run did. It answers 'did these
 * two runs do the same, in the same order?'; it is no defence against an adversary. Mixing allocates nothing.
 */
export class TraceHash {
  #low = 0x9747b28c
  #high = 0x3c6ef372

  mixNumber (value: number): void {
    float[0] = value
    this.mixInteger(words[0])
    this.mixInteger(words[1])
  }

  /** `value` is taken modulo 2^32. */
  mixInteger (value: number): void {
    let k = Math.imul(value, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    this.#low = step(this.#low ^ Math.imul(k, 0x1b873593))
    this.#high = step(this.#high ^ Math.imul(k ^ this.#low, 0x85ebca6b))
  }

  mixString (text: string): void {
    this.mixInteger(text.length)
    for (let i = 0; i < text.length; i++) {
      this.mixInteger(text.charCodeAt(i))
    }
  }

  /** 16 hexadecimal digits. The hash can be mixed further afterwards. */
  digest (): string {
    return hex(finish(this.#high ^ this.#low)) + hex(finish(this.#low))
  }
}

function step (h: number): number {
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
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
