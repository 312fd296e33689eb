/**
 * Room for handlers at work, and for the bytes that they keep, which all peers share: one that has something at work gets
 * no more than is left for the others. So a peer by itself gets half, n of them a part in n + 1 each, and as much stays
 * free for one that comes (dynamic thresholds with alpha 1: Choudhury and Hahne, IEEE/ACM Transactions on Networking, 1998).
 */
export class RunningShares {
  readonly #maximumHandlers: number
  readonly #maximumBytes: number
  readonly #shares = new Map<string, RunningShare>()
  #handlers = 0
  #bytes = 0

  constructor (maximumHandlers: number, maximumBytes: number) {
    this.#maximumHandlers = maximumHandlers
    this.#maximumBytes = maximumBytes
  }

  /** At work, of all peers. */
  get handlers (): number {
    return this.#handlers
  }

  /** Nobody gets any more. */
  get exhausted (): boolean {
    return this.#handlers >= this.#maximumHandlers
  }

  /** That of a peer, for one more stream of its; given back with `leave`. */
  join (peer: string): RunningShare {
    let share = this.#shares.get(peer)
    if (share === undefined) {
      share = new RunningShare(peer)
      this.#shares.set(peer, share)
    }
    share.streams++
    return share
  }

  /** A stream is gone; what its handlers took is given back when they end. */
  leave (share: RunningShare): void {
    share.streams--
    this.#forgetIfGone(share)
  }

  /** Sets room aside for one handler; false, and nothing is set aside, where there is none. */
  take (share: RunningShare, bytes: number): boolean {
    const freeHandlers = this.#maximumHandlers - this.#handlers
    const freeBytes = this.#maximumBytes - this.#bytes
    const fits = share.handlers === 0
      ? freeHandlers > 0 && bytes <= freeBytes
      : share.handlers < freeHandlers && share.bytes + 2 * bytes <= freeBytes
    if (fits) {
      this.#add(share, 1, bytes)
    }
    return fits
  }

  /** Gives back what `take` set aside. */
  give (share: RunningShare, bytes: number): void {
    this.#add(share, -1, -bytes)
    this.#forgetIfGone(share)
  }

  #add (share: RunningShare, handlers: number, bytes: number): void {
    share.handlers += handlers
    share.bytes += bytes
    this.#handlers += handlers
    this.#bytes += bytes
  }

  #forgetIfGone (share: RunningShare): void {
    if (share.streams === 0 && share.handlers === 0) {
      this.#shares.delete(share.peer)
    }
  }
}

/** What one peer has of it, over all its streams. */
export class RunningShare {
  readonly peer: string
  streams = 0
  handlers = 0
  bytes = 0

  constructor (peer: string) {
    this.peer = peer
  }
}
