import type { AckSample } from './congestion.ts'
import { LossBasedController } from './loss-based-controller.ts'

/**
 * Reno's window (RFC 5681), growing by the bytes delivered and not by the number of acknowledgements (RFC 3465, without
 * its limit of 2 MSS an acknowledgement, as in Linux), so that delayed acknowledgements do not halve the growth.
 */
export class NewReno extends LossBasedController {
  /** RFC 5681 (4). */
  protected threshold (cwnd: number): number {
    return Math.max(this.whole(cwnd / 2), 2)
  }

  protected segmentsToGrow (_sample: AckSample, _segments: number): number {
    return this.cwnd
  }
}
