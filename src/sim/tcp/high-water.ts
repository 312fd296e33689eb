/**
 * How many bytes may wait unsent in a socket before its user is asked to pause: Node's writable buffer of 64 KiB and
 * about as much not yet sent in the kernel.
 */
export const SEND_HIGH_WATER_BYTES = 128 * 1024
