import type { TrafficClass } from '../../../src/optim/traffic-class.ts'
import type { Flow, Uplink } from '../../../src/optim/uplink.ts'

/** What went, in order. */
export interface Sent {
  readonly flow: TestFlow
  readonly atMs: number
  readonly bytes: number
}

/** Messages that are sent whole: as many as fit into a grant, and one at least, unless it has no room. */
export class TestFlow implements Flow {
  readonly peer: string
  readonly class: TrafficClass
  readonly messages: number[] = []
  sentBytes = 0
  /** Whether the transport takes anything. */
  room = true
  readonly #log: (flow: TestFlow, bytes: number) => void

  constructor (peer: string, trafficClass: TrafficClass, log: (flow: TestFlow, bytes: number) => void = () => {}) {
    this.peer = peer
    this.class = trafficClass
    this.#log = log
  }

  get backlogBytes (): number {
    return this.room ? this.messages.reduce((sum, bytes) => sum + bytes, 0) : 0
  }

  offer (uplink: Pick<Uplink, 'ready'>, ...messages: number[]): void {
    this.messages.push(...messages)
    uplink.ready(this)
  }

  transmit (grantBytes: number): number {
    let bytes = 0
    while (this.room && this.messages.length > 0 && (bytes === 0 || bytes + this.messages[0] <= grantBytes)) {
      bytes += this.messages.shift() ?? 0
    }
    this.sentBytes += bytes
    if (bytes > 0) {
      this.#log(this, bytes)
    }
    return bytes
  }
}

/** Has always something: shares of it are what the scheduler gives. */
export class GreedyFlow implements Flow {
  readonly peer: string
  readonly class: TrafficClass
  readonly backlogBytes = 1e9
  readonly messageBytes: number
  sentBytes = 0

  constructor (peer: string, trafficClass: TrafficClass, messageBytes: number) {
    this.peer = peer
    this.class = trafficClass
    this.messageBytes = messageBytes
  }

  transmit (grantBytes: number): number {
    const bytes = this.messageBytes * Math.max(1, Math.floor(grantBytes / this.messageBytes))
    this.sentBytes += bytes
    return bytes
  }
}
