import type { Flow } from '../uplink.ts'

/** Says which flow is next: a pure order, which the `Scheduler` paces and carries out. */
export interface Discipline {
  /** The flow waits to send; one that waits already may say so again, since more may have come. */
  add(flow: Flow): void
  /** The flow waits no longer. */
  remove(flow: Flow): void
  /** Whose turn it is; undefined where nobody waits, or limits of their own hold up all who do. */
  next(nowMs: number): Flow | undefined
  /** `bytes` of the flow whose turn it was went. With `more` it goes on waiting. */
  sent(flow: Flow, bytes: number, more: boolean, nowMs: number): void
  /** How long until `next` may find somebody whom limits of their own hold up; Infinity where nobody is held up. */
  delayMs(nowMs: number): number
  /** What the flow gets of the whole while all who wait now go on waiting, and it with them: more than 0, at most 1. */
  share(flow: Flow): number
  /** All who wait. */
  flows(): Iterable<Flow>
}
