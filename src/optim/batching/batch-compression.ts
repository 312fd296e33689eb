import { show } from '../../core/errors.ts'
import { RecentMap } from '../recent-map.ts'
import { RatioEstimator } from './compression/ratio-estimator.ts'
import { ANY_CONTEXT } from './outgoing-queue.ts'
import type { CompressingCodec } from './compression/codecs.ts'
import type { CompressionPolicy, CompressionQuestion } from './compression/policy.ts'
import type { Outgoing } from './outgoing-queue.ts'
import type { EncodedBatch } from './wire/batch-encoder.ts'
import type { Codec } from './wire/items.ts'

/** How one flow's batches are compressed, by what those of the same context have gained. */
export class BatchCompression {
  readonly #policy: CompressionPolicy
  readonly #codecs: readonly CompressingCodec[]
  readonly #ratios = new RecentMap<RatioEstimator>(MAXIMUM_CONTEXTS)

  readonly #onFault: (reason: string) => void

  /**
   * @param codecs what the policy may choose among
   * @param onFault told where the policy threw, or chose something else: nothing is compressed then, since the uplink, in
   * whose turn it is asked, serves others as well
   */
  constructor (policy: CompressionPolicy, codecs: readonly CompressingCodec[], onFault: (reason: string) => void) {
    this.#policy = policy
    this.#codecs = codecs
    this.#onFault = onFault
  }

  /** Has a batch of these encoded, as its items and the rate at which it will leave suggest. */
  encode (entries: readonly Outgoing[], plainBytes: number, rateBitsPerSecond: number, encode: (codec: Codec) => EncodedBatch): EncodedBatch {
    const context = contextOf(entries)
    if (context === undefined) {
      return encode('none')
    }
    const ratios = this.#ratios.obtain(context, () => new RatioEstimator(this.#codecs))
    const codec = this.#choose({ bytes: plainBytes, rateBitsPerSecond, estimates: ratios.estimates })
    const encoded = encode(codec)
    ratios.onBatch(codec, encoded.compressedBytes / encoded.plainBytes)
    return encoded
  }

  #choose (question: CompressionQuestion): Codec {
    try {
      const codec = this.#policy(question)
      if (codec === 'none' || this.#codecs.includes(codec)) {
        return codec
      }
      this.#onFault(`it chose ${show(codec)}`)
    } catch (error) {
      this.#onFault(error instanceof Error ? error.message : String(error))
    }
    return 'none'
  }
}

/** Protocols of one peer of which it is remembered how they compress. */
const MAXIMUM_CONTEXTS = 16

/** The one context that all are of; undefined where they must not be compressed together. */
function contextOf (entries: readonly Outgoing[]): string | undefined {
  let context = ANY_CONTEXT
  for (const { compressionContext } of entries) {
    if (compressionContext === undefined || (context !== ANY_CONTEXT && compressionContext !== ANY_CONTEXT && compressionContext !== context)) {
      return undefined
    }
    context = context === ANY_CONTEXT ? compressionContext : context
  }
  return context
}
