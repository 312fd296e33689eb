import type { Clock } from '../../src/core/clock.ts'

/** A clock whose timers the test calls: no promise, no event loop. */
export class HandClock implements Clock {
  nowMs = 0
  readonly timers = new Set<{ readonly atMs: number, readonly callback: () => void }>()
  /** Most timers that were armed at once. */
  most = 0

  now (): number {
    return this.nowMs
  }

  setTimeout (callback: () => void, delayMs: number): { cancel(): void } {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), callback }
    this.timers.add(timer)
    this.most = Math.max(this.most, this.timers.size)
    return { cancel: () => this.timers.delete(timer) }
  }

  /** Calls what is due until then, each at its time. */
  run (untilMs: number): void {
    for (;;) {
      const [next] = [...this.timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)
      if (next === undefined) {
        this.nowMs = untilMs
        return
      }
      this.nowMs = next.atMs
      this.timers.delete(next)
      next.callback()
    }
  }

  /** The same, letting promises settle after each step. */
  async runAsync (untilMs: number): Promise<void> {
    await settle()
    while (this.timers.size > 0) {
      const nextMs = Math.min(...[...this.timers].map(({ atMs }) => atMs))
      if (nextMs > untilMs) {
        break
      }
      this.run(nextMs)
      await settle()
    }
    this.nowMs = untilMs
  }
}

/** As many turns as the longest chain of promises under test has, and some to spare. */
async function settle (): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve()
  }
}
