import { TwinwireError } from '../../core/errors.ts'
import { reasonOf } from '../timeouts/retry-decision.ts'
import { Recovery } from './recovery.ts'
import type { RandomStream } from '../../core/random.ts'
import type { LivenessState, ProbeEvent, StateReason } from './events.ts'
import type { MonitoredPeer } from './monitored-peers.ts'
import type { HealthActions } from './observations.ts'
import type { HealthShared } from './shared.ts'

/** Phi from which on an unanswered probe counts as silence in a partition: one answer in ten takes as long. */
const LEAST_PHI = 1

/** Probes the silent, finds the dead, and has connections to them replaced. */
export class LivenessWatch {
  readonly #shared: HealthShared
  readonly #actions: HealthActions
  readonly #recovery: Recovery
  /** Replacements under way. */
  readonly #running = new Map<string, { readonly controller: AbortController, readonly sinceMs: number }>()
  readonly #onRoundTrip: (peer: MonitoredPeer, rttMs: number) => void
  readonly #now: () => number

  /** @param onRoundTrip is told what probes measure */
  constructor (shared: HealthShared, now: () => number, actions: HealthActions, random: RandomStream, onRoundTrip: (peer: MonitoredPeer, rttMs: number) => void) {
    this.#shared = shared
    this.#now = now
    this.#actions = actions
    this.#recovery = new Recovery(shared.settings.recovery, random)
    this.#onRoundTrip = onRoundTrip
  }

  /** Anything came from the peer. */
  life (peer: MonitoredPeer, nowMs: number, reason: 'life' | 'opened' = 'life'): void {
    const awakeMs = this.#shared.local.awakeMs(nowMs)
    if (peer.unansweredAwakeMs !== undefined && peer.state === 'silent') {
      peer.answerTimes.sample(awakeMs - peer.unansweredAwakeMs)
    }
    const silentMs = awakeMs - peer.lifeAwakeMs
    peer.lifeAwakeMs = awakeMs
    peer.unansweredAwakeMs = undefined
    peer.awaited = false
    const stands = peer.state === 'dead' && reason === 'life' && this.#shared.settings.detector.ignoresLife === true
    if ((peer.state === 'silent' || peer.state === 'dead') && !stands) {
      if (peer.state === 'dead') {
        this.#recovery.cancel(peer.peer)
        peer.failedProbes = 0
        peer.probedAwakeMs = awakeMs
      }
      if (peer.recovery !== undefined) {
        peer.recovery.tries = 0
      }
      this.#become(peer, peer.connections === undefined ? 'idle' : 'alive', reason, silentMs)
    }
  }

  opened (peer: MonitoredPeer, connection: string, nowMs: number): void {
    peer.opened(connection)
    this.life(peer, nowMs, 'opened')
    if (peer.state === 'idle') {
      peer.probedAwakeMs = this.#shared.local.awakeMs(nowMs)
      this.#become(peer, 'alive', 'opened', 0)
    }
  }

  closed (peer: MonitoredPeer, connection: string, nowMs: number): void {
    peer.closed(connection)
    // Whoever is dead is still to be had back.
    if (!peer.monitored && peer.state !== 'idle') {
      this.#rest(peer, 'closed', nowMs)
    }
  }

  /** An attempt ran out its time: the peer's silence counts, connected or not. */
  timedOut (peer: MonitoredPeer, sentMs: number): void {
    const sentAwakeMs = this.#shared.local.awakeMs(sentMs)
    if (sentAwakeMs > peer.lifeAwakeMs) {
      if (!peer.monitored) {
        peer.lifeAwakeMs = sentAwakeMs
      }
      peer.awaited = true
    }
  }

  /** To be called once a second. */
  review (nowMs: number): void {
    for (const peer of this.#shared.peers.values()) {
      if (peer.state === 'dead') {
        this.#recover(peer, nowMs)
      } else if (peer.monitored) {
        this.#judge(peer, nowMs)
      }
    }
    for (const [peer, { controller, sinceMs }] of this.#running) {
      if (nowMs - sinceMs >= this.#shared.settings.recovery.timeoutMs) {
        this.#running.delete(peer)
        this.#failed(peer, 'ERR_TIMEOUT')
        controller.abort(new TwinwireError('ERR_TIMEOUT', 'no other connection could be had in time'))
      }
    }
    for (const peer of this.#recovery.take(nowMs, peer => this.#recordOf(peer))) {
      this.#replace(peer, nowMs)
    }
  }

