/**
 * How many bytes may wait unsent in a socket before whoever writes is asked to pause: Node's writable buffer of 64 KiB,
 * and about as much that the kernel has taken and not yet sent. The pause ends when TCP's `lowWaterBytes` are left.
 */
export const SEND_HIGH_WATER_BYTES = 128 * 1024

/** Whether more may be written to a socket without waiting for its drain. */
export function takesMore ({ unsentBytes }: { readonly unsentBytes: number }): boolean {
  return unsentBytes < SEND_HIGH_WATER_BYTES
}
