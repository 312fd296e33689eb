import { TwinwireError } from '../../core/errors.ts'
import { allowanceMs, attemptTimeoutMs, roundTripMs } from './attempt-timeout.ts'
import { decorrelatedJitterMs } from './decorrelated-jitter.ts'
import { reasonOf, refusalOf } from './retry-decision.ts'
import { RunningAttempt } from './running-attempt.ts'
import { TIMERS_ROUND_MS } from '../deadlines.ts'
import type { Timer } from '../../core/clock.ts'
import type { AttemptKind } from './events.ts'
import type { PeerRecord, Verdict } from './peer-ledger.ts'
import type { PeerConditions } from './policy.ts'
import type { Attempt, TimedRequest } from './request.ts'
import type { Cancellable, RunEnvironment } from './run-environment.ts'

/**
 * One request from its first attempt until nothing of it is left. It settles once; attempts that another was faster than
 * go on for the rest of their own timeouts, because their end is what the estimates and the pool need to hear of: were
 * they cut off, only the fast answers would be learnt from, and each hedge would cost a stream.
 *
 * For the same reason an overdue attempt goes on beside the one that takes its place, until that is overdue as well: TCP
 * takes an acknowledgement of what it has sent again, too, and only by it learns that its timeout was too short (F-RTO,
 * RFC 5682; Eifel, RFC 3522). Under a queue that grows it is the first attempt whose answer comes first.
 */
export class RequestRun<T> implements Cancellable {
  place = 0
  readonly #environment: RunEnvironment
  readonly #request: TimedRequest
  readonly #attempt: Attempt<T>
  readonly #requestId: number
  readonly #record: PeerRecord
  readonly #peer: string
  readonly #allowanceMs: number
  /** The part of it until the reply begins. */
  readonly #requestAllowanceMs: number
  readonly #startedAtMs: number
  readonly #deadlineAtMs: number
  readonly #settled = Promise.withResolvers<T>()
  /** Attempts under way, overdue ones that were kept included. */
  readonly #live = new Set<RunningAttempt>()
  /** Overdue attempts of which it is not known yet whether they were slow or lost. */
  readonly #unjudged = new Set<RunningAttempt>()
  #deadlineTimer: Timer | undefined
  #retryTimer: Timer | undefined
  #hedgeTimer: Timer | undefined
  #retryDelayMs = 0
  #attempts = 0
  /** The first of the attempts that the far side may answer alike. */
  #firstShared: number | undefined
  #hedged = false
  #done = false

  constructor (environment: RunEnvironment, requestId: number, request: TimedRequest, attempt: Attempt<T>) {
    this.#environment = environment
    this.#request = request
    this.#attempt = attempt
    this.#requestId = requestId
    this.#peer = request.peer.toString()
    this.#record = environment.ledger.peer(this.#peer)
    const { bytes = 0, expectedReplyBytes = 0, serverTimeMs = 0 } = request
    const { rateBitsPerSecond } = environment.settings
    this.#requestAllowanceMs = allowanceMs({ bytes, rateBitsPerSecond, serverTimeMs })
    this.#allowanceMs = allowanceMs({ bytes: bytes + expectedReplyBytes, rateBitsPerSecond, serverTimeMs })
    this.#startedAtMs = environment.clock.now()
    this.#deadlineAtMs = this.#startedAtMs + (request.deadlineMs ?? Infinity)
  }

  /** Makes the first attempt. The promise settles once, however many follow. */
  start (): Promise<T> {
    const { deadlines, budget } = this.#environment
    this.#request.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#deadlineAtMs !== Infinity) {
      this.#deadlineTimer = deadlines.after(this.#deadlineAtMs - this.#startedAtMs, () => this.#onDeadline())
    }
    budget.deposit(this.#startedAtMs)
    this.#begin('first')
    return this.#settled.promise
  }

  /** Rejects, and gives up all attempts without learning from them. */
  cancel (reason: unknown): void {
    this.#settle({ ok: false, error: reason })
    this.#unjudged.clear()
    for (const attempt of this.#live) {
      this.#giveUp(attempt, reason)
    }
    this.#finishWhenOver()
  }

