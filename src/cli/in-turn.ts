/** How much may go on at a time. */
export interface Room<Item> {
  /** What all that are under way may weigh together. */
  readonly capacity: number
  /** At most the capacity: that one goes alone. */
  readonly weightOf: (item: Item) => number
}

/**
 * Works on the first item in order that there is room for, again and again, until all are done or the signal aborts; what
 * is under way then is waited for.
 *
 * @throws what `work` throws
 */
export async function inTurn<Item> (items: readonly Item[], { capacity, weightOf }: Room<Item>, signal: AbortSignal, work: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items]
  const underWay = new Set<Promise<void>>()
  let taken = 0
  while (left.length > 0 && !signal.aborted) {
    const next = left.findIndex(item => taken + weightOf(item) <= capacity)
    if (next === -1) {
      await Promise.race(underWay)
      continue
    }
    const [item] = left.splice(next, 1)
    const weight = weightOf(item)
    taken += weight
    const run = work(item).finally(() => {
      taken -= weight
      underWay.delete(run)
    })
    underWay.add(run)
  }
  await Promise.all(underWay)
}
