import type { Clock } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Listed } from '../roster.ts'
import type { TimeoutEvent } from './events.ts'
import type { TimeoutSettings } from './options.ts'
import type { PeerLedger } from './peer-ledger.ts'
import type { TimeoutPolicy } from './policy.ts'
import type { RetryBudget } from './retry-budget.ts'

/** An event without what is the same for all of one enforcer. */
export type TimeoutOccurrence = TimeoutEvent extends infer Event ? Event extends TimeoutEvent ? Omit<Event, 'timeMs' | 'host'> : never : never

/** A run, to those who need not know what it answers. */
export interface Cancellable extends Listed {
  cancel(reason: unknown): void
}

/** What the runs of one enforcer share. */
export interface RunEnvironment {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly random: RandomStream
  readonly settings: TimeoutSettings
  readonly policy: TimeoutPolicy
  readonly ledger: PeerLedger
  /** Times as long as usual that attempts are to wait now. */
  readonly timeoutFactor: () => number
  readonly budget: RetryBudget
  nextAttemptId(): number
  emit(event: TimeoutOccurrence): void
  /** Nothing of the run is left: no attempt, timer or listener. */
  finished(run: Cancellable): void
}
