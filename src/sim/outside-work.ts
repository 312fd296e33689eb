/** What goes on outside of virtual time, and may begin something at the present instant when it is done. */
export interface OutsideWork {
  readonly pending: boolean
  /** Set by the kernel: whether `runAsync` is under way, and calls `next`. */
  attended: boolean
  /** Resolves when some of what was pending is done, or may be after another turn of the event loop. */
  next(): Promise<void>
}
