import type { Codec } from '../wire/items.ts'
import type { CompressingCodec } from './codecs.ts'
import type { CodecEstimates } from './ratio-estimator.ts'

/** A batch that is about to be sent, with neither secrets nor data of different origins in it: others are not asked about. */
export interface CompressionQuestion {
  /** Of its items, uncompressed. */
  readonly bytes: number
  /** At which it will leave; Infinity where that is not known. */
  readonly rateBitsPerSecond: number
  /** By codec; one that is not there is not used. */
  readonly estimates: CodecEstimates
}

/** Chooses how a batch is compressed. Must be pure. */
export type CompressionPolicy = (question: CompressionQuestion) => Codec

/** Smaller batches hardly repeat themselves: 64 bytes of text grew under Snappy, 512 became 353. */
export const MINIMUM_COMPRESSED_BYTES = 512

/**
 * What a path of which nothing is known is taken to carry, in bit/s: what the bandwidth manager holds a node to by
 * default, so that the same is compressed with it and without. Where a path is faster, that costs some of the processor's
 * time for data that compresses, and a batch in 64 for data that does not.
 */
export const ASSUMED_BITS_PER_SECOND = 80e6

/**
 * The default: the codec that saves most time, counting what the bytes it saves would take to send against the
 * processor's time at both ends; none where no codec saves any. A codec whose ratio is not known, or has not been
 * observed for a while, is tried where it could save time if it left nothing of the batch.
 */
export const compressWhereItPays: CompressionPolicy = ({ bytes, rateBitsPerSecond: knownBitsPerSecond, estimates }) => {
  if (bytes < MINIMUM_COMPRESSED_BYTES) {
    return 'none'
  }
  const rateBitsPerSecond = knownBitsPerSecond === Infinity ? ASSUMED_BITS_PER_SECOND : knownBitsPerSecond
  let best: Codec = 'none'
  let mostSavedNs = 0
  for (const codec of CODECS) {
    const estimate = estimates[codec]
    if (estimate === undefined) {
      continue
    }
    if (!estimate.isFresh && savedNs(codec, bytes, 0, rateBitsPerSecond) > 0) {
      return codec
    }
    const saved = savedNs(codec, bytes, estimate.ratio, rateBitsPerSecond)
    if (saved > mostSavedNs) {
      best = codec
      mostSavedNs = saved
    }
  }
  return best
}

const CODECS: readonly CompressingCodec[] = ['snappy', 'deflate']

interface Cost {
  readonly batchNs: number
  readonly byteNs: number
}

/**
 * What compressing and decompressing take together. Measured with Node 26.10 on two shared cores of an x86-64 server,
 * over 512 bytes to 64 KiB of text; on random bytes DEFLATE took twice as long, Snappy as long. Snappy is JavaScript
 * here, and so no faster than zlib. On another machine they are off by its speed, which matters near the rate at which
 * a codec ceases to pay: for DEFLATE at a ratio of a half, 500 Mbit/s.
 */
const COSTS: Readonly<Record<CompressingCodec, Cost>> = {
  snappy: { batchNs: 5000, byteNs: 9 },
  deflate: { batchNs: 15_000, byteNs: 8 }
}

function savedNs (codec: CompressingCodec, bytes: number, ratio: number, rateBitsPerSecond: number): number {
  const { batchNs, byteNs } = COSTS[codec]
  return bytes * (1 - ratio) * 8 * 1e9 / rateBitsPerSecond - batchNs - byteNs * bytes
}
