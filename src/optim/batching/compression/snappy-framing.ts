import { TwinwireError } from '../../../core/errors.ts'
import { crc32c } from './crc32c.ts'
import { compressBlock, decompressBlock } from './snappy-block.ts'

/**
 * Bytes in Snappy's framing format (google/snappy, framing_format.txt, revision of 2022-05-23): the stream identifier,
 * then a chunk for every 64 KiB, which is a raw one where compression does not make it smaller.
 */
export function compressSnappy (bytes: Uint8Array): Uint8Array {
  const chunks: Chunk[] = []
  let framedBytes = STREAM_IDENTIFIER.length
  for (let from = 0; from < bytes.length; from += MAXIMUM_CHUNK_BYTES) {
    const plain = bytes.subarray(from, from + MAXIMUM_CHUNK_BYTES)
    const block = compressBlock(plain)
    const smaller = block.length < plain.length
    const data = smaller ? block : plain
    chunks.push({ type: smaller ? COMPRESSED : RAW, checksum: maskedChecksum(plain), data })
    framedBytes += HEADER_BYTES + CHECKSUM_BYTES + data.length
  }

  const framed = new Uint8Array(framedBytes)
  framed.set(STREAM_IDENTIFIER)
  const view = new DataView(framed.buffer)
  let position = STREAM_IDENTIFIER.length
  for (const { type, checksum, data } of chunks) {
    // The type is the lowest byte, the length the three above.
    view.setUint32(position, type + (CHECKSUM_BYTES + data.length) * 256, true)
    view.setUint32(position + HEADER_BYTES, checksum, true)
    framed.set(data, position + HEADER_BYTES + CHECKSUM_BYTES)
    position += HEADER_BYTES + CHECKSUM_BYTES + data.length
  }
  return framed
}

/**
 * What was framed: just `plainBytes`, or an error; more is never allocated, nor as much for so few bytes that they
 * cannot hold it. Stricter than the format in one thing: chunks without a checksum (types 0x02 and 0x03) are refused.
 *
 * @throws ERR_BATCH_INVALID, ERR_CHECKSUM
 */
export function decompressSnappy (framed: Uint8Array, plainBytes: number): Uint8Array {
  if (plainBytes > framed.length * MOST_PLAIN_A_BYTE) {
    throw invalid(`at most ${framed.length * MOST_PLAIN_A_BYTE} bytes of ${framed.length} compressed ones`, `${plainBytes} announced`)
  }
  const plain = new Uint8Array(plainBytes)
  const view = new DataView(framed.buffer, framed.byteOffset, framed.byteLength)
  let written = 0
  for (let position = 0; position < framed.length;) {
    const isFirst = position === 0
    if (position + HEADER_BYTES > framed.length) {
      throw invalid(`a chunk's header of ${HEADER_BYTES} bytes`, `${framed.length - position} bytes`)
    }
    const type = framed[position]
    const chunkBytes = Math.floor(view.getUint32(position, true) / 256)
    position += HEADER_BYTES
    if (position + chunkBytes > framed.length) {
      throw invalid(`a chunk of ${chunkBytes} bytes`, `${framed.length - position} bytes`)
    }
    const chunk = framed.subarray(position, position + chunkBytes)
    position += chunkBytes
    if (type === IDENTIFIER) {
      requireIdentifier(chunk)
    } else if (isFirst) {
      throw invalid('a stream identifier first', `a chunk of type ${hex(type)}`)
    } else if (type === COMPRESSED || type === RAW) {
      written += readData(type, chunk, plain, written)
    } else if (type < FIRST_SKIPPABLE) {
      throw invalid('a chunk with a checksum, or one that may be skipped', `type ${hex(type)}`)
    }
  }
  if (written !== plainBytes) {
    throw invalid(`${plainBytes} bytes, as announced`, `${written}`)
  }
  return plain
}

interface Chunk {
  readonly type: number
  readonly checksum: number
  readonly data: Uint8Array
}

/** Types of chunks. From 0x80 to 0xfe they may be skipped; 0xfe is padding. */
const COMPRESSED = 0x00
const RAW = 0x01
const FIRST_SKIPPABLE = 0x80
const IDENTIFIER = 0xff

/** Type and length. */
const HEADER_BYTES = 4
const CHECKSUM_BYTES = 4

/** Uncompressed, as the format has it. */
const MAXIMUM_CHUNK_BYTES = 65_536

/** A chunk of type 0xff with `sNaPpY`. */
const STREAM_IDENTIFIER = Uint8Array.of(0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59)

/** The densest element is a copy of 64 bytes in three. */
const MOST_PLAIN_A_BYTE = 22

/** Answers how many bytes the chunk held. */
function readData (type: number, chunk: Uint8Array, plain: Uint8Array, position: number): number {
  if (chunk.length < CHECKSUM_BYTES) {
    throw invalid('a checksum of 4 bytes', `a chunk of ${chunk.length}`)
  }
  const data = chunk.subarray(CHECKSUM_BYTES)
  const limitBytes = Math.min(MAXIMUM_CHUNK_BYTES, plain.length - position)
  let bytes = data.length
  if (type === COMPRESSED) {
    bytes = decompressBlock(data, plain, position, limitBytes)
  } else if (bytes > limitBytes) {
    throw invalid(`a raw chunk of at most ${limitBytes} bytes`, `one of ${bytes}`)
  } else {
    plain.set(data, position)
  }
  const found = new DataView(chunk.buffer, chunk.byteOffset).getUint32(0, true)
  const expected = maskedChecksum(plain.subarray(position, position + bytes))
  if (found !== expected) {
    throw new TwinwireError('ERR_CHECKSUM', 'a chunk is not what was sent', { expected: hex(expected), found: hex(found) })
  }
  return bytes
}

function requireIdentifier (chunk: Uint8Array): void {
  const name = STREAM_IDENTIFIER.subarray(HEADER_BYTES)
  if (chunk.length !== name.length || chunk.some((byte, i) => byte !== name[i])) {
    throw invalid('the identifier sNaPpY', 'another')
  }
}

/** Rotated by 15 bits, and a constant added: the checksum of data that has a checksum in it is a poor one. */
function maskedChecksum (bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (crc >>> 15 | crc << 17) + 0xa282ead8 >>> 0
}

function hex (value: number): string {
  return `0x${value.toString(16)}`
}

function invalid (expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_BATCH_INVALID', 'the framing of Snappy is not valid', { expected, found })
}
