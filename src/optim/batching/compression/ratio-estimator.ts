import type { Codec } from '../wire/items.ts'
import type { CompressingCodec } from './codecs.ts'

/** What is known of one codec. */
export interface CodecEstimate {
  /** Compressed bytes a plain byte that are to be expected; 1 until something was compressed. */
  readonly ratio: number
  /** False when no batch, or none of the last 64, was compressed with it. */
  readonly isFresh: boolean
}

/** By codec; one that is not there is not used. */
export type CodecEstimates = Readonly<Partial<Record<CompressingCodec, CodecEstimate>>>

/** Batches after which a ratio that was not observed again is no longer believed: probes cost one batch in 64. */
export const FRESH_BATCHES = 64

/**
 * Expects the next batch to compress about as those before: Apache Kafka's CompressionRatioEstimator. A ratio improves
 * by 0.005 a batch, and worsens at once, by 0.05 at least, so that good news has to be lasting. Unlike Kafka's it does
 * not improve past what was observed, and an estimate that is not fresh gives way to the next observation.
 *
 * One for what compresses alike, such as a class of a peer.
 */
export class RatioEstimator {
  readonly #estimates: Partial<Record<CompressingCodec, Estimate>> = {}
  readonly #all: readonly Estimate[]

  /** @param codecs those that may be used; default both */
  constructor (codecs: readonly CompressingCodec[] = ['snappy', 'deflate']) {
    this.#all = codecs.map(codec => this.#estimates[codec] = new Estimate())
  }

  /** Always the same object, which changes with every batch. */
  get estimates (): CodecEstimates {
    return this.#estimates
  }

  /**
   * A batch that could have been compressed has gone.
   *
   * @param codec what it was compressed with, even if it was then sent as it was; `none` where nothing was tried
   * @param ratio compressed bytes a plain byte
   */
  onBatch (codec: Codec, ratio: number): void {
    for (const estimate of this.#all) {
      estimate.batches++
    }
    if (codec !== 'none') {
      this.#estimates[codec]?.observe(ratio)
    }
  }
}

const IMPROVING_STEP = 0.005
const WORSENING_STEP = 0.05

class Estimate implements CodecEstimate {
  ratio = 1
  /** Since the last that was observed. */
  batches = FRESH_BATCHES

  get isFresh (): boolean {
    return this.batches < FRESH_BATCHES
  }

  observe (ratio: number): void {
    // `batches` counts the batch that is observed already.
    if (this.batches > FRESH_BATCHES) {
      this.ratio = ratio
    } else if (ratio > this.ratio) {
      this.ratio = Math.max(ratio, this.ratio + WORSENING_STEP)
    } else {
      this.ratio = Math.max(ratio, this.ratio - IMPROVING_STEP)
    }
    this.batches = 0
  }
}
