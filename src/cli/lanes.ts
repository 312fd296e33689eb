/** Takes items in order, so many at a time, until the signal aborts; what is under way then is waited for. */
export async function inLanes<T> (items: readonly T[], lanes: number, signal: AbortSignal, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      const { value, done } = queue.next()
      if (done === true) {
        return
      }
      await work(value)
    }
  }
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane))
}
