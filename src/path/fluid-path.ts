import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { NS_PER_S } from '../core/units.ts'
import type { FlowHandler, FluidFlow } from '../sim/fluid/fluid-flow.ts'
import { FluidNetwork } from '../sim/fluid/fluid-network.ts'
import { Kernel } from '../sim/kernel.ts'
import type { LinkOptions, NodeId } from '../sim/network.ts'
import { HEADER_BYTES } from '../sim/tcp/segment.ts'
import { pathLinks } from './links.ts'
import type { PathOptions } from './options.ts'
import { tcpFor } from './tcp.ts'
import type { CongestionName } from './tcp.ts'

/** The path of one measurement at the fluid level: `Path`'s links, and flows instead of packets. */
export class FluidPath {
  readonly kernel = new Kernel()
  readonly network: FluidNetwork
  /** From the client to the server. */
  readonly delayNs: number
  readonly #backward: LinkOptions
  readonly #client: NodeId
  readonly #server: NodeId

  /** @param random this run's */
  constructor (options: PathOptions, random: RandomStream) {
    if (options.crossTraffic !== undefined) {
      throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no cross traffic', { path: 'path.crossTraffic', expected: 'none', found: options.crossTraffic.map(({ kind }) => kind).join(' ') })
    }
    const { forward, backward } = pathLinks(options)
    this.network = new FluidNetwork(this.kernel, random, { tcp: tcpFor('cubic', options) })
    this.#client = this.network.addNode({ forwards: false })
    this.#server = this.network.addNode({ forwards: false })
    this.network.addLink(this.#client, this.#server, forward)
    this.network.addLink(this.#server, this.#client, backward)
    this.delayNs = forward.delayNs
    this.#backward = backward
  }

  /** What a segment of so many bytes takes back to the client. */
  answerNs (bytes: number): number {
    const { delayNs, rateBitsPerSecond = Infinity } = this.#backward
    return delayNs + (HEADER_BYTES + bytes) * 8 * NS_PER_S / rateBitsPerSecond
  }

  /** @throws ERR_UNSUPPORTED where there is no formula */
  startFlow (congestion: CongestionName, bytes: number, handler: FlowHandler = {}): FluidFlow {
    return this.network.startFlow({ from: this.#client, to: this.#server, bytes, congestion, ...handler })
  }
}