  /** Since when each is silent that answers later than usual, and how many are monitored. */
  silences (nowMs: number): { readonly silentSinceMs: number[], readonly monitored: number } {
    const awakeMs = this.#shared.local.awakeMs(nowMs)
    const silentSinceMs: number[] = []
    let monitored = 0
    for (const peer of this.#shared.peers.values()) {
      if (peer.monitored) {
        monitored++
        if (peer.state === 'dead' || this.#phi(peer, awakeMs) >= LEAST_PHI) {
          silentSinceMs.push(nowMs - (awakeMs - peer.lifeAwakeMs))
        }
      }
    }
    return { silentSinceMs, monitored }
  }

  /** Nothing is known of the peer any more. */
  forget (peer: MonitoredPeer): void {
    this.#recovery.cancel(peer.peer)
    const running = this.#running.get(peer.peer)
    this.#running.delete(peer.peer)
    running?.controller.abort(forgottenError())
    endProbe(peer, forgottenError())
  }

  /** Aborts what is under way. */
  stop (): void {
    this.#recovery.clear()
    const running = [...this.#running.values()]
    this.#running.clear()
    for (const { controller } of running) {
      controller.abort(stoppedError())
    }
    for (const peer of this.#shared.peers.values()) {
      endProbe(peer, stoppedError())
    }
  }

  #judge (peer: MonitoredPeer, nowMs: number): void {
    const { settings: { detector, probeTimeoutMs }, local, counters } = this.#shared
    const { timeoutFactor } = local
    const awakeMs = local.awakeMs(nowMs)
    if (peer.probe !== undefined && awakeMs - peer.probedAwakeMs >= probeTimeoutMs * timeoutFactor) {
      this.#probeFailed(peer, 'timeout')
      endProbe(peer, new TwinwireError('ERR_TIMEOUT', 'the peer did not answer the probe'))
    }
    const silentMs = Math.max(0, awakeMs - peer.lifeAwakeMs)
    const verdict = detector.judge({
      silentMs,
      unansweredMs: peer.unansweredAwakeMs === undefined ? undefined : awakeMs - peer.unansweredAwakeMs,
      sinceProbeMs: awakeMs - peer.probedAwakeMs,
      probing: peer.probe !== undefined,
      failedProbes: peer.failedProbes,
      phi: this.#phi(peer, awakeMs),
      timeoutFactor
    })
    if (verdict.action === 'dead') {
      counters.deaths++
      endProbe(peer, new TwinwireError('ERR_TIMEOUT', 'the peer is dead'))
      this.#become(peer, 'dead', verdict.reason, silentMs)
      peer.quality.death(nowMs, this.#shared.settings.qualityHalfLifeMs)
      this.#recover(peer, nowMs)
    } else if (verdict.action === 'probe') {
      if (verdict.reason === 'silence' && peer.state !== 'silent') {
        this.#become(peer, 'silent', 'silence', silentMs)
      }
      this.#probe(peer, verdict.reason, awakeMs)
    }
  }

  /** Waits are stretched by dividing what was waited. */
  #phi (peer: MonitoredPeer, awakeMs: number): number {
    const { settings: { suspicion }, local } = this.#shared
    return peer.unansweredAwakeMs === undefined ? 0 : peer.answerTimes.phi((awakeMs - peer.unansweredAwakeMs) / local.timeoutFactor, suspicion)
  }

