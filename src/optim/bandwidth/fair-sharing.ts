import { TRAFFIC_CLASSES } from '../traffic-class.ts'
import { Gcra } from './gcra.ts'
import { PeerCaps } from './peer-caps.ts'
import { PeerQueue } from './peer-queue.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Flow } from '../uplink.ts'
import type { Discipline } from './discipline.ts'
import type { ClassShares } from './options.ts'

export interface FairSharingSettings {
  readonly rateBitsPerSecond: number
  readonly quantumBytes: number
  readonly classes: ClassShares
  /** Infinity: none. */
  readonly peerCapBitsPerSecond: number
}

/**
 * Shares the way out: first among classes, then in each among peers (`PeerQueue`).
 *
 * A class is guaranteed a share, and among classes that are below theirs the more pressing goes first. What is left is
 * shared by weight, in deficit round robin. So a class loses its priority over the threshold, not its service (as in
 * CAKE's diffserv), bulk has its share under any load of the others, and what one leaves the others borrow.
 */
export class FairSharing implements Discipline {
  readonly #classes: readonly ClassState[]
  readonly #byClass: Readonly<Record<TrafficClass, ClassState>>
  readonly #caps: PeerCaps | undefined
  /** Whose turn it is by weight. */
  #turn = 0
  /** Whether the flow that `next` named last goes first because its class is below its guarantee. */
  #guaranteed = false

  constructor ({ rateBitsPerSecond, quantumBytes, classes, peerCapBitsPerSecond }: FairSharingSettings) {
    const caps = peerCapBitsPerSecond === Infinity ? undefined : new PeerCaps(peerCapBitsPerSecond, quantumBytes)
    this.#caps = caps
    const heaviest = Math.max(...TRAFFIC_CLASSES.map(name => classes[name].weight))
    const create = (name: TrafficClass): ClassState => {
      const { weight, guaranteedShare, capBitsPerSecond } = classes[name]
      const guaranteedBitsPerSecond = rateBitsPerSecond * guaranteedShare
      return {
        queue: new PeerQueue(quantumBytes, caps),
        weight,
        guaranteedShare,
        guarantee: guaranteedShare === 0 ? undefined : new Gcra(guaranteedBitsPerSecond, guaranteedBitsPerSecond * GUARANTEE_BURST_MS / 8e3),
        cap: capBitsPerSecond === Infinity ? undefined : new Gcra(capBitsPerSecond, quantumBytes),
        capShare: Math.min(1, capBitsPerSecond / rateBitsPerSecond),
        quantumBytes: quantumBytes * weight / heaviest,
        deficitBytes: 0
      }
    }
    this.#byClass = { urgent: create('urgent'), normal: create('normal'), bulk: create('bulk') }
    this.#classes = TRAFFIC_CLASSES.map(name => this.#byClass[name])
  }

  add (flow: Flow): void {
    this.#byClass[flow.class].queue.add(flow)
  }

  remove (flow: Flow): void {
    this.#byClass[flow.class].queue.remove(flow)
  }

  next (nowMs: number): Flow | undefined {
    let waiting = false
    for (const state of this.#classes) {
      const flow = candidate(state, nowMs)
      if (flow !== undefined && state.guarantee?.delayMs(nowMs) === 0) {
        this.#guaranteed = true
        return flow
      }
      waiting ||= flow !== undefined
    }
    this.#guaranteed = false
    return waiting ? this.#byWeight(nowMs) : undefined
  }

  sent (flow: Flow, bytes: number, more: boolean, nowMs: number): void {
    const state = this.#byClass[flow.class]
    state.queue.sent(flow, bytes, more, nowMs)
    state.cap?.take(nowMs, bytes)
    this.#caps?.sweep(nowMs)
    // What was borrowed is not held against the guarantee, or a class that borrowed for long would have none for long.
    if (this.#guaranteed) {
      state.guarantee?.take(nowMs, bytes)
    } else {
      state.deficitBytes -= bytes
    }
  }

  delayMs (nowMs: number): number {
    let delayMs = Infinity
    for (const { queue, cap } of this.#classes) {
      if (queue.size > 0) {
        const capMs = cap?.delayMs(nowMs) ?? 0
        delayMs = Math.min(delayMs, capMs > 0 ? capMs : queue.delayMs(nowMs))
      }
    }
    return delayMs
  }

  share (flow: Flow): number {
    const own = this.#byClass[flow.class]
    return this.#classShare(own) / (own.queue.peers + (own.queue.has(flow.peer) ? 0 : 1))
  }

  * flows (): Generator<Flow> {
    for (const { queue } of this.#classes) {
      yield * queue.flows()
    }
  }

  #byWeight (nowMs: number): Flow {
    for (let passed = 0; ; passed++) {
      const state = this.#classes[this.#turn]
      const flow = candidate(state, nowMs)
      if (flow === undefined) {
        // What it does not use is not saved up; what it owes it still owes.
        state.deficitBytes = Math.min(state.deficitBytes, 0)
      } else if (state.deficitBytes > 0) {
        return flow
      }
      if (passed === this.#classes.length) {
        this.#skipRounds(nowMs)
      }
      this.#turn = (this.#turn + 1) % this.#classes.length
      const next = this.#classes[this.#turn]
      next.deficitBytes += next.quantumBytes
    }
  }

  /** All owe: the rounds in which nobody's turn comes are one step, or a light class alone would go through a million. */
  #skipRounds (nowMs: number): void {
    let rounds = Infinity
    for (const state of this.#classes) {
      if (candidate(state, nowMs) !== undefined) {
        rounds = Math.min(rounds, Math.floor(-state.deficitBytes / state.quantumBytes))
      }
    }
    for (const state of this.#classes) {
      state.deficitBytes = Math.min(state.deficitBytes + rounds * state.quantumBytes, 0)
    }
  }

  #classShare (own: ClassState): number {
    let guaranteed = 0
    let weights = 0
    for (const state of this.#classes) {
      if (state === own || state.queue.size > 0) {
        guaranteed += state.guaranteedShare
        weights += state.weight
      }
    }
    return Math.min(own.capShare, own.guaranteedShare + (1 - guaranteed) * own.weight / weights)
  }
}

/** How long a class that was quiet goes before others at the full rate; as long as the default burst of the whole. */
const GUARANTEE_BURST_MS = 10

interface ClassState {
  readonly queue: PeerQueue
  readonly weight: number
  readonly guaranteedShare: number
  /** Undefined where nothing is guaranteed. */
  readonly guarantee: Gcra | undefined
  readonly cap: Gcra | undefined
  readonly capShare: number
  /** Of the heaviest class a whole quantum, of others less. */
  readonly quantumBytes: number
  deficitBytes: number
}

function candidate ({ queue, cap }: ClassState, nowMs: number): Flow | undefined {
  return queue.size > 0 && (cap?.delayMs(nowMs) ?? 0) === 0 ? queue.next(nowMs) : undefined
}
