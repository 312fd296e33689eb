import { RetryThrottle } from './retry-throttle.ts'
import type { TimeoutSettings } from './options.ts'

/** Decides what further attempts, retries and hedges alike, may cost in all. Pure but for what it was told. */
export interface RetryBudget {
  /** A request was made. */
  deposit(nowMs: number): void
  /** An attempt was answered; or it failed, or outlasted its timeout. Told before another is asked for in its place. */
  ended(answered: boolean, nowMs: number): void
  /** Grants one further attempt, or answers false and changes nothing. */
  tryWithdraw(nowMs: number): boolean
}

/** The budget that the options describe, or are. */
export function retryBudgetOf (option: TimeoutSettings['retryBudget']): RetryBudget {
  if ('tryWithdraw' in option) {
    return option
  }
  return option.kind === 'throttle' ? new RetryThrottle(option) : new RatioBudget(option)
}

/** How much a `RatioBudget` grants. */
export interface RatioBudgetLimits {
  /** Further attempts a request: 0.2 allows one for every five requests. */
  readonly ratio: number
  /** Further attempts a second that are granted without any request, so that a quiet node can retry. */
  readonly reservePerSecond: number
  /** How long requests and attempts are remembered. */
  readonly windowMs: number
}

/** The window moves on in this many steps. */
const SLOTS = 10

/**
 * Finagle's retry budget: in the window that ends with any further attempt, further attempts <= ratio x requests +
 * reservePerSecond x window. When all fails at once, retries add that much load and no more. Retries and hedges draw on
 * the same budget.
 */
export class RatioBudget implements RetryBudget {
  readonly #ratio: number
  readonly #reserve: number
  readonly #slotMs: number
  /** Deposits less withdrawals of each slot, in attempts. */
  readonly #slots = new Float64Array(SLOTS)
  #sum = 0
  #originMs: number | undefined
  #currentSlot = 0

  constructor ({ ratio, reservePerSecond, windowMs }: RatioBudgetLimits) {
    this.#ratio = ratio
    this.#reserve = reservePerSecond * windowMs / 1e3
    this.#slotMs = windowMs / SLOTS
  }

  deposit (nowMs: number): void {
    this.#advance(nowMs)
    this.#add(this.#ratio)
  }

  ended (): void {}

  tryWithdraw (nowMs: number): boolean {
    if (this.available(nowMs) < 1) {
      return false
    }
    this.#add(-1)
    return true
  }

  /** Further attempts that would be granted now. */
  available (nowMs: number): number {
    this.#advance(nowMs)
    // Ten deposits of 0.1 sum to a little less than 1; a billionth of an attempt is not worth a refusal.
    return Math.max(0, Math.floor(this.#sum + this.#reserve + 1e-9))
  }

  #add (attempts: number): void {
    this.#slots[this.#currentSlot % SLOTS] += attempts
    this.#sum += attempts
  }

  #advance (nowMs: number): void {
    this.#originMs ??= nowMs
    const slot = Math.floor((nowMs - this.#originMs) / this.#slotMs)
    const steps = Math.min(slot - this.#currentSlot, SLOTS)
    if (steps <= 0) {
      return
    }
    for (let step = 0; step < steps; step++) {
      this.#slots[(slot - step) % SLOTS] = 0
    }
    this.#currentSlot = slot
    this.#sum = this.#slots.reduce((sum, attempts) => sum + attempts, 0)
  }
}
