import type { RecordedEvent } from '../../core/recorder.ts'
import type { Tier } from './policy.ts'

/** What each event of one attempt says of it. */
interface AttemptEvent extends RecordedEvent {
  readonly peer: string
  readonly operation: string
  readonly requestId: number
  /** Unique within one `AdaptiveTimeouts`. */
  readonly attemptId: number
}

/** The first attempt of a request, one after a failed or overdue one, or one beside one that is still under way. */
export type AttemptKind = 'first' | 'retry' | 'hedge'

/** An attempt begins. */
export interface AttemptStarted extends AttemptEvent {
  readonly type: 'timeouts:attempt-started'
  /** 1 for the first. */
  readonly attempt: number
  readonly kind: AttemptKind
}

/** An attempt's answer is here, whether or not another one's was first. */
export interface AttemptAnswered extends AttemptEvent {
  readonly type: 'timeouts:attempt-answered'
  /** Since it was sent. */
  readonly elapsedMs: number
  /** The timeout that it had. */
  readonly timeoutMs: number
  /** False where Karn's rule kept the estimates from learning of it. */
  readonly valid: boolean
}

/** An attempt has outlasted its timeout. */
export interface AttemptOverdue extends AttemptEvent {
  readonly type: 'timeouts:attempt-overdue'
  readonly timeoutMs: number
  /** True where nothing could take its place, so that it goes on until the deadline; else, once sent, until what takes it is overdue as well. */
  readonly kept: boolean
}

/** An attempt ended with an error. */
export interface AttemptFailed extends AttemptEvent {
  readonly type: 'timeouts:attempt-failed'
  /** The error's code, or its name where it has none. */
  readonly reason: string
}

/** Why no further attempt was made. */
export type Refusal = 'not-idempotent' | 'futile' | 'attempts' | 'deadline' | 'budget'

/** No further attempt is made, though one failed or is overdue. */
export interface RetryRefused extends AttemptEvent {
  readonly type: 'timeouts:retry-refused'
  readonly reason: Refusal
}

/** The caller has the answer, or the error. */
export interface RequestSettled extends RecordedEvent {
  readonly type: 'timeouts:request-settled'
  readonly peer: string
  readonly operation: string
  readonly requestId: number
  readonly ok: boolean
  /** The error's code or name; '' where it was answered. */
  readonly reason: string
  /** Since `run` was called. */
  readonly elapsedMs: number
  readonly attempts: number
}

/** It is known now whether an overdue attempt was given up too soon. */
export interface TimeoutJudged extends AttemptEvent {
  readonly type: 'timeouts:judged'
  /** Whether the answer was merely late, or never came. */
  readonly verdict: 'spurious' | 'lost'
}

/** A peer is given more or less patience from here on. */
export interface TierChanged extends RecordedEvent {
  readonly type: 'timeouts:tier-changed'
  readonly peer: string
  readonly from: Tier
  readonly to: Tier
  readonly spuriousShare: number
  readonly lossShare: number
}

/** Everything that adaptive timeouts record. */
export type TimeoutEvent =
  | AttemptStarted
  | AttemptAnswered
  | AttemptOverdue
  | AttemptFailed
  | RetryRefused
  | RequestSettled
  | TimeoutJudged
  | TierChanged