  #begin (kind: AttemptKind): void {
    let attempt
    try {
      attempt = this.#nextAttempt(kind)
    } catch (error) {
      // The policy, which may be the user's, is at fault.
      this.cancel(error)
      return
    }
    this.#live.add(attempt)
    this.#environment.emit({ type: 'timeouts:attempt-started', ...this.#identity(attempt), attempt: attempt.number, kind })
    this.#call(attempt).then(value => this.#onAnswer(attempt, value), error => this.#onError(attempt, error))
  }

  #nextAttempt (kind: AttemptKind): RunningAttempt {
    const { clock, deadlines, ledger, settings: { granularityMs } } = this.#environment
    return new RunningAttempt({
      attemptId: this.#environment.nextAttemptId(),
      number: ++this.#attempts,
      kind,
      clock,
      deadlines,
      granularityMs,
      planTimeoutMs: factor => {
        const nowMs = clock.now()
        return attemptTimeoutMs(factor * this.#waitMs(ledger.conditions(this.#record, this.#request.operation, nowMs)), this.#allowanceMs, this.#deadlineAtMs - nowMs)
      },
      usualTimeoutMs: () => this.#waitMs(ledger.usualConditions(this.#record, this.#request.operation, clock.now())) + this.#allowanceMs,
      onSent: attempt => {
        this.#firstShared ??= attempt.shared ? attempt.number : undefined
        ledger.attemptSent(this.#record, clock.now())
        this.#armHedge(attempt)
      },
      onStopped: () => {
        ledger.attemptEnded(this.#record)
        this.#hedgeTimer?.cancel()
      },
      onProgress: () => {
        this.#record.detector.signOfLife(clock.now())
        this.#hedgeTimer?.cancel()
      },
      onOverdue: attempt => this.#onOverdue(attempt)
    })
  }

  async #call (attempt: RunningAttempt): Promise<T> {
    const answer = this.#attempt(attempt.context)
    attempt.begun()
    return await answer
  }

  #waitMs (conditions: PeerConditions): number {
    const { policy, timeoutFactor, settings } = this.#environment
    const policyMs = policy.timeoutMs(conditions)
    const wantedMs = policyMs * timeoutFactor()
    if (!Number.isFinite(wantedMs)) {
      throw new TwinwireError('ERR_INVALID_OPTION', `the timeout policy ${policy.name} or the timeout factor is at fault`, { expected: 'a finite wait', found: `${policyMs} ms, ${wantedMs} ms with the factor` })
    }
    return Math.min(settings.ceilingMs, Math.max(settings.floorMs, wantedMs))
  }

  #armHedge (attempt: RunningAttempt): void {
    const { deadlines, ledger, settings: { hedging, maximumAttempts, granularityMs } } = this.#environment
    if (hedging === false || !this.#request.idempotent || this.#done || this.#hedged || this.#attempts >= maximumAttempts) {
      return
    }
    const usualMs = ledger.quantileMs(this.#record, this.#request.operation, hedging.percentile, hedging.minimumSamples)
    if (usualMs === undefined) {
      return
    }
    // Beyond the usual by what timers may add: where all answers take alike, none is worth a second attempt.
    const delayMs = usualMs + granularityMs + this.#allowanceMs
    if (delayMs < attempt.timeoutMs) {
      this.#hedgeTimer = deadlines.after(delayMs, () => this.#onHedge())
    }
  }

  #onHedge (): void {
    const { clock, budget, settings } = this.#environment
    if (this.#inTime === 1 && this.#attempts < settings.maximumAttempts && budget.tryWithdraw(clock.now())) {
      this.#hedged = true
      this.#begin('hedge')
    }
  }

  #onOverdue (attempt: RunningAttempt): void {
    const { clock, ledger, budget } = this.#environment
    budget.ended(false, clock.now())
    // What only a stream was opened for has no answer to wait for, and teaches nothing; what has arrived was not lost.
    if (attempt.mayHaveLeft && !attempt.arrived) {
      ledger.overdue(this.#record, this.#request.operation, attempt.sentAtMs, clock.now())
    }
    if (this.#done) {
      this.#emitOverdue(attempt, false)
      this.#judge(attempt, 'lost')
      this.#giveUp(attempt, overdueError(attempt))
      this.#finishWhenOver()
      return
    }
    if (attempt.mayHaveLeft) {
      this.#unjudged.add(attempt)
    }
    const replaced = this.#inTime > 0 || this.#retryTimer !== undefined || this.#retry(attempt)
    this.#emitOverdue(attempt, !replaced)
    for (const earlier of this.#live) {
      if (earlier !== attempt && earlier.overdue && !earlier.arrived) {
        this.#giveUp(earlier, overdueError(earlier))
      }
    }
    if (attempt.mayHaveLeft || !replaced) {
      attempt.kept()
    } else {
      this.#giveUp(attempt, overdueError(attempt))
    }
  }

  /** Attempts that are under way and not overdue. */
  get #inTime (): number {
    let count = 0
    for (const { overdue } of this.#live) {
      count += overdue ? 0 : 1
    }
    return count
  }

  #onAnswer (attempt: RunningAttempt, value: T): void {
    if (!this.#live.has(attempt) && (this.#done || !this.#unjudged.has(attempt))) {
      return
    }
    const { clock, ledger, budget } = this.#environment
    const nowMs = clock.now()
    const { elapsedMs } = attempt
    budget.ended(true, nowMs)
    // Karn: with several attempts, an answer counts only where it is known which of them it answers.
    const named = this.#attempts === 1 || (this.#request.repliesNameAttempts !== false && (!attempt.shared || this.#firstShared === attempt.number))
    // What answers before it was sent (to whom does it reply?) has taken no time that could be measured.
    const valid = named && !Number.isNaN(attempt.sentAtMs)
    this.#record.detector.signOfLife(nowMs)
    this.#end(attempt)
    this.#environment.emit({ type: 'timeouts:attempt-answered', ...this.#identity(attempt), elapsedMs, timeoutMs: attempt.timeoutMs, valid })
    if (valid) {
      ledger.answered(this.#record, this.#request.operation, this.#roundTripMs(attempt, elapsedMs))
      this.#unjudged.delete(attempt)
      this.#judge(attempt, attempt.overdue ? 'spurious' : 'answered')
      // What was given up after less than this answer took would have come as well; what had longer did not.
      this.#judgeRest(overdue => overdue.timeoutMs < elapsedMs ? 'spurious' : 'lost')
    }
    this.#unjudged.clear()
    this.#settle({ ok: true, value })
    this.#releaseIdle()
    this.#finishWhenOver()
  }

  /** Of an answer that came in parts, the first is what the round trip took; the rest is how fast the path is. */
  #roundTripMs ({ firstByteAtMs, sentAtMs }: RunningAttempt, elapsedMs: number): number | undefined {
    return firstByteAtMs === undefined
      ? roundTripMs(elapsedMs, this.#allowanceMs)
      : roundTripMs(firstByteAtMs - sentAtMs, this.#requestAllowanceMs)
  }

  #onError (attempt: RunningAttempt, error: unknown): void {
    if (!this.#live.has(attempt)) {
      return
    }
    this.#end(attempt)
    this.#environment.budget.ended(false, this.#environment.clock.now())
    this.#environment.emit({ type: 'timeouts:attempt-failed', ...this.#identity(attempt), reason: reasonOf(error) })
    if (!this.#done && this.#inTime === 0 && this.#retryTimer === undefined && !this.#retry(attempt, error)) {
      this.#onRefused(error)
    }
    this.#finishWhenOver()
  }

  /** The last attempt in time has failed. What the far side has said that it has, it may still answer. */
  #onRefused (error: unknown): void {
    for (const attempt of this.#live) {
      if (!attempt.arrived) {
        this.#giveUp(attempt, overdueError(attempt))
      }
    }
    if (this.#live.size === 0) {
      this.#judgeRest(() => 'lost')
      this.#settle({ ok: false, error })
    }
  }

  /** Schedules another attempt where one is allowed. Without an error, the attempt is overdue. */
  #retry (attempt: RunningAttempt, error?: unknown): boolean {
    const { clock, deadlines, random, budget, settings } = this.#environment
    const nowMs = clock.now()
    const delayMs = decorrelatedJitterMs(this.#retryDelayMs, random, settings.retryBackoff)
    const refusal = refusalOf({
      error,
      repeatable: this.#request.idempotent || !attempt.mayHaveLeft,
      attemptsLeft: settings.maximumAttempts - this.#attempts,
      timeLeftMs: this.#deadlineAtMs - nowMs - delayMs
    }) ?? (budget.tryWithdraw(nowMs) ? undefined : 'budget')
    if (refusal !== undefined) {
      this.#environment.emit({ type: 'timeouts:retry-refused', ...this.#identity(attempt), reason: refusal })
      return false
    }
    this.#retryDelayMs = delayMs
    this.#retryTimer = deadlines.after(delayMs, () => {
      this.#retryTimer = undefined
      this.#begin(this.#nextKind)
    })
    return true
  }

  /**
   * What the far side has is not lost but slow, and going there again the same way gains nothing: what may help is what
   * goes another way.
   */
  get #nextKind (): AttemptKind {
    if (this.#environment.settings.hedging !== false && this.#request.idempotent && !this.#hedged) {
      for (const { arrived } of this.#live) {
        if (arrived) {
          this.#hedged = true
          return 'hedge'
        }
      }
    }
    return 'retry'
  }

  /** A caller whose own limit is the deadline may be told of it first: what the deadline teaches is learnt all the same. */
  readonly #onAbort = (): void => {
    const reason = this.#request.signal?.reason
    if (this.#environment.clock.now() >= this.#deadlineAtMs - TIMERS_ROUND_MS) {
      this.#expire(reason)
    } else {
      this.cancel(reason)
    }
  }

  #onDeadline (): void {
    this.#expire(new TwinwireError('ERR_DEADLINE', `no answer within ${this.#request.deadlineMs} ms`))
  }

  #expire (reason: unknown): void {
    // The request has failed once, however many of its attempts were under way: the latest tells of it.
    let latest: RunningAttempt | undefined
    for (const attempt of this.#live) {
      latest = latest === undefined || attempt.number > latest.number ? attempt : latest
    }
    try {
      latest?.expire(this.#unjudged.size > 0)
    } catch (error) {
      // The policy is asked what is usual.
      this.cancel(error)
      return
    }
    this.#judgeRest(() => 'lost')
    this.cancel(reason)
  }

  /** The first call decides. */
  #settle (outcome: { ok: true, value: T } | { ok: false, error: unknown }): void {
    if (this.#done) {
      return
    }
    this.#done = true
    this.#request.signal?.removeEventListener('abort', this.#onAbort)
    this.#deadlineTimer?.cancel()
    this.#retryTimer?.cancel()
    this.#hedgeTimer?.cancel()
    if (outcome.ok) {
      this.#settled.resolve(outcome.value)
    } else {
      this.#settled.reject(outcome.error)
    }
    this.#environment.emit({
      type: 'timeouts:request-settled',
      peer: this.#peer,
      operation: this.#request.operation,
      requestId: this.#requestId,
      ok: outcome.ok,
      reason: outcome.ok ? '' : reasonOf(outcome.error),
      elapsedMs: this.#environment.clock.now() - this.#startedAtMs,
      attempts: this.#attempts
    })
  }

  /** After an answer: attempts that have not left, or that nothing more is expected of, have no reason to go on. */
  #releaseIdle (): void {
    for (const attempt of this.#live) {
      if (attempt.overdue || !attempt.timed) {
        this.#giveUp(attempt, new TwinwireError('ERR_ABORTED', 'another attempt was answered'))
      }
    }
  }

  #giveUp (attempt: RunningAttempt, reason: unknown): void {
    this.#end(attempt)
    attempt.abort(reason)
  }

  #end (attempt: RunningAttempt): void {
    this.#live.delete(attempt)
    attempt.end()
  }

  #judgeRest (verdictOf: (attempt: RunningAttempt) => 'spurious' | 'lost'): void {
    for (const attempt of this.#unjudged) {
      this.#judge(attempt, verdictOf(attempt))
    }
    this.#unjudged.clear()
  }

  #judge (attempt: RunningAttempt, verdict: Verdict): void {
    if (verdict !== 'answered') {
      this.#environment.emit({ type: 'timeouts:judged', ...this.#identity(attempt), verdict })
    }
    const record = this.#record
    const from = this.#environment.ledger.judge(record, verdict)
    if (from !== undefined) {
      const { tier: to, spuriousShare, lossShare } = record
      this.#environment.emit({ type: 'timeouts:tier-changed', peer: this.#peer, from, to, spuriousShare, lossShare })
    }
  }

  #emitOverdue (attempt: RunningAttempt, kept: boolean): void {
    this.#environment.emit({ type: 'timeouts:attempt-overdue', ...this.#identity(attempt), timeoutMs: attempt.timeoutMs, kept })
  }

  #identity ({ attemptId }: RunningAttempt): { peer: string, operation: string, requestId: number, attemptId: number } {
    return { peer: this.#peer, operation: this.#request.operation, requestId: this.#requestId, attemptId }
  }

  #finishWhenOver (): void {
    if (this.#done && this.#live.size === 0) {
      this.#environment.finished(this)
    }
  }
}

function overdueError ({ timeoutMs }: RunningAttempt): TwinwireError {
  return new TwinwireError('ERR_TIMEOUT', `no answer within ${timeoutMs} ms`)
}
