import type { Clock } from '../core/clock.ts'
import { timeoutSignal } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import type { Recorder } from '../core/recorder.ts'

/** One measured value. A failure counts as a sample too: its value is how long it took to fail. */
export interface SampleEvent {
  readonly type: 'sample'
  /** When it was complete. */
  readonly timeMs: number
  readonly host: string
  readonly metric: string
  readonly value: number
  readonly ok: boolean
  /** The error's code (or class, where it is somebody else's) where `ok` is false, otherwise ''. */
  readonly reason: string
}

/** Who measures: any host of a run. */
export interface Observer {
  readonly name: string
  readonly clock: Clock
  readonly recorder: Recorder
  readonly signal: AbortSignal
}

/** Records one value. */
export function recordSample ({ name, clock, recorder }: Observer, metric: string, value: number, failure?: unknown): void {
  const sample: SampleEvent = {
    type: 'sample', timeMs: clock.now(), host: name, metric, value, ok: failure === undefined, reason: failure === undefined ? '' : reasonOf(failure)
  }
  recorder.record(sample)
}

/**
 * Runs `action` under a deadline and records how long it took, in milliseconds from `startMs` (default: now; an open
 * loop gives the scheduled arrival). What fails because the run is over is not recorded.
 *
 * @throws what the action throws; ERR_DEADLINE as its signal's reason when the deadline has passed
 */
export async function measure<T> (observer: Observer, metric: string, deadlineMs: number, action: (signal: AbortSignal) => Promise<T>, startMs = observer.clock.now()): Promise<T> {
  const { clock, signal } = observer
  const remainingMs = Math.max(0, startMs + deadlineMs - clock.now())
  using deadline = timeoutSignal(clock, remainingMs, signal)
  try {
    const result = await action(deadline.signal)
    recordSample(observer, metric, clock.now() - startMs)
    return result
  } catch (error) {
    if (!signal.aborted) {
      recordSample(observer, metric, clock.now() - startMs, deadline.timedOut ? new TwinwireError('ERR_DEADLINE', `no answer within ${deadlineMs} ms`) : error)
    }
    throw error
  }
}

function reasonOf (failure: unknown): string {
  if (failure instanceof Error) {
    return 'code' in failure && typeof failure.code === 'string' ? failure.code : failure.name
  }
  return 'Error'
}
