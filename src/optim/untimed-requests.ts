import { TIMERS_ROUND_MS } from './deadlines.ts'
import { underDeadline } from './deadline.ts'
import { Roster } from './roster.ts'
import type { Clock } from '../core/clock.ts'
import type { Listed } from './roster.ts'
import type { AttemptContext } from './timeouts/request.ts'

/** Requests where there are no adaptive timeouts: one attempt each, that may take all of its deadline. */
export class UntimedRequests {
  readonly #clock: Clock
  readonly #running = new Roster<Running>()
  #nextAttemptId = 1

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /**
   * @throws ERR_DEADLINE, what `parent` was aborted with, or what the attempt throws
   */
  async run<T> (deadlineMs: number, parent: AbortSignal | undefined, attempt: (context: AttemptContext) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const deadlineAtMs = this.#clock.now() + deadlineMs
    let gaveUpAtDeadline = false
    const onAbort = (): void => {
      // A caller whose own limit is the deadline may be told of it first.
      gaveUpAtDeadline = this.#clock.now() >= deadlineAtMs - TIMERS_ROUND_MS
      controller.abort(parent?.reason)
    }
    parent?.throwIfAborted()
    parent?.addEventListener('abort', onAbort, { once: true })
    const running: Running = { controller, place: 0 }
    this.#running.add(running)
    try {
      return await underDeadline(this.#clock, deadlineMs, controller.signal, deadline => attempt({
        signal: deadline.signal,
        attemptId: this.#nextAttemptId++,
        attempt: 1,
        kind: 'first',
        timeoutMs: deadlineMs,
        connecting () {},
        opening () {},
        sent () {},
        progress () {},
        shared () {},
        arrived () {},
        whenKept () {},
        get overdue () {
          return deadline.timedOut || gaveUpAtDeadline
        },
        get expired () {
          return deadline.timedOut || gaveUpAtDeadline
        }
      }))
    } finally {
      this.#running.delete(running)
      parent?.removeEventListener('abort', onAbort)
    }
  }

  /** Aborts all with `reason`. */
  stop (reason: Error): void {
    for (const { controller } of this.#running.members()) {
      controller.abort(reason)
    }
  }
}

interface Running extends Listed {
  readonly controller: AbortController
}
