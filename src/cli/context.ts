import type { Writable } from 'node:stream'
import type { Machinery } from './execute.ts'

/** A stream that may be a terminal. */
export interface Output extends Writable {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Everything that the commands touch outside themselves; tests put their own in its place. */
export interface CliContext {
  /** Results only. */
  readonly stdout: Output
  /** Progress and errors. */
  readonly stderr: Output
  readonly machinery: Machinery
  /** Aborted by Ctrl-C and SIGTERM, with an `Interruption`. */
  readonly signal: AbortSignal
  readonly workingDirectory: string
  /** The process's variables. Absent: none is set. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}
