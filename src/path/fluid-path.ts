import type { RandomStream } from '../core/random.ts'
import { NS_PER_MS, NS_PER_S } from '../core/units.ts'
import { HEADER_BYTES } from '../sim/fluid/flow-path.ts'
import type { FlowHandler, FluidFlow } from '../sim/fluid/fluid-flow.ts'
import { FluidNetwork } from '../sim/fluid/fluid-network.ts'
import { Kernel } from '../sim/kernel.ts'
import type { NodeId } from '../sim/network.ts'
import { forwardLink, reverseLink } from './links.ts'
import type { PathOptions } from './options.ts'
import { tcpFor } from './tcp.ts'
import type { CongestionName } from './tcp.ts'

/** The path of one measurement at the fluid level: `Path`'s links, and flows instead of packets. */
export class FluidPath {
  readonly kernel = new Kernel()
  readonly network: FluidNetwork
  /** One way. */
  readonly delayNs: number
  readonly #rateBitsPerSecond: number
  readonly #client: NodeId
  readonly #server: NodeId

  /** @param random this run's */
  constructor (options: PathOptions, random: RandomStream) {
    this.network = new FluidNetwork(this.kernel, random, { tcp: tcpFor('cubic', options.gso) })
    this.#client = this.network.addNode({ forwards: false })
    this.#server = this.network.addNode({ forwards: false })
    this.network.addLink(this.#client, this.#server, forwardLink(options))
    this.network.addLink(this.#server, this.#client, reverseLink(options))
    this.delayNs = Math.round(options.rttMs * NS_PER_MS / 2)
    this.#rateBitsPerSecond = options.rateBitsPerSecond
  }

  /** What a segment of so many bytes takes back to the client. */
  answerNs (bytes: number): number {
    return this.delayNs + (HEADER_BYTES + bytes) * 8 * NS_PER_S / this.#rateBitsPerSecond
  }

  /** @throws ERR_UNSUPPORTED where there is no formula */
  startFlow (congestion: CongestionName, bytes: number, handler: FlowHandler = {}): FluidFlow {
    return this.network.startFlow({ from: this.#client, to: this.#server, bytes, congestion, ...handler })
  }
}
