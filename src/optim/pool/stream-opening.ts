import { TwinwireError } from '../../core/errors.ts'
import { afterReading } from './late.ts'
import type { Clock } from '../../core/clock.ts'
import type { Connection, Stream } from '../port.ts'
import type { Deadlines } from '../deadlines.ts'

export interface StreamOpeningCallbacks {
  readonly onStream: (stream: Stream, tookMs: number) => void
  readonly onRefusal: (error: unknown) => void
  /** Nothing came back in time, neither yes nor no. */
  readonly onTimeout: (error: TwinwireError) => void
}

/** The opening of one stream. One of the callbacks is called, once, unless it is cancelled. */
export class StreamOpening {
  readonly startedMs: number
  readonly #controller = new AbortController()
  readonly #timer: { cancel(): void }
  #over = false

  constructor (connection: Connection, protocol: string, timeoutMs: number, { clock, deadlines }: { readonly clock: Clock, readonly deadlines: Deadlines }, callbacks: StreamOpeningCallbacks) {
    this.startedMs = clock.now()
    this.#timer = afterReading(deadlines, clock, timeoutMs, () => {
      const error = new TwinwireError('ERR_TIMEOUT', `no stream after ${timeoutMs} ms`)
      this.cancel(error)
      callbacks.onTimeout(error)
    })
    void this.#open(connection, protocol).then(stream => {
      if (this.#over) {
        stream.abort(new TwinwireError('ERR_ABORTED', 'the stream is no longer wanted'))
      } else {
        this.#end()
        callbacks.onStream(stream, clock.now() - this.startedMs)
      }
    }, (error: unknown) => {
      if (!this.#over) {
        this.#end()
        callbacks.onRefusal(error)
      }
    })
  }

  cancel (reason: unknown): void {
    if (!this.#over) {
      this.#end()
      this.#controller.abort(reason)
    }
  }

  /** Async, so that what a connection throws at once comes as late as what it rejects with. */
  async #open (connection: Connection, protocol: string): Promise<Stream> {
    return await connection.newStream(protocol, { signal: this.#controller.signal })
  }

  #end (): void {
    this.#over = true
    this.#timer.cancel()
  }
}
