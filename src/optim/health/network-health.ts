import { nullRecorder } from '../../core/recorder.ts'
import { ConditionWatch } from './condition-watch.ts'
import { Gate } from './gate.ts'
import { LivenessWatch } from './liveness-watch.ts'
import { LocalHealth } from './local-health.ts'
import { MonitoredPeers } from './monitored-peers.ts'
import { parseHealthOptions } from './options.ts'
import { NEUTRAL_QUALITY } from './peer-quality.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Recorder } from '../../core/recorder.ts'
import type { Deadlines } from '../deadlines.ts'
import type { ActiveCondition } from './condition-watch.ts'
import type { Admission } from './ejections.ts'
import type { HealthEvent, HealthMetrics } from './events.ts'
import type { LocalReason } from './local-health.ts'
import type { MonitoredPeer } from './monitored-peers.ts'
import type { AttemptObservation, DeliveryObservation, HealthActions, Observation } from './observations.ts'
import type { NetworkHealthOptions } from './options.ts'
import type { HealthShared } from './shared.ts'

/** What the monitor works with. */
export interface NetworkHealthComponents {
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** For the jitter of replacements. */
  readonly random: RandomStream
  /** The `host` of recorded events. */
  readonly host: string
  readonly recorder?: Recorder<HealthEvent>
  readonly actions: HealthActions
}

/** How often the monitor looks: the finest that any of its times is kept to. */
export const TICK_MS = 1000

/**
 * Watches over peers by what the network observes of its own traffic, and asks only where that is silent.
 *
 * - Any sign of life proves life. A silent peer is probed, and one that stays silent beyond what is usual is dead: its
 *   connection is replaced, within a rate (`liveness-watch.ts`).
 * - Peers that fail more than others are ejected for a time, a few at most, and let in again by one probe (`gate.ts`).
 * - Where this node stood still, or many peers fail at once, nobody is blamed, and timeouts should be stretched
 *   (`local-health.ts`).
 * - Loss, delay, falling rates and partitions are reported with how long it took to find them (`condition-watch.ts`).
 *
 * It is driven by `observe` and one deadline, at most once a second, none while no peer is known.
 */
export class NetworkHealth {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #shared: HealthShared
  readonly #gate: Gate
  readonly #liveness: LivenessWatch
  readonly #conditions: ConditionWatch
  #timer: Timer | undefined
  #stopped = false

  /**
   * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION, with a path below `networkHealth`
   */
  constructor ({ clock, deadlines, random, host, recorder = nullRecorder, actions }: NetworkHealthComponents, options: NetworkHealthOptions = {}) {
    const settings = parseHealthOptions(options)
    this.#clock = clock
    this.#deadlines = deadlines
    this.#shared = {
      settings,
      peers: new MonitoredPeers(settings.maximumPeers, peer => this.#gate.isEjected(peer), peer => this.#onForgotten(peer)),
      local: new LocalHealth(settings.localHealth),
      counters: { probes: 0, failedProbes: 0, deaths: 0, ejections: 0, ejectionsRefused: 0, readmissions: 0, recoveries: 0, failedRecoveries: 0 },
      record: event => recorder.record({ ...event, timeMs: clock.now(), host })
    }
    this.#gate = new Gate(this.#shared)
    this.#conditions = new ConditionWatch(this.#shared)
    this.#liveness = new LivenessWatch(this.#shared, () => clock.now(), actions, random.fork('recovery'), (peer, rttMs) => this.#probed(peer, rttMs))
  }

  /** How many times as long timeouts should be, since this node itself may be slow: 1 to 8. */
  get timeoutFactor (): number {
    return this.#shared.local.timeoutFactor
  }

  /** Those that hold now. */
  get conditions (): readonly ActiveCondition[] {
    return this.#conditions.active
  }

  get metrics (): HealthMetrics {
    let monitored = 0
    let dead = 0
    for (const peer of this.#shared.peers.values()) {
      monitored += peer.monitored ? 1 : 0
      dead += peer.state === 'dead' ? 1 : 0
    }
    const { peers, local, counters } = this.#shared
    return { ...counters, peers: peers.size, monitored, dead, ejected: this.#gate.ejected, localScore: local.score, stalledMs: local.stalledMs }
  }

  /** Something happened. Its `nowMs` is the clock's. */
  observe (observation: Observation): void {
    if (this.#stopped) {
      return
    }
    const { nowMs } = observation
    this.#advance(nowMs)
    const { peers, local } = this.#shared
    const peer = peers.obtain(observation.peer, nowMs, local.awakeMs(nowMs))
    peer.heardMs = nowMs
    switch (observation.kind) {
      case 'life':
        this.#life(peer, nowMs)
        break
      case 'attempt':
        this.#attempt(peer, observation)
        break
      case 'round-trip':
        this.#life(peer, nowMs)
        this.#roundTrip(peer, observation.connection, observation.rttMs, nowMs)
        break
      case 'delivery':
        this.#life(peer, nowMs)
        this.#delivery(peer, observation)
        break
      case 'connection':
        if (observation.change === 'open') {
          this.#liveness.opened(peer, observation.connection, nowMs)
        } else {
          this.#liveness.closed(peer, observation.connection, nowMs)
        }
        break
    }
    if (this.#timer === undefined) {
      this.#arm(nowMs)
    }
  }

  /**
   * Whether a request to a peer may go ahead now. `probe`: it may, as the only one until its end is observed, and lets
   * the peer in where it is answered. `ejected`: it may not.
   */
  admit (peer: string, nowMs = this.#clock.now()): Admission {
    return this.#stopped ? 'open' : this.#gate.admit(peer, nowMs)
  }

  /** A request that was let through as `probe` at `admittedMs` has ended: where none of its attempts said anything of the peer, the next may be the probe. */
  withdraw (peer: string, admittedMs: number): void {
    this.#gate.withdraw(peer, admittedMs)
  }

  /** How good a peer, or one of its connections, is: 0 to 1, 0.5 where nothing is known. */
  quality (peer: string, connection?: string): number {
    const known = this.#shared.peers.get(peer)
    const score = connection === undefined ? known?.score : known?.connection(connection)?.score
    return score?.at(this.#clock.now(), this.#shared.settings.qualityHalfLifeMs) ?? NEUTRAL_QUALITY
  }

  /** Aborts probes and replacements; no deadline is left, and nothing is refused any more. */
  stop (): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#liveness.stop()
    this.#shared.peers.clear()
  }

  #life (peer: MonitoredPeer, nowMs: number): void {
    this.#liveness.life(peer, nowMs)
    this.#gate.life(peer)
  }

