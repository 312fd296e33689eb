export interface EjectionOptions {
  /** Of fewer known peers none is ejected: there is no other choice then. */
  readonly minimumPeers: number
  /** The largest share of the known peers that is ejected at a time; one always may be. */
  readonly ejectedShare: number
  /** The first ejection; the n-th in a row is n times as long. */
  readonly baseMs: number
  readonly maximumMs: number
}

/** Whether a request to a peer may go ahead; `probe`: as the one that finds out whether the peer can be let in again. */
export type Admission = 'open' | 'probe' | 'ejected'

export interface Ejected {
  readonly forMs: number
  /** Which one in a row it is. */
  readonly times: number
  /** Let in again to make room: its time was over, and no request had asked. */
  readonly yielded: string | undefined
}

/** A probe that nobody tells the end of (its caller gave up) is not waited for any longer: a request's usual deadline. */
const PROBE_WAIT_MS = 30_000

/**
 * Who is ejected, and until when (Envoy's backoff: `min(base n, maximum)`; n falls by one with each sweep that the peer
 * is in). When its time is over a peer is half-open: one request is let through, and its end lets the peer in or ejects
 * it anew. At no time are more ejected than the cap allows, half-open ones included.
 */
export class Ejections {
  readonly #options: EjectionOptions
  readonly #records = new Map<string, EjectionRecord>()
  #ejected = 0

  constructor (options: EjectionOptions) {
    this.#options = options
  }

  /** Peers that are ejected or half-open. */
  get count (): number {
    return this.#ejected
  }

  has (peer: string): boolean {
    return this.#records.get(peer)?.ejected === true
  }

  /** How many of so many known peers may be ejected at a time. */
  cap (knownPeers: number): number {
    const { minimumPeers, ejectedShare } = this.#options
    return knownPeers < minimumPeers ? 0 : Math.max(1, Math.floor(knownPeers * ejectedShare))
  }

  /** To be asked before each request; the answer `probe` is given once for all until that request's end is told. */
  admit (peer: string, nowMs: number): Admission {
    const record = this.#records.get(peer)
    if (record?.ejected !== true) {
      return 'open'
    }
    if (nowMs < record.untilMs || (record.probeMs !== undefined && nowMs - record.probeMs < PROBE_WAIT_MS)) {
      return 'ejected'
    }
    record.probeMs = nowMs
    return 'probe'
  }

  /** The request that was let through as the probe at `admittedMs` has ended. Where nothing was said of how it went, the next may be it. */
  withdraw (peer: string, admittedMs: number): void {
    const record = this.#records.get(peer)
    if (record?.probeMs === admittedMs) {
      record.probeMs = undefined
    }
  }

  /** Whether `eject` would eject one more now. */
  hasRoom (knownPeers: number, nowMs: number): boolean {
    const cap = this.cap(knownPeers)
    return this.#ejected < cap || (cap > 0 && this.#yielding(nowMs) !== undefined)
  }

  /** Ejects a peer that is in; undefined where it is out already, or the cap is reached. */
  eject (peer: string, knownPeers: number, nowMs: number): Ejected | undefined {
    let record = this.#records.get(peer)
    if (record?.ejected === true || !this.hasRoom(knownPeers, nowMs)) {
      return undefined
    }
    const yielded = this.#ejected < this.cap(knownPeers) ? undefined : this.#yielding(nowMs)
    if (yielded !== undefined) {
      this.#readmit(yielded[1])
    }
    if (record === undefined) {
      record = { ejected: false, times: 0, untilMs: 0, probeMs: undefined }
      this.#records.set(peer, record)
    }
    record.ejected = true
    this.#ejected++
    return { ...this.#prolong(record, nowMs), yielded: yielded?.[0] }
  }

  /**
   * An attempt at a peer ended. Where it was the probe, or was made beside it: `readmitted`, or how long the peer is
   * ejected anew. A failure while `excused`, because the fault may be this node's, leaves the peer half-open.
   */
  settle (peer: string, answered: boolean, sentMs: number, nowMs: number, excused: boolean): 'readmitted' | Ejected | undefined {
    const record = this.#records.get(peer)
    if (record?.ejected !== true || record.probeMs === undefined || sentMs < record.probeMs) {
      return undefined
    }
    record.probeMs = undefined
    if (answered) {
      this.#readmit(record)
      return 'readmitted'
    }
    return excused ? undefined : { ...this.#prolong(record, nowMs), yielded: undefined }
  }

  /** A sweep has passed: those who are in are forgiven one ejection. */
  relax (): void {
    for (const [peer, record] of this.#records) {
      if (!record.ejected && --record.times <= 0) {
        this.#records.delete(peer)
      }
    }
  }

  /** There are only so many peers left: lets in whoever is above the cap, the soonest due first. Answers whom. */
  keepCap (knownPeers: number): string[] {
    const surplus = this.#ejected - this.cap(knownPeers)
    if (surplus <= 0) {
      return []
    }
    const soonest = [...this.#records].filter(([, { ejected }]) => ejected).sort(([, a], [, b]) => a.untilMs - b.untilMs).slice(0, surplus)
    for (const [, record] of soonest) {
      this.#readmit(record)
    }
    return soonest.map(([peer]) => peer)
  }

  /** Nothing is known of the peer any more. */
  forget (peer: string): void {
    if (this.has(peer)) {
      this.#ejected--
    }
    this.#records.delete(peer)
  }

  /** One whose time is over and whom no request has asked for. */
  #yielding (nowMs: number): [string, EjectionRecord] | undefined {
    for (const entry of this.#records) {
      const [, record] = entry
      if (record.ejected && record.probeMs === undefined && nowMs >= record.untilMs) {
        return entry
      }
    }
    return undefined
  }

  #prolong (record: EjectionRecord, nowMs: number): { readonly forMs: number, readonly times: number } {
    const { baseMs, maximumMs } = this.#options
    const forMs = Math.min(baseMs * (record.times + 1), maximumMs)
    // Beyond the maximum counting on would only make forgiving take longer.
    record.times = Math.min(record.times + 1, Math.ceil(maximumMs / baseMs))
    record.untilMs = nowMs + forMs
    record.probeMs = undefined
    return { forMs, times: record.times }
  }

  #readmit (record: EjectionRecord): void {
    record.ejected = false
    record.probeMs = undefined
    this.#ejected--
  }
}

/** Kept until all ejections are forgiven. */
interface EjectionRecord {
  ejected: boolean
  times: number
  untilMs: number
  /** When the one request was let through whose end is awaited. */
  probeMs: number | undefined
}
