import { TraceHash } from '../core/trace-hash.ts'
import type { EventLog } from './event-log.ts'

/** The same hash, of which a log has each event too. */
export class LoggedTraceHash extends TraceHash {
  readonly #log: EventLog
  readonly #nameOf: (operation: number) => string

  constructor (log: EventLog, nameOf: (operation: number) => string) {
    super()
    this.#log = log
    this.#nameOf = nameOf
  }

  override mixEvent (timeNs: number, operation: number, argument: number): void {
    super.mixEvent(timeNs, operation, argument)
    this.#log.event(timeNs, operation, argument, this.#nameOf)
  }
}
