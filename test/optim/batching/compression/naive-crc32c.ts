/** CRC-32C bit by bit, by the definition: a division of polynomials over the reflected bytes (RFC 3720, 12.1). */
export function naiveCrc32c (bytes: Uint8Array): number {
  let remainder = 0xffffffff
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const carry = (remainder ^ byte >>> bit) & 1
      remainder = remainder >>> 1 ^ (carry === 1 ? 0x82f63b78 : 0)
    }
  }
  return (remainder ^ 0xffffffff) >>> 0
}

/** As the framing format's C code has it, little-endian. */
export function naiveChecksum (bytes: Uint8Array): number[] {
  const crc = BigInt(naiveCrc32c(bytes))
  const masked = Number(((crc >> 15n | crc << 17n) & 0xffffffffn) + 0xa282ead8n & 0xffffffffn)
  return [0, 8, 16, 24].map(shift => masked >>> shift & 0xff)
}
