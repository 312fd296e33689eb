import { Ejections } from './ejections.ts'
import { FailureAccrual, successRateOutliers } from './outlier-detection.ts'
import type { Admission, Ejected } from './ejections.ts'
import type { EjectedEvent, ReadmittedEvent } from './events.ts'
import type { MonitoredPeer } from './monitored-peers.ts'
import type { AttemptObservation } from './observations.ts'
import type { HealthShared } from './shared.ts'

/** Peers count as in use, and as failing, by what their attempts did in this time: that of a sweep in Envoy. */
const RECENT_MS = 10_000

/** Lets requests through or not: ejects the peers that fail more than others, and lets them in again. */
export class Gate {
  readonly #shared: HealthShared
  readonly #ejections: Ejections
  #nextSweepMs: number | undefined

  constructor (shared: HealthShared) {
    const { minimumPeers, ejectedShare, baseEjectionMs, maximumEjectionMs } = shared.settings.outliers
    this.#shared = shared
    this.#ejections = new Ejections({ minimumPeers, ejectedShare, baseMs: baseEjectionMs, maximumMs: maximumEjectionMs })
  }

  get ejected (): number {
    return this.#ejections.count
  }

  isEjected (peer: string): boolean {
    return this.#ejections.has(peer)
  }

  admit (peer: string, nowMs: number): Admission {
    return this.#ejections.admit(peer, nowMs)
  }

  withdraw (peer: string, admittedMs: number): void {
    this.#ejections.withdraw(peer, admittedMs)
  }

