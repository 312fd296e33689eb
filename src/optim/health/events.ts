import type { RecordedEvent } from '../../core/recorder.ts'
import type { Condition } from './conditions.ts'
import type { LocalReason } from './local-health.ts'
import type { AccrualReason } from './outlier-detection.ts'

/** Everything that the health monitor finds and does, each with its one reason. `peer` is an id as text. */
export type HealthEvent =
  | ProbeEvent | StateEvent | EjectedEvent | ReadmittedEvent | ConditionEvent | RecoveryEvent | LocalEvent

/** `idle`: not monitored, since there is no connection and nothing is awaited. `silent`: a probe went out into silence. */
export type LivenessState = 'idle' | 'alive' | 'silent' | 'dead'

/** Why a peer is in another state. */
export type StateReason =
  /** A connection was opened. */
  | 'opened'
  /** Anything came from it. */
  | 'life'
  /** Nothing came for long. */
  | 'silence'
  /** ... and it is unusual for the peer; its probe's time is over; or so many probes failed. */
  | 'suspicion' | 'unanswered' | 'probe-failed'
  /** Its last connection closed. */
  | 'closed'
  /** A connection could not be had again and again. */
  | 'given-up'

interface Base<Type extends string> extends RecordedEvent {
  readonly type: Type
}

/** A probe was sent, or ended. */
export interface ProbeEvent extends Base<'health:probe'> {
  readonly peer: string
  /** `silence`, `interval`: why it was sent. The rest: how it ended. */
  readonly reason: 'silence' | 'interval' | 'answered' | 'unsupported' | 'failed' | 'timeout'
}

/** A peer is in another state. */
export interface StateEvent extends Base<'health:state'> {
  readonly peer: string
  readonly from: LivenessState
  readonly to: LivenessState
  readonly reason: StateReason
  /** Since the last sign of life, this node's own stalls taken out. */
  readonly silentMs: number
}

/** A peer is left alone for a while. */
export interface EjectedEvent extends Base<'health:ejected'> {
  readonly peer: string
  readonly reason: AccrualReason | 'outlier' | 'probe-failed'
  readonly forMs: number
  /** Which one in a row it is. */
  readonly times: number
}

/** An ejected peer may be asked again. */
export interface ReadmittedEvent extends Base<'health:readmitted'> {
  readonly peer: string
  /** `yielded`: its time was over, and another's place was needed. `cap`: fewer peers are known now. */
  readonly reason: 'probe-answered' | 'yielded' | 'cap'
}

/** A condition of a peer, or of the node as a whole, began or ended. */
export interface ConditionEvent extends Base<'health:condition'> {
  /** '' where it is the node's as a whole. */
  readonly peer: string
  readonly condition: Condition
  readonly phase: 'entered' | 'left'
  /** `change`: found in what this peer's traffic measures. `share`: as many peers have it, or have it no more. */
  readonly reason: 'change' | 'share'
  /** From when it began, by the estimate, until it was found. */
  readonly detectionDelayMs: number
}

/** The connection to a dead peer is being replaced, or was. */
export interface RecoveryEvent extends Base<'health:recovery'> {
  readonly peer: string
  readonly phase: 'started' | 'done' | 'failed'
  /** `dead` of one that starts, `connected` of one that is done, the error's code or name of one that failed. */
  readonly reason: string
}

/** The score of the node itself changed. */
export interface LocalEvent extends Base<'health:local'> {
  readonly reason: LocalReason
  /** 0 to 7. */
  readonly score: number
  /** All time since the start in which this node stood still. */
  readonly stalledMs: number
}

/** A snapshot; the first five are levels, the others count from the start. */
export interface HealthMetrics {
  readonly peers: number
  /** Of these, with a connection or awaited answers. */
  readonly monitored: number
  readonly dead: number
  /** Half-open ones included. */
  readonly ejected: number
  /** 0 to 7. */
  readonly localScore: number
  readonly probes: number
  readonly failedProbes: number
  readonly deaths: number
  readonly ejections: number
  /** Ejections that the cap or the freeze did not allow. */
  readonly ejectionsRefused: number
  readonly readmissions: number
  readonly recoveries: number
  readonly failedRecoveries: number
  readonly stalledMs: number
}
