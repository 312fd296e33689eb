import { MUXER_WINDOW_BYTES } from '../readable.ts'

/** A window that is narrower would not hold one full batch, and the flow would stand still between two. */
export const MINIMUM_WINDOW_BYTES = 64 * 1024
/** As far as yamux's own window grows. */
export const MAXIMUM_WINDOW_BYTES = MUXER_WINDOW_BYTES

export function withinWindowBounds (bytes: number): number {
  return Math.min(Math.max(bytes, MINIMUM_WINDOW_BYTES), MAXIMUM_WINDOW_BYTES)
}
