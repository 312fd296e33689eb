/** How much may go on at a time. */
export interface Room<Item> {
  /** What all that are under way may weigh together. */
  readonly capacity: number
  /** One of the capacity, or more, goes alone. */
  readonly weightOf: (item: Item) => number
}

/** So many at a time, whatever they are. */
export function atATime (count: number): Room<unknown> {
  return { capacity: count, weightOf: () => 1 }
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
    const next = left.findIndex(item => underWay.size === 0 || taken + weightOf(item) <= capacity)
    if (next === -1) {
      await Promise.race(underWay)
      continue
    }
    const [item] = left.splice(next, 1)
    const weight = weightOf(item)
    taken += weight
    // One that fails stays, for whoever waits next to throw what it threw.
    const run = work(item).then(() => {
      taken -= weight
      underWay.delete(run)
    })
    underWay.add(run)
  }
  await Promise.all(underWay)
}
