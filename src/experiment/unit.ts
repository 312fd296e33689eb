import type { PacketLateness, WireName } from '../wires/wire.ts'
import type { Course } from './course.ts'
import type { SampleEvent } from './definition.ts'

export type { PacketLateness, RunParameters, WireName } from '../wires/wire.ts'

/** What tells one run of an experiment from all others. */
export interface UnitKey {
  readonly wire: WireName
  readonly case: string
  readonly arm: string
  readonly seed: string
}

/** Why a run did not end well. */
export interface UnitError {
  readonly code: string
  readonly message: string
}

/** What one run yielded. A run that failed keeps the samples it had recorded until then. */
export interface UnitResult extends UnitKey {
  readonly samples: readonly SampleEvent[]
  /** Over everything that happened; only where time is virtual. */
  readonly traceHash?: string
  /** What happened inside; only of the runs that were chosen for it. */
  readonly course?: Course
  readonly packetLateness?: PacketLateness
  /** How busy the machine was, 0 to 1; only of real peers. */
  readonly busyShare?: number
  readonly error?: UnitError
}
