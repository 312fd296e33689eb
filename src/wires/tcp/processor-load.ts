import { cpus } from 'node:os'

/** How busy this machine's processors are, whatever keeps them so. */
export class ProcessorLoad {
  #seen = timesOfAll()

  /** Begins anew. */
  reset (): void {
    this.#seen = timesOfAll()
  }

  /** Of all processors' time since the last reset, the share in which they were not idle, 0 to 1. */
  get busyShare (): number {
    const { idleMs, totalMs } = timesOfAll()
    const passedMs = totalMs - this.#seen.totalMs
    // The kernel's count of idle time can step back.
    return passedMs > 0 ? Math.min(1, Math.max(0, 1 - (idleMs - this.#seen.idleMs) / passedMs)) : 0
  }
}

/** Since the machine started, of all processors together. */
function timesOfAll (): { idleMs: number, totalMs: number } {
  const all = cpus().map(({ times }) => times)
  const idleMs = all.reduce((sum, { idle }) => sum + idle, 0)
  return { idleMs, totalMs: all.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0) }
}
