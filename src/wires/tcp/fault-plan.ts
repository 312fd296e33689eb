import { pairKey } from '../scenario-references.ts'
import type { Fault } from '../scenario.ts'

/**
 * The faults of one path, with times on the monotonic clock. They are known beforehand, so that the time at which a byte
 * arrives can be computed when it is sent: nothing in flight is ever moved.
 */
export class FaultPlan {
  readonly #blackHoles: Array<{ readonly fromMs: number, readonly untilMs: number, readonly existingOnly: boolean }> = []
  readonly #stalls: Array<{ readonly fromMs: number, readonly untilMs: number }> = []
  readonly #rates: Array<{ readonly atMs: number, readonly rateBitsPerSecond: number }> = []
  /** In order of time. */
  readonly resetsAtMs: readonly number[]

  constructor (faults: readonly Fault[], pair: { readonly from: string, readonly to: string }, zeroMs: number) {
    const resets: number[] = []
    for (const fault of faults) {
      if (fault.kind === 'partition' || fault.kind === 'freeze' || pairKey(fault.from, fault.to) !== pairKey(pair.from, pair.to)) {
        continue
      }
      const fromMs = zeroMs + fault.atMs
      switch (fault.kind) {
        case 'black-hole':
          this.#blackHoles.push({ fromMs, untilMs: fromMs + (fault.durationMs ?? Infinity), existingOnly: fault.scope === 'existing' })
          break
        case 'stall':
          this.#stalls.push({ fromMs, untilMs: fromMs + fault.durationMs })
          break
        case 'rate':
          this.#rates.push({ atMs: fromMs, rateBitsPerSecond: fault.rateBitsPerSecond })
          break
        case 'reset':
          resets.push(fromMs)
          break
      }
    }
    this.#rates.sort((a, b) => a.atMs - b.atMs)
    this.resetsAtMs = resets.sort((a, b) => a - b)
  }

  /** `atMs`, or the end of the stall that is under way then. */
  passable (atMs: number): number {
    for (;;) {
      const stall = this.#stalls.find(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs)
      if (stall === undefined) {
        return atMs
      }
      atMs = stall.untilMs
    }
  }

  /** The path's own rate, or what a fault has made of it. */
  rateAt (atMs: number, rateBitsPerSecond: number | undefined): number | undefined {
    return this.#rates.findLast(change => change.atMs <= atMs)?.rateBitsPerSecond ?? rateBitsPerSecond
  }

  /**
   * When `bits` that reach the serialiser at `startMs` have left it. It stands still during stalls.
   *
   * @param rateBitsPerSecond the path's own rate, until a fault changes it; `undefined` is infinitely fast
   */
  serialised (startMs: number, bits: number, rateBitsPerSecond: number | undefined): number {
    let atMs = startMs
    let left = bits
    for (;;) {
      atMs = this.passable(atMs)
      const rate = this.rateAt(atMs, rateBitsPerSecond)
      const tookMs = rate === undefined ? 0 : left * 1e3 / rate
      const changesAtMs = this.#nextChange(atMs)
      if (rate === undefined || atMs + tookMs <= changesAtMs) {
        return atMs + tookMs
      }
      left -= (changesAtMs - atMs) * rate / 1e3
      atMs = changesAtMs
    }
  }

  /**
   * Until when the packets that are sent at `atMs` vanish (`Infinity`: for good), or `undefined` where they do not.
   *
   * @param openedAtMs when their connection was opened
   */
  blackHoleUntil (atMs: number, openedAtMs: number): number | undefined {
    return this.#blackHoles.find(({ fromMs, untilMs, existingOnly }) => {
      return atMs >= fromMs && atMs < untilMs && (!existingOnly || openedAtMs < fromMs)
    })?.untilMs
  }

  #nextChange (afterMs: number): number {
    let next = Infinity
    for (const { fromMs } of this.#stalls) {
      next = fromMs > afterMs ? Math.min(next, fromMs) : next
    }
    for (const { atMs } of this.#rates) {
      next = atMs > afterMs ? Math.min(next, atMs) : next
    }
    return next
  }
}
