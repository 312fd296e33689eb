import { NodeCondition, PeerConditions } from './conditions.ts'
import type { Condition } from './conditions.ts'
import type { Change } from './cusum.ts'
import type { LivenessWatch } from './liveness-watch.ts'
import type { MonitoredPeer } from './monitored-peers.ts'
import type { HealthShared } from './shared.ts'

/** A condition that holds. */
export interface ActiveCondition {
  /** '' where it is the node's as a whole. */
  readonly peer: string
  readonly condition: Condition
  /** When it began, by the estimate. */
  readonly sinceMs: number
}

const MEASURED = ['loss', 'delay', 'bandwidth'] as const

/** Follows the conditions of each peer, and derives those of the node as a whole. */
export class ConditionWatch {
  readonly #shared: HealthShared
  readonly #node = { loss: new NodeCondition(), delay: new NodeCondition(), bandwidth: new NodeCondition(), partition: new NodeCondition() }

  constructor (shared: HealthShared) {
    this.#shared = shared
  }

  /** Those that hold now. */
  get active (): ActiveCondition[] {
    const active: ActiveCondition[] = []
    for (const condition of [...MEASURED, 'partition'] as const) {
      if (this.#node[condition].active) {
        active.push({ peer: '', condition, sinceMs: this.#node[condition].sinceMs })
      }
    }
    for (const { peer, conditions } of this.#shared.peers.values()) {
      for (const condition of MEASURED) {
        const sinceMs = conditions?.since(condition)
        if (typeof sinceMs === 'number') {
          active.push({ peer, condition, sinceMs })
        }
      }
    }
    return active
  }

  attempt (peer: MonitoredPeer, lost: boolean, nowMs: number): void {
    this.#tell(peer.peer, 'loss', 'change', conditionsOf(peer).attempt(lost, nowMs))
  }

  roundTrip (peer: MonitoredPeer, rttMs: number, nowMs: number): void {
    this.#tell(peer.peer, 'delay', 'change', conditionsOf(peer).roundTrip(rttMs, nowMs))
  }

  delivery (peer: MonitoredPeer, rateBitsPerSecond: number, nowMs: number): void {
    this.#tell(peer.peer, 'bandwidth', 'change', conditionsOf(peer).delivery(rateBitsPerSecond, nowMs))
  }

  /** To be called once a second: looks whether enough peers have a condition for it to be the node's. */
  review (liveness: LivenessWatch, nowMs: number): void {
    for (const condition of MEASURED) {
      const beginningsMs: number[] = []
      let measured = 0
      for (const { conditions } of this.#shared.peers.values()) {
        const sinceMs = conditions?.since(condition) ?? (conditions === undefined ? 'unknown' : undefined)
        measured += sinceMs === 'unknown' ? 0 : 1
        if (typeof sinceMs === 'number') {
          beginningsMs.push(sinceMs)
        }
      }
      this.#tell('', condition, 'share', this.#node[condition].update(beginningsMs, measured, nowMs))
    }
    const { silentSinceMs, monitored } = liveness.silences(nowMs)
    this.#tell('', 'partition', 'share', this.#node.partition.update(silentSinceMs, monitored, nowMs))
  }

  #tell (peer: string, condition: Condition, reason: 'change' | 'share', change: Change | undefined): void {
    if (change !== undefined) {
      this.#shared.record({ type: 'health:condition', peer, condition, reason, ...change })
    }
  }
}

function conditionsOf (peer: MonitoredPeer): PeerConditions {
  peer.conditions ??= new PeerConditions()
  return peer.conditions
}
