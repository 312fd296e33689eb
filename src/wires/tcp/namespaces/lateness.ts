import type { PacketLateness } from '../../wire.ts'

const BUCKET_MS = 0.1
/** A second. */
const BUCKETS = 10_000

/** How late packets leave, as a distribution of constant size: quantiles to a tenth of a millisecond, and no more than a second. */
export class Lateness {
  #count = 0
  #sumMs = 0
  readonly #buckets = new Uint32Array(BUCKETS)

  /** One that leaves before its time is not late. */
  add (lateMs: number): void {
    const ms = Math.max(0, lateMs)
    this.#count++
    this.#sumMs += ms
    this.#buckets[Math.min(BUCKETS - 1, Math.floor(ms / BUCKET_MS))]++
  }

  /** Undefined where nothing has left. */
  get summary (): PacketLateness | undefined {
    return this.#count === 0 ? undefined : { meanMs: this.#sumMs / this.#count, p99Ms: this.#quantileMs(0.99) }
  }

  /** The upper end of the bucket that it is in. */
  #quantileMs (probability: number): number {
    const rank = probability * this.#count
    let bucket = 0
    for (let seen = this.#buckets[0]; seen < rank; seen += this.#buckets[bucket]) {
      bucket++
    }
    return (bucket + 1) * BUCKET_MS
  }
}
