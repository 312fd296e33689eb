/** As `Promise.all` over the items, but so many under way at a time. */
export async function atATime<Item, Result> (limit: number, items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  const left = items.entries()
  const lane = async (): Promise<void> => {
    for (const [index, item] of left) {
      results[index] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane))
  return results
}
