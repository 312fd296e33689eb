const BATCH = 5

/**
 * How many values at the beginning of a series to leave out, as those of a system that has not settled: MSER-5 (White 1997;
 * batches of five: White, Cobb and Spratt 2000). The rest is then the one whose mean has the smallest standard error. Only
 * the first half is considered, since a minimum beyond it rests on too few values (White and Robinson 2010): a result of half
 * the series means that it may not have settled at all.
 *
 * @param series in the order of time
 * @returns a multiple of 5; 0 for fewer than 10 values
 */
export function mserTruncation (series: ArrayLike<number>): number {
  const means = batchMeans(series)
  const count = means.length
  // From the end, so that each truncation adds one batch to the mean and the squares of the ones behind it (Welford 1962).
  let mean = 0
  let squares = 0
  let least = Infinity
  let truncation = 0
  for (let first = count - 1; first >= 0; first--) {
    const kept = count - first
    const distance = means[first] - mean
    mean += distance / kept
    squares += distance * (means[first] - mean)
    const statistic = squares / (kept * kept)
    // Of equals the earliest: nothing is left out without a reason.
    if (first <= count / 2 && statistic <= least) {
      least = statistic
      truncation = first
    }
  }
  return truncation * BATCH
}

/** What does not fill a batch at the end is left out. */
function batchMeans (series: ArrayLike<number>): Float64Array {
  const means = new Float64Array(Math.floor(series.length / BATCH))
  for (let i = 0; i < means.length; i++) {
    for (let j = 0; j < BATCH; j++) {
      means[i] += series[i * BATCH + j] / BATCH
    }
  }
  return means
}
