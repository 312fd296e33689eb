import { sleep } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { Roster } from './roster.ts'
import { UntimedRequests } from './untimed-requests.ts'
import type { Clock } from '../core/clock.ts'
import type { Errand } from './errand.ts'
import type { NetworkHealth } from './health/network-health.ts'
import type { NetworkMeter } from './network-metrics.ts'
import type { AdaptiveTimeouts } from './timeouts/adaptive-timeouts.ts'
import type { Listed } from './roster.ts'
import type { AttemptContext } from './timeouts/request.ts'

export interface ErrandRunnerComponents {
  readonly clock: Clock
  readonly meter: NetworkMeter
  readonly health: NetworkHealth | undefined
  readonly timeouts: AdaptiveTimeouts | undefined
}

/** How an errand is to be run. */
export interface ErrandCourse<T> {
  /** What answers are expected to take alike. */
  readonly operation: string
  readonly attempt: (context: AttemptContext) => Promise<T>
}

/** Sees requests and messages through: the gate, the attempts, the count of how they ended. */
export class ErrandRunner {
  readonly #components: ErrandRunnerComponents
  readonly #untimed: UntimedRequests
  /** Errands that are not settled, and attempts of which something is left. */
  readonly #errands = new Roster<Running>()
  readonly #attempts = new Roster<Running>()

  constructor (components: ErrandRunnerComponents) {
    this.#components = components
    this.#untimed = new UntimedRequests(components.clock)
  }

  /**
   * @throws ERR_PEER_EJECTED, ERR_DEADLINE, ERR_STOPPED, what the errand's signal was aborted with, or the error of the last attempt
   */
  async run<T> (errand: Errand, course: ErrandCourse<T>): Promise<T> {
    const { clock, meter } = this.#components
    const startedMs = clock.now()
    meter.requested()
    try {
      const result = await tracked(this.#errands, this.#admitted(errand, course))
      meter.answered(clock.now() - startedMs)
      return result
    } catch (error) {
      meter.failed(error, errand.signal?.aborted === true)
      throw error
    }
  }

  /** Resolves when nothing runs any more, or after `deadlineMs`. */
  async settled (deadlineMs: number): Promise<void> {
    const controller = new AbortController()
    const deadline = sleep(this.#components.clock, deadlineMs, controller.signal).catch(() => {})
    await Promise.race([ended(this.#errands), deadline])
    controller.abort()
    await deadline
  }

  /** Rejects what still runs, and resolves when nothing of it is left. */
  async stop (reason: Error): Promise<void> {
    this.#components.timeouts?.stop()
    this.#untimed.stop(reason)
    await Promise.all([ended(this.#errands), ended(this.#attempts)])
  }

  async #admitted<T> (errand: Errand, course: ErrandCourse<T>): Promise<T> {
    const { clock, health } = this.#components
    const peer = errand.peer.toString()
    errand.signal?.throwIfAborted()
    const admittedMs = clock.now()
    const admission = health?.admit(peer, admittedMs) ?? 'open'
    if (admission === 'ejected') {
      throw new TwinwireError('ERR_PEER_EJECTED', `the peer ${peer} failed too often lately, and is left alone for a while`)
    }
    if (admission === 'open') {
      return await this.#timed(errand, course)
    }
    const attempts: Array<Promise<unknown>> = []
    const attempt = (context: AttemptContext): Promise<T> => {
      const running = course.attempt(context)
      attempts.push(running)
      return running
    }
    try {
      return await this.#timed(errand, { ...course, attempt })
    } finally {
      // Only when the attempts have said what they had to say, which the last of them may do after the errand has failed.
      void Promise.allSettled(attempts).then(() => health?.withdraw(peer, admittedMs))
    }
  }

  async #timed<T> (errand: Errand, { operation, attempt }: ErrandCourse<T>): Promise<T> {
    const { timeouts } = this.#components
    const { peer, payload, expectedReplyBytes, serverTimeMs, deadlineMs, idempotent, signal } = errand
    const trackedAttempt = (context: AttemptContext): Promise<T> => tracked(this.#attempts, attempt(context))
    if (timeouts === undefined) {
      return await this.#untimed.run(deadlineMs, signal, trackedAttempt)
    }
    const request = {
      peer, operation, idempotent, deadlineMs, bytes: payload.byteLength, expectedReplyBytes, serverTimeMs, ...signal && { signal }
    }
    return await timeouts.run(request, trackedAttempt)
  }
}

interface Running extends Listed {
  readonly promise: Promise<unknown>
}

async function tracked<T> (roster: Roster<Running>, promise: Promise<T>): Promise<T> {
  const running: Running = { promise, place: 0 }
  roster.add(running)
  try {
    return await promise
  } finally {
    roster.delete(running)
  }
}

/** Resolves when none is left, those that come meanwhile included. */
async function ended (roster: Roster<Running>): Promise<void> {
  while (roster.size > 0) {
    await Promise.allSettled(roster.members().map(({ promise }) => promise))
  }
}
