import { TwinwireError } from '../../core/errors.ts'
import { parseOptions } from '../../core/options.ts'
import { nullRecorder } from '../../core/recorder.ts'
import { Deadlines } from '../deadlines.ts'
import { Roster } from '../roster.ts'
import { adaptiveTimeoutsSchema } from './options.ts'
import { PeerLedger } from './peer-ledger.ts'
import { policyNamed } from './policy.ts'
import { checkRequest } from './request.ts'
import { RequestRun } from './request-run.ts'
import { retryBudgetOf } from './retry-budget.ts'
import type { Clock } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Recorder } from '../../core/recorder.ts'
import type { PeerId } from '../port.ts'
import type { TimeoutEvent } from './events.ts'
import type { AdaptiveTimeoutsOptions } from './options.ts'
import type { PeerConditions } from './policy.ts'
import type { Attempt, TimedRequest } from './request.ts'
import type { Cancellable, RunEnvironment, TimeoutOccurrence } from './run-environment.ts'

/** What adaptive timeouts work with. */
export interface AdaptiveTimeoutsComponents {
  readonly clock: Clock
  /** For the jitter of retries. */
  readonly random: RandomStream
  /** The `host` of recorded events. */
  readonly host: string
  readonly recorder?: Recorder<TimeoutEvent>
  /** One timer for all: those of the network. Default: its own. */
  readonly deadlines?: Deadlines
  /**
   * Times as long as usual that attempts are to wait now; default 1. A node that is itself the sick one is slow to read
   * what its peers answer, and would take them for late (Lifeguard, DSN 2018: its local health multiplier). Asked for each
   * attempt; the floor, the ceiling and the deadline stand.
   */
  readonly timeoutFactor?: () => number
}

/** Counts since the start, and what there is now. */
export interface TimeoutMetrics {
  readonly requests: number
  readonly answered: number
  readonly failed: number
  readonly attempts: number
  readonly retries: number
  readonly hedges: number
  /** Attempts that outlasted their timeout, ... */
  readonly overdue: number
  /** ... of these, such that were proven merely slow. */
  readonly spurious: number
  /** Retries that the budget did not grant. */
  readonly overBudget: number
  /** Requests of which something is still under way. */
  readonly running: number
  /** Peers that something is known of. */
  readonly peers: number
}

/**
 * Makes requests under timeouts that follow what each peer's answers take, tries again within a budget, and learns.
 *
 * - An attempt waits as long as the policy says (RFC 6298 for each peer and operation, by default), and for what the
 *   request's size and the far side's work add.
 * - An overdue attempt is given up for another only where another is allowed: the request is idempotent or never left,
 *   attempts and budget are left, and time. Otherwise it goes on until the deadline, since giving up gains nothing.
 * - Bytes of an answer prove life: the timeout begins again with them, and the round trip is what the first took.
 * - An idempotent request that takes longer than nearly all before it gets a second attempt beside the first.
 * - What the caller aborts changes no estimate.
 */
export class AdaptiveTimeouts {
  readonly #environment: RunEnvironment
  readonly #running = new Roster<Cancellable>()
  readonly #counts = { requests: 0, answered: 0, failed: 0, attempts: 0, retries: 0, hedges: 0, overdue: 0, spurious: 0, overBudget: 0 }
  #nextAttemptId = 1
  #stopped = false

  /**
   * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION, with a path below `adaptiveTimeouts`
   */
  constructor ({ clock, random, host, recorder = nullRecorder, deadlines = new Deadlines(clock), timeoutFactor = () => 1 }: AdaptiveTimeoutsComponents, options: AdaptiveTimeoutsOptions = {}) {
    const settings = parseOptions(adaptiveTimeoutsSchema, options, 'adaptiveTimeouts')
    this.#environment = {
      clock,
      deadlines,
      random,
      settings,
      policy: typeof settings.strategy === 'string' ? policyNamed(settings.strategy, settings.fixedMs) : settings.strategy,
      ledger: new PeerLedger(settings),
      timeoutFactor,
      budget: retryBudgetOf(settings.retryBudget),
      nextAttemptId: () => this.#nextAttemptId++,
      emit: event => {
        this.#count(event)
        recorder.record({ ...event, timeMs: clock.now(), host })
      },
      finished: run => this.#running.delete(run)
    }
  }

  /**
   * Answers with the first attempt's answer that comes.
   *
   * @throws the last attempt's error where no further one is allowed, ERR_DEADLINE, ERR_STOPPED, ERR_INVALID_OPTION, or
   * what `signal` was aborted with
   */
  async run<T> (request: TimedRequest, attempt: Attempt<T>): Promise<T> {
    request.signal?.throwIfAborted()
    if (this.#stopped) {
      throw stoppedError()
    }
    checkRequest(request)
    const run = new RequestRun(this.#environment, ++this.#counts.requests, request, attempt)
    this.#running.add(run)
    return await run.start()
  }

  /** Anything was heard of a peer beside the answers that `run` sees: it is alive. */
  signOfLife (peer: PeerId): void {
    this.#environment.ledger.knownPeer(peer.toString())?.detector.signOfLife(this.#environment.clock.now())
  }

  /** Phi: how unusual a peer's silence is; 0 where nothing is awaited of it. */
  suspicion (peer: PeerId): number {
    return this.#environment.ledger.knownPeer(peer.toString())?.detector.phi(this.#environment.clock.now()) ?? 0
  }

  /** Whether suspicion has reached the option `suspicion.threshold`. */
  isSuspect (peer: PeerId): boolean {
    return this.#environment.ledger.knownPeer(peer.toString())?.detector.isSuspect(this.#environment.clock.now()) ?? false
  }

  /** What is known of a peer's answers to one kind of request. */
  conditions (peer: PeerId, operation: string): PeerConditions {
    const { ledger, clock } = this.#environment
    return ledger.conditions(ledger.knownPeer(peer.toString()), operation, clock.now())
  }

  get metrics (): TimeoutMetrics {
    return { ...this.#counts, running: this.#running.size, peers: this.#environment.ledger.size }
  }

  /** Rejects what runs with ERR_STOPPED and aborts its attempts; no timer or listener is left. */
  stop (): void {
    this.#stopped = true
    for (const run of this.#running.members()) {
      run.cancel(stoppedError())
    }
  }

  #count (event: TimeoutOccurrence): void {
    const counts = this.#counts
    switch (event.type) {
      case 'timeouts:attempt-started':
        counts.attempts++
        counts.retries += event.kind === 'retry' ? 1 : 0
        counts.hedges += event.kind === 'hedge' ? 1 : 0
        break
      case 'timeouts:attempt-overdue':
        counts.overdue++
        break
      case 'timeouts:judged':
        counts.spurious += event.verdict === 'spurious' ? 1 : 0
        break
      case 'timeouts:retry-refused':
        counts.overBudget += event.reason === 'budget' ? 1 : 0
        break
      case 'timeouts:request-settled':
        counts[event.ok ? 'answered' : 'failed']++
        break
    }
  }
}

function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'adaptive timeouts were stopped')
}
