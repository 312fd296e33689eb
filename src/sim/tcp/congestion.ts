/**
 * What a controller learns from one acknowledgement. The sender owns one such object and fills it anew each time: a
 * controller must not keep it.
 */
export interface AckSample {
  readonly nowNs: number
  /** Bytes by which the cumulative acknowledgement advanced. */
  readonly ackedBytes: number
  /** Bytes now known to have arrived, by either kind of acknowledgement, that were not known before. */
  readonly deliveredBytes: number
  /** Bytes still in the network after this acknowledgement, by the sender's estimate (RFC 6675's pipe). */
  readonly pipeBytes: number
  /** The round trip measured from the echoed timestamp; -1 where there is none. */
  readonly rttNs: number
  /** Between `onLoss` and `onRecovered`. */
  readonly inRecovery: boolean
  /** The window, and not the application or the receiver, limited what was sent in the round trip before. */
  readonly windowLimited: boolean
}

/** What a controller learns when a loss is found. */
export interface LossSample {
  readonly nowNs: number
  /** Bytes sent and not cumulatively acknowledged. */
  readonly flightBytes: number
}

/**
 * Decides how much may be in the network; the sender's part is to know how much is. An implementation lives through one
 * connection.
 */
export interface CongestionController {
  /** The sender keeps its pipe at or below this. */
  readonly cwndBytes: number
  /** Slow start ends here; infinite until the first loss. */
  readonly ssthreshBytes: number
  /** Every acknowledgement of something new, after losses were looked for. */
  onAck(sample: AckSample): void
  /** `bytes` of payload left, for the first time or again. */
  onSent(bytes: number): void
  /** Fast recovery begins: losses found by duplicate or selective acknowledgements. Once a round trip at most. */
  onLoss(sample: LossSample): void
  /** Fast recovery ended: all that was outstanding when it began is acknowledged. */
  onRecovered(): void
  /** The retransmission timer expired: the first time since anything new was acknowledged. */
  onTimeout(sample: LossSample): void
  /** Sending begins again after nothing was in flight or sent for `idleNs`, which is longer than the timeout `rtoNs`. */
  onIdle(idleNs: number, rtoNs: number): void
}
