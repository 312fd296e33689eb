/**
 * The round trip to assume of a peer that nothing is known of: geth's choice, the sqrt(n)-th smallest of the peers' that
 * are known (zero-based), which is that of the good ones without being the single best. Undefined of nobody.
 */
export function populationRttMs (srttsMs: readonly number[]): number | undefined {
  const sorted = srttsMs.toSorted((a, b) => a - b)
  return sorted[Math.min(Math.floor(Math.sqrt(sorted.length)), sorted.length - 1)]
}
