import { DeliveryRate } from './delivery-rate.ts'
import { withinWindowBounds } from './window-bounds.ts'
import { WindowedExtreme } from './windowed-extreme.ts'
import type { AcknowledgedSample, SendWindow } from '../uplink.ts'

/** Before anything is known: the bandwidth-delay product of 20 Mbit/s and 100 ms. */
const INITIAL_WINDOW_BYTES = 256 * 1024
/** A path that became longer is believed after 10 seconds, as in BBR. */
const RTT_SLOT_MS = 1000
/** A path that became slower is believed after one second: ten round trips of a usual path, as in BBR. */
const RATE_SLOT_MS = 100
const SLOTS = 10
/** The queue is let run dry when no round trip was near the least for so long: half of what the least is remembered. */
const PROBE_AFTER_MS = 5000
/** It is given up after so long at least: the path became longer, and its least round trip will be forgotten. */
const PROBE_MS = 1000
/** A round trip within this of the least counts as one without a queue. */
const NEAR = 1.1

/**
 * A window of delivery rate x (least round trip + target delay): as much as fills the path, and lets a queue of no more
 * than the target stand below the scheduler (BBR's model of the path, draft-cardwell-iccrg-bbr-congestion-control, with a
 * standing queue in place of gain cycling: while the window binds and the queue is shorter than the target, the next
 * round trip's window is larger by the difference).
 *
 * A queue that stands hides the least round trip, and the window would grow with each time that it is forgotten: so every
 * five seconds, unless the queue ran dry by itself, the window is half of what fills the path until it has (BBR's
 * ProbeRTT).
 *
 * Round trips stand for one-way delays: queueing on the way back counts as if it was on the way there.
 */
export class DelayWindow implements SendWindow {
  readonly #segmentBytes: number
  readonly #targetMs: number
  readonly #leastRtts = new WindowedExtreme('least', RTT_SLOT_MS, SLOTS)
  readonly #rates = new WindowedExtreme('greatest', RATE_SLOT_MS, SLOTS)
  readonly #delivery = new DeliveryRate()
  #windowBytes = INITIAL_WINDOW_BYTES
  /** When a round trip was last as good as the least. */
  #dryMs = -Infinity
  #probeUntilMs = -Infinity
  /** What the rate was before the queue was let run dry, while what is measured is that. */
  #probedBitsPerSecond = 0

  /**
   * @param segmentBytes what is sent at a time
   * @param targetMs the queueing delay to allow below the scheduler
   */
  constructor (segmentBytes: number, targetMs: number) {
    this.#segmentBytes = segmentBytes
    this.#targetMs = targetMs
  }

  get windowBytes (): number {
    return this.#windowBytes
  }

  onAcknowledged ({ nowMs, bytes, rttMs, applicationLimited }: AcknowledgedSample): void {
    const sampleBitsPerSecond = this.#delivery.sample(nowMs, bytes, rttMs)
    this.#leastRtts.add(nowMs, rttMs)
    // What the application set the rate of proves that the path can do as much, not that it can do no more.
    if (!applicationLimited || sampleBitsPerSecond > this.#rates.value(nowMs)) {
      this.#rates.add(nowMs, sampleBitsPerSecond)
    }
    const leastRttMs = this.#leastRtts.value(nowMs)
    const probing = this.#probe(nowMs, rttMs, leastRttMs)
    // Until the path has been full again for a round trip and a queue's time, what was measured is the probe.
    const settled = nowMs >= this.#probeUntilMs + 2 * leastRttMs + this.#targetMs
    const rateBitsPerSecond = settled ? this.#rates.value(nowMs) : Math.max(this.#rates.value(nowMs), this.#probedBitsPerSecond)
    // A segment more, or a narrow window would not grow by a whole one and so never (BBR's quantisation budget).
    const modelBytes = rateBitsPerSecond * (probing ? leastRttMs / 2 : leastRttMs + this.#targetMs) / 8e3 + this.#segmentBytes
    // At most twice as much a round trip: what a window sets free at once would queue at once.
    const windowBytes = Math.min(modelBytes, this.#windowBytes + bytes)
    this.#windowBytes = withinWindowBounds(applicationLimited ? Math.max(windowBytes, this.#windowBytes) : windowBytes)
  }

  /** Whether the queue is being let run dry: until it has, or for twice as long as a full one takes. */
  #probe (nowMs: number, rttMs: number, leastRttMs: number): boolean {
    if (this.#dryMs === -Infinity || rttMs <= leastRttMs * NEAR) {
      this.#dryMs = nowMs
      this.#probeUntilMs = Math.min(this.#probeUntilMs, nowMs)
    } else if (nowMs - this.#dryMs >= PROBE_AFTER_MS && nowMs >= this.#probeUntilMs) {
      this.#probedBitsPerSecond = this.#rates.value(nowMs)
      this.#probeUntilMs = nowMs + Math.max(PROBE_MS, 2 * (leastRttMs + this.#targetMs))
      this.#dryMs = nowMs
    }
    return nowMs < this.#probeUntilMs
  }
}
