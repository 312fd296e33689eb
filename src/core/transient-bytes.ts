/** At that size a buffer of its own costs no more than its contents do. */
const LARGE_BYTES = 512
/** What one small message that is not let go of keeps at most. */
const SLAB_BYTES = 2 * 1024

let slab = new ArrayBuffer(SLAB_BYTES)
let usedBytes = 0

/**
 * Zeroed bytes for what is soon let go of. Small ones lie beside others in one buffer: a buffer of its own takes longer to
 * make than such a message to copy. So they are not for what is kept, which would keep all that lies beside it, nor for
 * whoever uses their `buffer` and not the part of it that they are.
 */
export function transientBytes (byteLength: number): Uint8Array {
  if (byteLength >= LARGE_BYTES) {
    return new Uint8Array(byteLength)
  }
  // One that somebody transferred to another thread has no bytes left.
  if (usedBytes + byteLength > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_BYTES)
    usedBytes = 0
  }
  const bytes = new Uint8Array(slab, usedBytes, byteLength)
  usedBytes += byteLength
  return bytes
}
