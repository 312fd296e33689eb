import { TwinwireError } from '../core/errors.ts'
import type { RunOutcome, RunRequest, Wire } from './wire.ts'

/** The whole, unmodified js-libp2p over simulated TCP, in virtual time. */
export class StackWire implements Wire {
  readonly name = 'stack'

  async run (_request: RunRequest): Promise<RunOutcome> {
    throw new TwinwireError('ERR_UNSUPPORTED', 'the stack wire is not there yet')
  }

  async stop (): Promise<void> {}
}
