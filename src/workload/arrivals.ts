import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/clock.ts'
import type { RandomStream } from '../core/random.ts'

/** Times (milliseconds from 0, ascending) of a Poisson process: independent users who do not wait for each other. */
export function poissonArrivals (random: RandomStream, ratePerSecond: number, durationMs: number): number[] {
  const times: number[] = []
  for (let timeMs = random.exponential(1000 / ratePerSecond); timeMs < durationMs; timeMs += random.exponential(1000 / ratePerSecond)) {
    times.push(timeMs)
  }
  return times
}

/**
 * Starts `request` at each arrival (milliseconds on the clock, ascending), whether or not earlier ones are answered: a
 * slow system does not slow its users, as it would in a closed loop. Resolves when all have settled.
 *
 * @throws what `request` throws (it should record failures instead), or the signal's reason
 */
export async function openLoop (clock: Clock, arrivalsMs: readonly number[], request: (scheduledMs: number) => Promise<void>, signal?: AbortSignal): Promise<void> {
  const underWay: Array<Promise<void>> = []
  for (const scheduledMs of arrivalsMs) {
    const waitMs = scheduledMs - clock.now()
    if (waitMs > 0) {
      await sleep(clock, waitMs, signal)
    }
    signal?.throwIfAborted()
    const pending = request(scheduledMs)
    // It is awaited below; until then its failure must not count as unhandled.
    pending.catch(() => {})
    underWay.push(pending)
  }
  await Promise.all(underWay)
}
