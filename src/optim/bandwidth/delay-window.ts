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

/**
 * A window of delivery rate x (least round trip + target delay): as much as fills the path, and lets a queue of no more
 * than the target stand below the scheduler (BBR's model, with a standing queue in place of probing: while the window
 * binds and the queue is shorter than the target, what is delivered in a round trip is a window that is larger each time
 * by target / round trip).
 *
 * Round trips stand for one-way delays: queueing on the way back counts, and makes the window narrower, never wider.
 */
export class DelayWindow implements SendWindow {
  readonly #targetMs: number
  readonly #leastRttMs = new WindowedExtreme('least', RTT_SLOT_MS, SLOTS)
  readonly #rateBitsPerSecond = new WindowedExtreme('greatest', RATE_SLOT_MS, SLOTS)
  readonly #delivery = new DeliveryRate()
  #windowBytes = INITIAL_WINDOW_BYTES

  /** @param targetMs the queueing delay to allow below the scheduler */
  constructor (targetMs: number) {
    this.#targetMs = targetMs
  }

  get windowBytes (): number {
    return this.#windowBytes
  }

  onAcknowledged ({ nowMs, bytes, rttMs, applicationLimited }: AcknowledgedSample): void {
    const rateBitsPerSecond = this.#delivery.sample(nowMs, bytes, rttMs)
    this.#leastRttMs.add(nowMs, rttMs)
    // What the application set the rate of proves that the path can do as much, not that it can do no more.
    if (!applicationLimited || rateBitsPerSecond > this.#rateBitsPerSecond.value(nowMs)) {
      this.#rateBitsPerSecond.add(nowMs, rateBitsPerSecond)
    }
    const windowBytes = this.#rateBitsPerSecond.value(nowMs) * (this.#leastRttMs.value(nowMs) + this.#targetMs) / 8e3
    this.#windowBytes = withinWindowBounds(applicationLimited ? Math.max(windowBytes, this.#windowBytes) : windowBytes)
  }
}
