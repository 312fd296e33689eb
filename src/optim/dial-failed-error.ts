import { TwinwireError } from '../core/errors.ts'

/** ERR_DIAL_FAILED, and when another dial may do better. */
export class DialFailedError extends TwinwireError {
  /** For so long every address of the peer is backed off, in milliseconds; 0 where one is due. */
  readonly retryAfterMs: number

  constructor (message: string, retryAfterMs: number, cause: unknown) {
    super('ERR_DIAL_FAILED', message, { cause })
    this.retryAfterMs = retryAfterMs
  }
}
