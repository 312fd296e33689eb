import type { UnitError, UnitKey } from '../experiment/unit.ts'
import type { RunParameters } from '../wires/wire.ts'

/** What a process of `verify` is sent: plain data, that JSON can hold, because its Node may be another. */
export interface VerifyTask {
  readonly experiment: string
  /** A URL. */
  readonly experimentsDirectory: string
  /** A URL: as in `Machinery`. */
  readonly simWorker: string
  readonly parameters: RunParameters
  readonly units: readonly UnitKey[]
  /** How many run at a time. */
  readonly jobs: number
  readonly unitLimitMs: number
  readonly graceMs: number
  /** The unit, by its index, whose events are written to a file. */
  readonly eventLog?: { readonly unit: number, readonly path: string }
}

/** What it sends back: of each unit, as soon as it is over, what is to be the same everywhere. */
export interface VerifyMessage extends VerifiedRun {
  /** The index of its unit. */
  readonly unit: number
  /** Real time, in milliseconds. */
  readonly tookMs: number
}

export interface VerifiedRun {
  /** Absent where the run came to nothing. */
  readonly traceHash?: string
  readonly error?: UnitError
}
