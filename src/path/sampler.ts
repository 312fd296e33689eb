import { NS_PER_MS, nsToMs } from '../core/units.ts'
import { Probe } from '../sim/observe/probe.ts'
import type { ProbeSample } from '../sim/observe/probe.ts'
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
  #count = 0
  #srttSumMs = 0
  #cwndSumPackets = 0

  constructor (path: Path, flow: BulkFlow) {
    this.#path = path
    this.#flow = flow
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
    const { network, forwardLink } = this.#path
    const probe = new Probe(network, {
      socket: this.#flow.source, link: forwardLink, intervalNs: PERIOD_NS, onSample: sample => this.#take(sample, options)
    })
    probe.start()
  }

  #take ({ timeNs, cwndBytes, srttNs, queueBytes }: ProbeSample, { fromNs, trace }: SamplerOptions): void {
    const cwndPackets = cwndBytes / this.#path.mssBytes
    const srttMs = nsToMs(srttNs)
    if (timeNs >= fromNs) {
      this.#count++
      this.#srttSumMs += srttMs
      this.#cwndSumPackets += cwndPackets
    }
    if (trace) {
      this.samples.push({ tMs: nsToMs(timeNs - this.#flow.connectedNs), cwndPackets, srttMs, queueBytes })
    }
  }
}
