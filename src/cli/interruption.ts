import { TwinwireError } from '../core/errors.ts'
import { ExitCode } from './options.ts'

const EXIT_CODES = { SIGINT: ExitCode.interrupted, SIGTERM: ExitCode.terminated } as const

/** The signals that cut a run short; what is finished by then is kept. */
export type InterruptSignal = keyof typeof EXIT_CODES

/** Why a command's `AbortSignal` was aborted. */
export class Interruption extends TwinwireError {
  readonly exitCode: number

  constructor (signal: InterruptSignal) {
    super('ERR_INTERRUPTED', 'interrupted', { found: signal })
    this.exitCode = EXIT_CODES[signal]
  }
}

/** What a command that was cut short ends the process with. */
export function interruptedExitCode ({ reason }: AbortSignal): number {
  return reason instanceof Interruption ? reason.exitCode : ExitCode.interrupted
}
