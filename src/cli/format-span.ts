/** A time for a reader who waits: `41 s`, `3 min 5 s`. */
export function formatSpan (timeMs: number): string {
  const seconds = Math.ceil(timeMs / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
