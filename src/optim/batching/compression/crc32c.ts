/** CRC-32C (Castagnoli), RFC 3720 section 12.1: as an unsigned number. */
export function crc32c (bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) {
    crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ crc >>> 8
  }
  return ~crc >>> 0
}

/** 0x11edc6f41 with its bits reversed: the lowest bit of a byte goes first. */
const POLYNOMIAL = 0x82f63b78

/** What a byte that leaves the register adds to it. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) {
    crc = (crc & 1) === 0 ? crc >>> 1 : crc >>> 1 ^ POLYNOMIAL
  }
  return crc
})
