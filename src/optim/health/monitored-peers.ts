import { AnswerTimes } from './liveness.ts'
import { QualityScore } from './peer-quality.ts'
import type { PeerConditions } from './conditions.ts'
import type { LivenessState } from './events.ts'
import type { FailureAccrual } from './outlier-detection.ts'
import type { RecoveryRecord } from './recovery.ts'

/** What is known of one peer. What an idle peer does not need is made when it is. */
export class MonitoredPeer {
  readonly peer: string
  state: LivenessState = 'idle'
  /** When anything was observed of it. */
  heardMs: number
  /** When anything came from it, in time that this node was awake for. */
  lifeAwakeMs: number
  /** When the first probe of this silence was sent, likewise; undefined where none was. */
  unansweredAwakeMs: number | undefined
  /** When the last probe was sent, likewise. */
  probedAwakeMs = -Infinity
  failedProbes = 0
  /** An attempt ran out its time, and nothing came since. */
  awaited = false
  probe: AbortController | undefined
  connections: MonitoredConnection[] | undefined
  answers: AnswerTimes | undefined
  accrual: FailureAccrual | undefined
  conditions: PeerConditions | undefined
  recovery: RecoveryRecord | undefined
  score: QualityScore | undefined

  constructor (peer: string, nowMs: number, awakeMs: number) {
    this.peer = peer
    this.heardMs = nowMs
    this.lifeAwakeMs = awakeMs
  }

  /** Whether there is anything to be silent on, or to be had back. */
  get monitored (): boolean {
    return this.awaited || this.connections !== undefined || this.state === 'dead'
  }

  get answerTimes (): AnswerTimes {
    this.answers ??= new AnswerTimes()
    return this.answers
  }

  get quality (): QualityScore {
    this.score ??= new QualityScore()
    return this.score
  }

  connection (id: string): MonitoredConnection | undefined {
    return this.connections?.find(connection => connection.id === id)
  }

  /** Beyond a bound the oldest is let go of: a peer with more only gets less told apart. */
  opened (id: string): void {
    if (this.connections === undefined) {
      this.connections = [new MonitoredConnection(id)]
    } else if (this.connection(id) === undefined) {
      this.connections = [...this.connections.slice(1 - MAXIMUM_CONNECTIONS), new MonitoredConnection(id)]
    }
  }

  /** It has not been used for long: lets go of what only use makes worth knowing. */
  unused (): void {
    this.accrual = undefined
    if (this.conditions?.none === true) {
      this.conditions = undefined
    }
    this.connections?.forEach(connection => {
      connection.score = undefined
    })
  }

  closed (id: string): void {
    const left = this.connections?.filter(connection => connection.id !== id)
    this.connections = left?.length === 0 ? undefined : left
  }
}

const MAXIMUM_CONNECTIONS = 16

export class MonitoredConnection {
  readonly id: string
  score: QualityScore | undefined

  constructor (id: string) {
    this.id = id
  }

  get quality (): QualityScore {
    this.score ??= new QualityScore()
    return this.score
  }
}

/** The peers that something is known of: a bounded number. */
export class MonitoredPeers {
  readonly #limit: number
  readonly #isEjected: (peer: string) => boolean
  readonly #onForgotten: (peer: MonitoredPeer) => void
  readonly #peers = new Map<string, MonitoredPeer>()

  /** @param isEjected whether forgetting a peer would let it in before its time */
  constructor (limit: number, isEjected: (peer: string) => boolean, onForgotten: (peer: MonitoredPeer) => void) {
    this.#limit = limit
    this.#isEjected = isEjected
    this.#onForgotten = onForgotten
  }

  get size (): number {
    return this.#peers.size
  }

  get (peer: string): MonitoredPeer | undefined {
    return this.#peers.get(peer)
  }

  values (): MapIterator<MonitoredPeer> {
    return this.#peers.values()
  }

  obtain (peer: string, nowMs: number, awakeMs: number): MonitoredPeer {
    let known = this.#peers.get(peer)
    if (known === undefined) {
      known = new MonitoredPeer(peer, nowMs, awakeMs)
      if (this.#peers.size >= this.#limit) {
        this.forget(this.#leastMissed())
      }
      this.#peers.set(peer, known)
    }
    return known
  }

  forget (peer: MonitoredPeer): void {
    this.#peers.delete(peer.peer)
    this.#onForgotten(peer)
  }

  clear (): void {
    this.#peers.clear()
  }

  /** One without a connection that is not ejected, if there is any, and of several that which was heard of least recently. */
  #leastMissed (): MonitoredPeer {
    let least: MonitoredPeer | undefined
    let leastSpared = true
    for (const peer of this.#peers.values()) {
      const spared = peer.connections !== undefined || this.#isEjected(peer.peer)
      if (least === undefined || (spared === leastSpared ? peer.heardMs < least.heardMs : leastSpared)) {
        least = peer
        leastSpared = spared
      }
    }
    if (least === undefined) {
      throw new Error('a full table of peers is empty')
    }
    return least
  }
}
