/**
 * Holm's step-down correction (1979): p-values that, each compared with alpha, keep the chance of any false alarm among
 * all of them below alpha, whatever their dependence. The order of the input is kept.
 */
export function holm (pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => pValues[a] - pValues[b])
  const adjusted = Array.from(pValues, () => 1)
  let highest = 0
  order.forEach((index, rank) => {
    highest = Math.max(highest, Math.min(1, pValues[index] * (pValues.length - rank)))
    adjusted[index] = highest
  })
  return adjusted
}
