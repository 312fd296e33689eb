/**
 * What a controller learns from one acknowledgement. The sender owns one such object and fills it anew each time: a
 * controller must not keep it.
 *
 * What was delivered or lost and what is in flight are counted as the window counts them: with `wholeSegments` a segment is
 * a full one, however small, as Linux counts packets.
 */
export interface AckSample {
  readonly nowNs: number
  /** Bytes by which the cumulative acknowledgement advanced. */
  readonly ackedBytes: number
  /** Bytes now known to have arrived, by either kind of acknowledgement, that were not known before. */
  readonly deliveredBytes: number
  /** Bytes newly taken for lost. */
  readonly lostBytes: number
  /** Bytes still in the network after this acknowledgement, by the sender's estimate (RFC 6675's pipe), and before it. */
  readonly pipeBytes: number
  readonly priorPipeBytes: number
  /** The first byte not acknowledged, and the next new one to be sent. */
  readonly acknowledgedSequence: number
  readonly nextSequence: number
  /** The round trip of the segment sent last among those that now arrived, none of them a copy; -1 where there is none. */
  readonly rttNs: number
  /** Smoothed, and the least of the connection so far; -1 before the first measurement. */
  readonly srttNs: number
  readonly minRttNs: number
  /** Between `onLoss` and `onRecovered`. */
  readonly inRecovery: boolean
  /** After a timeout, until all that was outstanding then is acknowledged. */
  readonly inLoss: boolean
  /** The pacer holds the next burst back for so long. */
  readonly pacedAheadNs: number
  /** The window, and not the application or the receiver, limited what was sent in the round trip before. */
  readonly windowLimited: boolean
  /**
   * The delivery rate (draft-cheng-iccrg-delivery-rate-estimation), where the controller has `measuresRate` set: the bytes
   * delivered since the latest segment that now arrived was sent, and the time that this took; 0 ns where there is none.
   */
  readonly rateBytes: number
  readonly rateIntervalNs: number
  /** The application had less to send than the network could take when that segment was sent. */
  readonly rateApplicationLimited: boolean
  /** All bytes delivered over the connection: now, and when that segment was sent. */
  readonly totalDeliveredBytes: number
  readonly priorDeliveredBytes: number
}

/** What a controller learns when a loss is found; counted in the same way. */
export interface LossSample {
  readonly nowNs: number
  /** Bytes sent and not cumulatively acknowledged. */
  readonly flightBytes: number
  /** Bytes still in the network, the lost not counted. */
  readonly pipeBytes: number
}

/**
 * Decides how much may be in the network, and how fast it may get there; the sender's part is to know how much is. An
 * implementation lives through one connection.
 */
export interface CongestionController {
  /** The sender keeps its pipe at or below this. */
  readonly cwndBytes: number
  /** Slow start ends here; infinite until the first loss. */
  readonly ssthreshBytes: number
  /** Segments leave at this rate, in bytes a second; infinite where acknowledgements alone clock them. */
  readonly pacingBytesPerSecond: number
  /** Whether the sender is to measure the delivery rate. */
  readonly measuresRate: boolean
  /** It now sends less than the path would carry, on purpose: rates measured of that are no rates of the path. */
  readonly lowersRate: boolean
  /** The handshake is over, and data may be sent. After lost SYNs the window begins with a single segment. */
  onEstablished(nowNs: number, srttNs: number, synsLost: boolean): void
  /** Every acknowledgement of something new, after losses were looked for. */
  onAck(sample: AckSample): void
  /** `bytes` left, for the first time or again; counted in the same way. */
  onSent(bytes: number): void
  /** Fast recovery begins: losses found by duplicate or selective acknowledgements. Once a round trip at most. */
  onLoss(sample: LossSample): void
  /** Fast recovery, or the reduction for a mark, ended: all that was outstanding when it began is acknowledged. */
  onRecovered(): void
  /**
   * The peer echoes a congestion mark (ECN). `first` is false where a reduction is already under way. The reduction ends
   * with `onRecovered`.
   */
  onMark(first: boolean): void
  /**
   * The retransmission timer expired. `first` is false where the threshold was reduced already for what is outstanding: in
   * recovery, or after another expiry.
   */
  onTimeout(sample: LossSample, first: boolean): void
  /** The reduction before was for nothing: all that had been sent arrived at the first attempt. */
  onUndo(): void
  /** Sending begins with nothing in flight, `idleNs` after something was sent last. */
  onRestart(nowNs: number, idleNs: number): void
  /** The same, where `idleNs` is longer than the timeout `rtoNs` and slow start is to begin again (RFC 5681 4.1). */
  onIdle(idleNs: number, rtoNs: number): void
  /** For a timeout's time no more than `usedBytes` of the window were used. */
  onUnderused(usedBytes: number): void
}
