import type { ByteQueue } from './byte-queue.ts'

/**
 * How many bytes each message of a libp2p session takes inside TCP, for Ed25519 identities, Noise XX and yamux with
 * early muxer negotiation. Checked against a recording of the real stack.
 */

const MULTISTREAM = '/multistream/1.0.0'

// The messages of the handshake, by what is written to the socket at a time.

/** multistream-select: lines, each its length and then itself. */
export const HEADER_WRITES = lineWrites(MULTISTREAM)
export const NOISE_WRITES = lineWrites('/noise')

// Noise messages have a 2-byte length (libp2p noise spec); e and encrypted s take 32 and 48 bytes, a tag 16.
// The payload's protobuf: identity key 38, signature 66, extensions with one muxer's name 16.
const NOISE_PAYLOAD_BYTES = 38 + 66 + 16
export const NOISE_MESSAGE_1_WRITES: readonly number[] = [2, 32]
export const NOISE_MESSAGE_2_WRITES: readonly number[] = [2, 32, 48, NOISE_PAYLOAD_BYTES + 16]
export const NOISE_MESSAGE_3_WRITES: readonly number[] = [2, 48, NOISE_PAYLOAD_BYTES + 16]

/** yamux: version, type, flags, stream and length. */
export const YAMUX_HEADER_BYTES = 12

export const NOISE_LENGTH_BYTES = 2
export const NOISE_TAG_BYTES = 16
/** What fits one Noise transport message of 65,535 bytes beside its tag. */
export const NOISE_MAX_PLAINTEXT_BYTES = 65_535 - NOISE_TAG_BYTES

/** One multistream-select line with its length prefix and line feed. */
export function encodeNegotiation (...lines: string[]): Uint8Array {
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + negotiationBytes(line), 0))
  let offset = 0
  for (const line of lines) {
    // Lines are shorter than 127 bytes, so that their varint length is one byte: see `MAX_PROTOCOL_BYTES`.
    bytes[offset++] = line.length + 1
    for (let i = 0; i < line.length; i++) {
      bytes[offset++] = line.charCodeAt(i)
    }
    bytes[offset++] = 10
  }
  return bytes
}

/** The first multistream-select line, taken out of `bytes`; undefined where not all of it is there. */
export function decodeLine (bytes: ByteQueue): string | undefined {
  const length = bytes.first
  if (length === undefined || bytes.byteLength < 1 + length) {
    return undefined
  }
  const line = bytes.take(1 + length)
  let text = ''
  // Without its length prefix and line feed.
  for (let i = 1; i < length; i++) {
    text += String.fromCharCode(line[i])
  }
  return text
}

export const MULTISTREAM_HEADER = MULTISTREAM
export const NOT_AVAILABLE = 'na'
/** The longest protocol name that the model negotiates: its length prefix stays one byte. */
export const MAX_PROTOCOL_BYTES = 126

function lineWrites (line: string): readonly number[] {
  return [1, line.length + 1]
}

function negotiationBytes (line: string): number {
  return 1 + line.length + 1
}
