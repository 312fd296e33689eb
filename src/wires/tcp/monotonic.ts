/**
 * Milliseconds of the operating system's monotonic clock, which is the same in every process of one machine:
 * `performance.now()` counts from the start of its process, and dates can be set.
 */
export function monotonicNowMs (): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}
