import type { Clock, Timer } from '../../core/clock.ts'
import type { Deadlines } from '../deadlines.ts'

/** A timer later than this was held up by the event loop. */
const LATE_MS = 20
/** Gives the event loop a turn or two to read in. */
const READING_MS = 10

/**
 * Like `deadlines.after`, for what is found missing then: where the event loop stood still meanwhile, timers run before
 * what was received is read, and the answer may lie there. Such a deadline is put off, once, until it was read.
 */
export function afterReading (deadlines: Deadlines, clock: Clock, delayMs: number, callback: () => void): Timer {
  const dueMs = clock.now() + delayMs
  let timer = deadlines.after(delayMs, () => {
    if (clock.now() - dueMs > LATE_MS) {
      timer = deadlines.after(READING_MS, callback)
    } else {
      callback()
    }
  })
  return { cancel: () => timer.cancel() }
}