  #probe (peer: MonitoredPeer, reason: ProbeEvent['reason'], awakeMs: number): void {
    const probe = new AbortController()
    peer.probe = probe
    peer.probedAwakeMs = awakeMs
    peer.unansweredAwakeMs ??= awakeMs
    this.#shared.counters.probes++
    this.#shared.record({ type: 'health:probe', peer: peer.peer, reason })
    this.#actions.probe(peer.peer, probe.signal).then(rttMs => {
      if (peer.probe === probe) {
        peer.probe = undefined
        this.#probeAnswered(peer, rttMs)
      }
    }, () => {
      if (peer.probe === probe) {
        peer.probe = undefined
        this.#probeFailed(peer, 'failed')
      }
    })
  }

  #probeAnswered (peer: MonitoredPeer, rttMs: number | undefined): void {
    peer.failedProbes = 0
    this.#shared.record({ type: 'health:probe', peer: peer.peer, reason: rttMs === undefined ? 'unsupported' : 'answered' })
    this.life(peer, this.#now())
    if (rttMs !== undefined) {
      this.#onRoundTrip(peer, rttMs)
    }
  }

  #probeFailed (peer: MonitoredPeer, reason: 'failed' | 'timeout'): void {
    peer.failedProbes++
    this.#shared.counters.failedProbes++
    this.#shared.record({ type: 'health:probe', peer: peer.peer, reason })
  }

  /** Asks for another connection, unless that failed too often. */
  #recover (peer: MonitoredPeer, nowMs: number): void {
    if (!this.#recovery.givesUp(this.#recordOf(peer.peer))) {
      if (!this.#running.has(peer.peer)) {
        this.#recovery.request(peer.peer, nowMs)
      }
    } else if (peer.connections === undefined) {
      this.#rest(peer, 'given-up', nowMs)
    }
  }

  #replace (peer: string, nowMs: number): void {
    const controller = new AbortController()
    this.#running.set(peer, { controller, sinceMs: nowMs })
    this.#shared.counters.recoveries++
    this.#shared.record({ type: 'health:recovery', peer, phase: 'started', reason: 'dead' })
    this.#actions.replace(peer, controller.signal).then(() => {
      if (this.#running.get(peer)?.controller === controller) {
        this.#running.delete(peer)
        this.#replaced(peer)
      }
    }, error => {
      if (this.#running.get(peer)?.controller === controller) {
        this.#running.delete(peer)
        this.#failed(peer, reasonOf(error))
      }
    })
  }

  #replaced (id: string): void {
    this.#shared.record({ type: 'health:recovery', peer: id, phase: 'done', reason: 'connected' })
    const peer = this.#shared.peers.get(id)
    if (peer !== undefined) {
      this.life(peer, this.#now(), 'opened')
    }
  }

  #failed (peer: string, reason: string): void {
    this.#recordOf(peer).tries++
    this.#shared.counters.failedRecoveries++
    this.#shared.record({ type: 'health:recovery', peer, phase: 'failed', reason })
  }

  #recordOf (id: string): NonNullable<MonitoredPeer['recovery']> {
    const peer = this.#shared.peers.get(id)
    if (peer === undefined) {
      throw new Error(`${id} is being recovered and not known`)
    }
    peer.recovery ??= this.#recovery.newRecord()
    return peer.recovery
  }

  /** There is nothing to be silent on any more. */
  #rest (peer: MonitoredPeer, reason: StateReason, nowMs: number): void {
    endProbe(peer, new TwinwireError('ERR_CONNECTION_CLOSED', 'there is no connection any more'))
    peer.unansweredAwakeMs = undefined
    peer.failedProbes = 0
    peer.awaited = false
    this.#become(peer, 'idle', reason, this.#shared.local.awakeMs(nowMs) - peer.lifeAwakeMs)
  }

  #become (peer: MonitoredPeer, to: LivenessState, reason: StateReason, silentMs: number): void {
    const from = peer.state
    peer.state = to
    this.#shared.record({ type: 'health:state', peer: peer.peer, from, to, reason, silentMs })
  }
}

function endProbe (peer: MonitoredPeer, error: TwinwireError): void {
  const { probe } = peer
  // Before the abort, whose rejection is then nobody's.
  peer.probe = undefined
  probe?.abort(error)
}

function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'the health monitor was stopped')
}

function forgottenError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'the peer is not monitored any more')
}
