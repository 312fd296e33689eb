const APPLICATION_LIMITED = 1

/**
 * Measures at which rate the network delivers (draft-cheng-iccrg-delivery-rate-estimation, as in Linux): each segment
 * remembers what had been delivered when it was sent, so that its arrival gives a rate over one round trip.
 *
 * Its columns are indexed by the scoreboard's slots.
 */
export class DeliveryRate {
  /** Delivered over the connection. */
  totalBytes = 0
  /** The sample of the latest acknowledgement: bytes and the time they took; -1 ns where there is none. */
  bytes = 0
  intervalNs = -1
  applicationLimited = false
  /** What had been delivered when the segment that gave the sample was sent. */
  priorBytes = 0

  #deliveredBytes: Float64Array<ArrayBuffer>
  #deliveredNs: Float64Array<ArrayBuffer>
  #firstSentNs: Float64Array<ArrayBuffer>
  #flags: Uint8Array<ArrayBuffer>
  /** When the flight that is now measured began to be sent, and when something was last delivered. */
  #flightStartNs = 0
  #lastDeliveryNs = 0
  /** Until so much is delivered the application is what limits; 0 where it does not. */
  #limitedUpTo = 0
  #sampled = false
  #sampleEnd = 0
  #sampleSentNs = 0
  #sampleDeliveryNs = 0
  #sendIntervalNs = 0

  constructor (capacity: number) {
    this.#deliveredBytes = new Float64Array(capacity)
    this.#deliveredNs = new Float64Array(capacity)
    this.#firstSentNs = new Float64Array(capacity)
    this.#flags = new Uint8Array(capacity)
  }

  /** `idle`: nothing else is in flight. */
  onSent (slot: number, nowNs: number, idle: boolean): void {
    if (idle) {
      this.#flightStartNs = nowNs
      this.#lastDeliveryNs = nowNs
    }
    this.#deliveredBytes[slot] = this.totalBytes
    this.#deliveredNs[slot] = this.#lastDeliveryNs
    this.#firstSentNs[slot] = this.#flightStartNs
    this.#flags[slot] = this.#limitedUpTo > 0 ? APPLICATION_LIMITED : 0
  }

  /** One of the segments that an acknowledgement brings. The one sent last gives the sample. */
  onDelivered (slot: number, sentNs: number, end: number): void {
    if (this.#sampled && (sentNs < this.#sampleSentNs || (sentNs === this.#sampleSentNs && end <= this.#sampleEnd))) {
      return
    }
    this.#sampled = true
    this.#sampleSentNs = sentNs
    this.#sampleEnd = end
    this.#sampleDeliveryNs = this.#deliveredNs[slot]
    this.priorBytes = this.#deliveredBytes[slot]
    this.applicationLimited = this.#flags[slot] !== 0
    this.#sendIntervalNs = sentNs - this.#firstSentNs[slot]
    this.#flightStartNs = sentNs
  }

  /** The acknowledgement is over; it delivered so much. */
  sample (nowNs: number, deliveredBytes: number, leastRttNs: number): void {
    this.totalBytes += deliveredBytes
    if (this.#limitedUpTo > 0 && this.totalBytes > this.#limitedUpTo) {
      this.#limitedUpTo = 0
    }
    if (deliveredBytes > 0) {
      this.#lastDeliveryNs = nowNs
    }
    this.intervalNs = -1
    if (this.#sampled) {
      this.#sampled = false
      this.bytes = this.totalBytes - this.priorBytes
      // The slower of sending and acknowledging: bursts of acknowledgements, or of sending, are no rate.
      const intervalNs = Math.max(this.#sendIntervalNs, nowNs - this.#sampleDeliveryNs)
      this.intervalNs = intervalNs < leastRttNs ? -1 : intervalNs
    }
  }

  /** The application has nothing to send, though the window would allow it. */
  noteApplicationLimited (pipeBytes: number): void {
    this.#limitedUpTo = Math.max(1, this.totalBytes + pipeBytes)
  }

  grow (head: number, next: number, mask: number, capacity: number): void {
    const deliveredBytes = new Float64Array(capacity)
    const deliveredNs = new Float64Array(capacity)
    const firstSentNs = new Float64Array(capacity)
    const flags = new Uint8Array(capacity)
    for (let n = head; n < next; n++) {
      const from = n & mask
      const to = n & (capacity - 1)
      deliveredBytes[to] = this.#deliveredBytes[from]
      deliveredNs[to] = this.#deliveredNs[from]
      firstSentNs[to] = this.#firstSentNs[from]
      flags[to] = this.#flags[from]
    }
    this.#deliveredBytes = deliveredBytes
    this.#deliveredNs = deliveredNs
    this.#firstSentNs = firstSentNs
    this.#flags = flags
  }
}