  #attempt (peer: MonitoredPeer, observation: AttemptObservation): void {
    const { settings: { qualityHalfLifeMs }, local } = this.#shared
    const { connection, outcome, sentMs, nowMs } = observation
    const answered = outcome === 'answered'
    if (answered) {
      this.#life(peer, nowMs)
    } else if (local.stalledSince(sentMs)) {
      this.#gate.spoilt(peer.peer, sentMs, nowMs)
      return
    } else if (outcome !== 'failed') {
      this.#liveness.timedOut(peer, sentMs)
    }
    if (this.#gate.attempt(peer, observation)) {
      this.#conditions.attempt(peer, !answered, nowMs)
      peer.quality.attempt(answered, nowMs, qualityHalfLifeMs)
      if (connection !== undefined) {
        peer.connection(connection)?.quality.attempt(answered, nowMs, qualityHalfLifeMs)
      }
    }
  }

  #roundTrip (peer: MonitoredPeer, connection: string | undefined, rttMs: number, nowMs: number): void {
    const { settings: { qualityHalfLifeMs }, local } = this.#shared
    if (local.stalledSince(nowMs - rttMs)) {
      return
    }
    const usualRttMs = peer.conditions?.usualRttMs ?? rttMs
    this.#conditions.roundTrip(peer, rttMs, nowMs)
    peer.quality.roundTrip(rttMs, usualRttMs, nowMs, qualityHalfLifeMs)
    if (connection !== undefined) {
      peer.connection(connection)?.quality.roundTrip(rttMs, usualRttMs, nowMs, qualityHalfLifeMs)
    }
  }

  /** The delay of a peer that nothing but probes goes to is nobody's concern, and not worth the memory. */
  #probed (peer: MonitoredPeer, rttMs: number): void {
    this.#gate.life(peer)
    if (peer.conditions !== undefined) {
      this.#roundTrip(peer, undefined, rttMs, this.#clock.now())
    }
  }

  #delivery (peer: MonitoredPeer, { bytes, overMs, nowMs }: DeliveryObservation): void {
    if (overMs > 0 && !this.#shared.local.stalledSince(nowMs - overMs)) {
      this.#conditions.delivery(peer, bytes * 8e3 / overMs, nowMs)
    }
  }

  #onTick (): void {
    this.#timer = undefined
    const nowMs = this.#clock.now()
    this.#advance(nowMs)
    // First of all, so that a detector of the user's that throws does not end the monitoring.
    this.#arm(nowMs)
    const reason = this.#shared.local.review(this.#gate.manyFailing(nowMs), nowMs)
    if (reason !== undefined) {
      this.#tellLocal(reason)
    }
    this.#gate.review(nowMs)
    this.#liveness.review(nowMs)
    this.#conditions.review(this.#liveness, nowMs)
    this.#forgetOld(nowMs)
  }

  #arm (nowMs: number): void {
    this.#shared.local.expect(nowMs + TICK_MS)
    this.#timer = this.#deadlines.after(TICK_MS, () => this.#onTick())
  }

  #advance (nowMs: number): void {
    if (this.#shared.local.advance(nowMs)) {
      this.#tellLocal('lag')
    }
  }

  #tellLocal (reason: LocalReason): void {
    const { score, stalledMs } = this.#shared.local
    this.#shared.record({ type: 'health:local', reason, score, stalledMs })
  }

  #forgetOld (nowMs: number): void {
    const { peers, local, settings: { forgetAfterMs, outliers } } = this.#shared
    const afterMs = Math.max(forgetAfterMs, outliers.maximumEjectionMs)
    for (const peer of peers.values()) {
      if (nowMs - peer.heardMs >= afterMs) {
        if (peer.monitored) {
          peer.unused()
        } else {
          peers.forget(peer)
        }
      }
    }
    if (peers.size === 0) {
      this.#timer?.cancel()
      this.#timer = undefined
      local.expect(Infinity)
    }
  }

  #onForgotten (peer: MonitoredPeer): void {
    this.#gate.forget(peer.peer)
    this.#liveness.forget(peer)
  }
}
