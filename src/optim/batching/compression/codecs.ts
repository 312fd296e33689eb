import type { Codec } from '../wire/items.ts'
import { compressDeflate, decompressDeflate } from './deflate.ts'
import { compressSnappy, decompressSnappy } from './snappy-framing.ts'

/** A codec that changes what it is given. */
export type CompressingCodec = Exclude<Codec, 'none'>

/** May be longer than what it was given: whoever sends it looks first. */
export function compress (codec: CompressingCodec, bytes: Uint8Array): Uint8Array {
  return codec === 'snappy' ? compressSnappy(bytes) : compressDeflate(bytes)
}

/**
 * Just `plainBytes`, in a buffer of their own, or an error. The caller has held `plainBytes` against its limit.
 *
 * @throws ERR_BATCH_INVALID, ERR_CHECKSUM
 */
export function decompress (codec: CompressingCodec, bytes: Uint8Array, plainBytes: number): Uint8Array {
  return codec === 'snappy' ? decompressSnappy(bytes, plainBytes) : decompressDeflate(bytes, plainBytes)
}
