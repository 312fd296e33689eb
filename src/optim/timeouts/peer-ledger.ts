import { LatencyWindow } from './latency-window.ts'
import { PhiAccrual } from './phi-accrual.ts'
import { selectTier } from './policy.ts'
import { populationRttMs } from './population.ts'
import { RecentMap } from '../recent-map.ts'
import { retransmissionTimeoutMs, RttEstimator } from './rtt-estimator.ts'
import type { TimeoutSettings } from './options.ts'
import type { PeerConditions, Tier } from './policy.ts'

/** Operations remembered of one peer. */
const OPERATIONS = 32

/** Weight of one attempt in a peer's shares of spurious timeouts and losses. */
const SHARE_WEIGHT = 1 / 32

/** How an attempt ended: answered in time, answered although given up on, or never. */
export type Verdict = 'answered' | 'spurious' | 'lost'

/** What is known of one peer. */
export interface PeerRecord {
  readonly peer: string
  readonly operations: RecentMap<OperationRecord>
  readonly detector: PhiAccrual
  outstanding: number
  tier: Tier
  attemptsInTier: number
  spuriousShare: number
  lossShare: number
}

/** What is known of one kind of request to one peer. */
export interface OperationRecord {
  readonly estimator: RttEstimator
  readonly latencies: LatencyWindow
}

/** Keeps what answers and silences taught, for a bounded number of peers. Decides nothing and starts no timer. */
export class PeerLedger {
  readonly #settings: TimeoutSettings
  readonly #peers: RecentMap<PeerRecord>
  /** The population's wait for each operation, until the next sample of any. */
  readonly #priorsMs = new RecentMap<number>(OPERATIONS)

  constructor (settings: TimeoutSettings) {
    this.#settings = settings
    this.#peers = new RecentMap(settings.maximumPeers)
  }

  get size (): number {
    return this.#peers.size
  }

  peer (peer: string): PeerRecord {
    return this.#peers.obtain(peer, () => ({
      peer,
      operations: new RecentMap(OPERATIONS),
      detector: new PhiAccrual(this.#settings.suspicion),
      outstanding: 0,
      tier: 'rtt',
      attemptsInTier: 0,
      spuriousShare: 0,
      lossShare: 0
    }))
  }

  /** Undefined of a peer that nothing is known of. */
  knownPeer (peer: string): PeerRecord | undefined {
    return this.#peers.peek(peer)
  }

  /** Of a peer or an operation that nothing is known of, too; asking leaves no trace. */
  conditions (record: PeerRecord | undefined, operation: string, nowMs: number): PeerConditions {
    const estimator = record?.operations.peek(operation)?.estimator
    return new RecordedConditions(record, estimator, estimator?.backoff ?? 0, this.#settings.granularityMs, nowMs, () => this.#priorMs(operation))
  }

  /** The same, as if nothing had been overdue lately. */
  usualConditions (record: PeerRecord, operation: string, nowMs: number): PeerConditions {
    return new RecordedConditions(record, record.operations.peek(operation)?.estimator, 0, this.#settings.granularityMs, nowMs, () => this.#priorMs(operation))
  }

  /** The given quantile of the last round trips; undefined while fewer than `minimumSamples` are known. */
  quantileMs (record: PeerRecord, operation: string, quantile: number, minimumSamples: number): number | undefined {
    const { latencies } = operationOf(record, operation)
    return latencies.count < minimumSamples ? undefined : latencies.quantileMs(quantile)
  }

  /** An attempt is under way: the peer's silence counts. */
  attemptSent (record: PeerRecord, nowMs: number): void {
    record.outstanding++
    record.detector.awaitFrom(nowMs)
  }

  /** It ended, however it did. */
  attemptEnded (record: PeerRecord): void {
    if (--record.outstanding === 0) {
      record.detector.rest()
    }
  }

  /** An attempt has run out its time, whatever comes of it. */
  overdue (record: PeerRecord, operation: string, sentAtMs: number, nowMs: number): void {
    operationOf(record, operation).estimator.raiseBackoff(sentAtMs, nowMs)
  }

  /** A valid answer. `rttMs` is undefined where it tells no round trip. */
  answered (record: PeerRecord, operation: string, rttMs: number | undefined): void {
    const { estimator, latencies } = operationOf(record, operation)
    if (rttMs === undefined) {
      estimator.clearBackoff()
      return
    }
    estimator.sample(rttMs)
    latencies.add(rttMs)
    this.#priorsMs.clear()
  }

  /** How an attempt ended. Answers the tier that this took the peer out of, where it did. */
  judge (record: PeerRecord, verdict: Verdict): Tier | undefined {
    record.spuriousShare += SHARE_WEIGHT * ((verdict === 'spurious' ? 1 : 0) - record.spuriousShare)
    record.lossShare += SHARE_WEIGHT * ((verdict === 'lost' ? 1 : 0) - record.lossShare)
    record.attemptsInTier++
    const before = record.tier
    record.tier = selectTier(before, record, record.attemptsInTier)
    if (record.tier === before) {
      return undefined
    }
    record.attemptsInTier = 0
    return before
  }

  #priorMs (operation: string): number {
    return this.#priorsMs.obtain(operation, () => {
      const rttMs = populationRttMs(this.#srttsMs(operation))
      // As if the population's round trip were the first sample: RFC 6298 (2.2).
      return rttMs === undefined
        ? this.#settings.initialMs
        : retransmissionTimeoutMs(rttMs, rttMs / 2, this.#settings.granularityMs)
    })
  }

  #srttsMs (operation: string): number[] {
    const srttsMs: number[] = []
    for (const { operations } of this.#peers.values()) {
      const srttMs = operations.peek(operation)?.estimator.srttMs
      if (srttMs !== undefined) {
        srttsMs.push(srttMs)
      }
    }
    return srttsMs
  }
}

/** Asked for with each attempt, so a class: an object with getters of its own is dear to make. */
class RecordedConditions implements PeerConditions {
  readonly srttMs: number | undefined
  readonly rttVarMs: number | undefined
  readonly backoff: number
  readonly spuriousShare: number
  readonly lossShare: number
  readonly tier: Tier
  readonly granularityMs: number
  readonly #record: PeerRecord | undefined
  readonly #nowMs: number
  readonly #prior: () => number

  constructor (record: PeerRecord | undefined, estimator: RttEstimator | undefined, backoff: number, granularityMs: number, nowMs: number, prior: () => number) {
    this.srttMs = estimator?.srttMs
    this.rttVarMs = estimator?.rttVarMs
    this.backoff = backoff
    this.spuriousShare = record?.spuriousShare ?? 0
    this.lossShare = record?.lossShare ?? 0
    this.tier = record?.tier ?? 'rtt'
    this.granularityMs = granularityMs
    this.#record = record
    this.#nowMs = nowMs
    this.#prior = prior
  }

  /** Worked out on demand: it costs a look at every peer. */
  get priorMs (): number {
    return this.#prior()
  }

  get suspicion (): number {
    return this.#record?.detector.phi(this.#nowMs) ?? 0
  }
}

function operationOf (record: PeerRecord, operation: string): OperationRecord {
  return record.operations.obtain(operation, () => ({ estimator: new RttEstimator(), latencies: new LatencyWindow() }))
}