  /**
   * Takes the end of an attempt that this node's own stall did not spoil. Answers whether it says something that those
   * before it did not.
   */
  attempt (peer: MonitoredPeer, observation: AttemptObservation): boolean {
    const { outcome, sentMs, nowMs } = observation
    const { local } = this.#shared
    const accrual = peer.accrual ??= new FailureAccrual()
    const answered = outcome === 'answered'
    // It was under way while many failed: how it ended when they no longer did says as little.
    if (!answered && local.troubledSince(sentMs)) {
      this.spoilt(peer.peer, sentMs, nowMs)
      return accrual.excused(sentMs, nowMs)
    }
    const counts = outcome === 'overdue'
      ? accrual.overdue(local.awakeMs(sentMs) > peer.lifeAwakeMs, sentMs, nowMs)
      : accrual.add(answered, sentMs, nowMs, this.#shared.settings.outliers)
    // An overdue probe goes on: with another attempt, which may be answered, until the deadline.
    if (outcome !== 'overdue') {
      this.#settle(peer, answered, sentMs, nowMs)
    }
    if (counts && !answered) {
      this.#judge(peer.peer, accrual, nowMs)
    }
    return counts
  }

  /** Anything came from the peer. */
  life (peer: MonitoredPeer): void {
    peer.accrual?.refute()
  }

  /** An attempt failed while the fault was this node's, or may have been: a probe among them is to be made again. */
  spoilt (peer: string, sentMs: number, nowMs: number): void {
    this.#ejections.settle(peer, false, sentMs, nowMs, true)
  }

  /** Whether so many peers fail at once that the fault is more likely this node's. */
  manyFailing (nowMs: number): boolean {
    let failing = 0
    let inUse = 0
    for (const { accrual } of this.#shared.peers.values()) {
      if (accrual?.inUse(nowMs, RECENT_MS) === true) {
        inUse++
        failing += accrual.failing(nowMs, RECENT_MS) ? 1 : 0
      }
    }
    const ours = this.#shared.local.isOurs(failing, inUse)
    if (ours) {
      this.#shared.local.troubled(nowMs)
    }
    return ours
  }

  /** To be called once a second: compares the peers when that is due, and keeps to the cap. */
  review (nowMs: number): void {
    this.#nextSweepMs ??= nowMs + this.#shared.settings.outliers.sweepMs
    if (nowMs >= this.#nextSweepMs) {
      this.#nextSweepMs = nowMs + this.#shared.settings.outliers.sweepMs
      this.#sweep(nowMs)
    }
    this.#keepCap()
  }

  /** Nothing is known of the peer any more. */
  forget (peer: string): void {
    this.#ejections.forget(peer)
    this.#keepCap()
  }

  #sweep (nowMs: number): void {
    const outcomes = []
    for (const { peer, accrual } of this.#shared.peers.values()) {
      if (accrual !== undefined) {
        const sums = accrual.sweep(peer)
        if (!this.#ejections.has(peer)) {
          outcomes.push(sums)
        }
      }
    }
    this.#ejections.relax()
    for (const peer of successRateOutliers(outcomes, this.#shared.settings.outliers)) {
      this.#eject(peer, 'outlier', nowMs)
    }
  }

  #judge (peer: string, accrual: FailureAccrual, nowMs: number): void {
    const reason = accrual.verdict(this.#shared.settings.outliers)
    if (reason === 'failures-in-row' || (reason === 'success-share' && this.#worseThanOthers(accrual, nowMs))) {
      this.#eject(peer, reason, nowMs)
    }
  }

  /** Whether the share holds beside that of all other peers, too: what befalls all alike is no peer's doing. */
  #worseThanOthers (accrual: FailureAccrual, nowMs: number): boolean {
    const { leastSuccessShare, smoothingMs } = this.#shared.settings.outliers
    let answered = 0
    let attempts = 0
    for (const other of this.#shared.peers.values()) {
      if (other.accrual !== undefined && other.accrual !== accrual) {
        const sums = other.accrual.smoothed(nowMs, smoothingMs)
        answered += sums.answered
        attempts += sums.attempts
      }
    }
    const own = accrual.smoothed(nowMs, smoothingMs)
    return own.answered * attempts < leastSuccessShare * own.attempts * answered || attempts === 0
  }

  #eject (peer: string, reason: EjectedEvent['reason'], nowMs: number): void {
    const { settings, peers, counters } = this.#shared
    if (!settings.ejects || this.#ejections.has(peer)) {
      return
    }
    // Whether there is room is cheap to know; whether many fail costs a look at every peer.
    if (!this.#ejections.hasRoom(peers.size, nowMs) || this.#frozen(nowMs)) {
      counters.ejectionsRefused++
      return
    }
    const ejected = this.#ejections.eject(peer, peers.size, nowMs)
    if (ejected !== undefined) {
      if (ejected.yielded !== undefined) {
        this.#readmitted(ejected.yielded, 'yielded')
      }
      this.#ejected(peer, reason, ejected)
    }
  }

  /** A half-open peer's probe ended, or something beside it. */
  #settle (peer: MonitoredPeer, answered: boolean, sentMs: number, nowMs: number): void {
    if (!this.#ejections.has(peer.peer)) {
      return
    }
    const settled = this.#ejections.settle(peer.peer, answered, sentMs, nowMs, !answered && this.#frozen(nowMs))
    if (settled === 'readmitted') {
      this.#readmitted(peer.peer, 'probe-answered')
    } else if (settled !== undefined) {
      this.#ejected(peer.peer, 'probe-failed', settled)
    }
  }

  /** Nobody is ejected while this node may be the sick one. */
  #frozen (nowMs: number): boolean {
    return this.#shared.local.score > 0 || this.manyFailing(nowMs)
  }

  #keepCap (): void {
    for (const peer of this.#ejections.keepCap(this.#shared.peers.size)) {
      this.#readmitted(peer, 'cap')
    }
  }

  #ejected (peer: string, reason: EjectedEvent['reason'], { forMs, times }: Ejected): void {
    this.#shared.counters.ejections++
    this.#shared.record({ type: 'health:ejected', peer, reason, forMs, times })
  }

  #readmitted (peer: string, reason: ReadmittedEvent['reason']): void {
    this.#shared.counters.readmissions++
    this.#shared.peers.get(peer)?.accrual?.revive()
    this.#shared.record({ type: 'health:readmitted', peer, reason })
  }
}
