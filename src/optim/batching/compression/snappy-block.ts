import { compress } from 'snappyjs'
import { TwinwireError } from '../../../core/errors.ts'

/** One block of Snappy's own format (google/snappy, format_description.txt), without a frame around it. */
export function compressBlock (bytes: Uint8Array): Uint8Array {
  return compress(bytes)
}

/**
 * Decompresses a block into `target` from `position` on, and answers how many bytes it was. The block may announce at
 * most `limitBytes`, and must yield just what it announces.
 *
 * Not snappyjs's own: that takes blocks that yield more or less than they announce, or that end within an element, and
 * loops for ever where a literal's length has its highest bit set.
 *
 * @throws ERR_BATCH_INVALID
 */
export function decompressBlock (block: Uint8Array, target: Uint8Array, position: number, limitBytes: number): number {
  let read = 0
  let announced = 0
  for (let weight = 1; ; weight *= 128) {
    if (read === block.length || weight > LONGEST_WEIGHT) {
      throw invalid('a length of at most 5 bytes', `none in ${block.length} bytes`)
    }
    const byte = block[read++]
    announced += byte % 128 * weight
    if (byte < 128) {
      break
    }
  }
  if (announced > limitBytes) {
    throw invalid(`a block of at most ${limitBytes} bytes`, `one of ${announced}`)
  }

  const end = position + announced
  let written = position
  while (read < block.length) {
    const tag = block[read++]
    const kind = tag & 3
    let length = (tag >>> 2) + 1
    if (kind === LITERAL) {
      const lengthBytes = length - 60
      if (lengthBytes > 0) {
        length = littleEndian(block, read, lengthBytes) + 1
        read += lengthBytes
      }
      if (read + length > block.length) {
        throw invalid(`a literal of ${length} bytes`, `${Math.max(0, block.length - read)} bytes`)
      }
      requireRoom(length, end - written)
      copy(block, read, target, written, length)
      read += length
    } else {
      let offset
      if (kind === COPY_WITH_1_BYTE) {
        length = (tag >>> 2 & 7) + 4
        offset = (tag >>> 5) * 256 + littleEndian(block, read, 1)
        read += 1
      } else {
        const offsetBytes = kind === COPY_WITH_2_BYTES ? 2 : 4
        offset = littleEndian(block, read, offsetBytes)
        read += offsetBytes
      }
      if (offset === 0 || offset > written - position) {
        throw invalid(`a copy from 1 to ${written - position} bytes back`, `${offset} bytes back`)
      }
      requireRoom(length, end - written)
      // Byte by byte: a copy may run into what it writes, and then repeats it.
      for (let i = 0; i < length; i++) {
        target[written + i] = target[written - offset + i]
      }
    }
    written += length
  }
  if (written !== end) {
    throw invalid(`${announced} bytes, as announced`, `${written - position}`)
  }
  return announced
}

/** Of a length's fifth and last byte. */
const LONGEST_WEIGHT = 128 * 128 * 128 * 128

/** The kind of an element: the two lowest bits of its tag. */
const LITERAL = 0
const COPY_WITH_1_BYTE = 1
const COPY_WITH_2_BYTES = 2

/** From here on a literal is copied by `set`, which costs more than it saves on shorter ones. */
const LONG_LITERAL_BYTES = 64

function copy (source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length >= LONG_LITERAL_BYTES) {
    target.set(source.subarray(from, from + length), to)
  } else {
    for (let i = 0; i < length; i++) {
      target[to + i] = source[from + i]
    }
  }
}

/** Up to four bytes: by multiplication, since shifts make the largest numbers negative. */
function littleEndian (block: Uint8Array, position: number, bytes: number): number {
  if (position + bytes > block.length) {
    throw invalid(`${bytes} bytes more of an element`, `${block.length - position}`)
  }
  let value = 0
  for (let i = bytes - 1; i >= 0; i--) {
    value = value * 256 + block[position + i]
  }
  return value
}

function requireRoom (length: number, room: number): void {
  if (length > room) {
    throw invalid(`at most ${room} bytes more`, `an element of ${length}`)
  }
}

function invalid (expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_BATCH_INVALID', 'a Snappy block is not valid', { expected, found })
}
