import { NS_PER_MS, nsToMs } from '../core/units.ts'
import type { BulkFlow } from './bulk-flow.ts'
import type { Path } from './path.ts'

/** As often as the reference looked at its sockets. */
const PERIOD_NS = 10 * NS_PER_MS

/** What a sender and the queue looked like at one instant. */
export interface Sample {
  /** Since the connection was established. */
  readonly tMs: number
  readonly cwndPackets: number
  readonly srttMs: number
  /** Waiting in the forward queue. */
  readonly queueBytes: number
}

export interface SamplerOptions {
  /** Virtual time from which on what is seen counts for the means. */
  readonly fromNs: number
  /** Whether each sample is kept. */
  readonly trace: boolean
}

/** Looks at a flow every 10 ms. */
export class Sampler {
  readonly samples: Sample[] = []
  readonly #path: Path
  readonly #flow: BulkFlow
  readonly #operation: number
  #options: SamplerOptions = { fromNs: 0, trace: false }
  #count = 0
  #srttSumMs = 0
  #cwndSumPackets = 0

  constructor (path: Path, flow: BulkFlow) {
    this.#path = path
    this.#flow = flow
    this.#operation = path.kernel.define(() => this.#sample())
  }

  /** NaN where nothing was seen. */
  get meanSrttMs (): number {
    return this.#srttSumMs / this.#count
  }

  get meanCwndPackets (): number {
    return this.#cwndSumPackets / this.#count
  }

  /** To be called when the flow is established. */
  start (options: SamplerOptions): void {
    this.#options = options
    this.#scheduleNext()
  }

  #scheduleNext (): void {
    this.#path.kernel.schedule(this.#path.kernel.nowNs + PERIOD_NS, this.#operation, 0)
  }

  #sample (): void {
    const { source, connectedNs } = this.#flow
    const { nowNs } = this.#path.kernel
    if (source.state === 'closed') {
      return
    }
    const cwndPackets = source.cwndBytes / this.#path.mssBytes
    const srttMs = nsToMs(source.srttNs)
    if (nowNs >= this.#options.fromNs) {
      this.#count++
      this.#srttSumMs += srttMs
      this.#cwndSumPackets += cwndPackets
    }
    if (this.#options.trace) {
      this.samples.push({ tMs: nsToMs(nowNs - connectedNs), cwndPackets, srttMs, queueBytes: this.#path.forwardLink.waitingBytes })
    }
    this.#scheduleNext()
  }
}
