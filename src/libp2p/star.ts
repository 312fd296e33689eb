import { parseOptions } from '../core/options.ts'
import type { NodeId } from '../sim/network.ts'
import { PacketNetwork } from '../sim/network.ts'
import { Packets } from '../sim/packets.ts'
import { TcpHost } from '../sim/tcp/host.ts'
import { connect } from '../sim/topology.ts'
import { ipOf } from '../wires/addresses.ts'
import { duplexOptions } from '../wires/link-options.ts'
import { duplexSchema } from '../wires/scenario-link.ts'
import type { DuplexInput } from '../wires/scenario-link.ts'
import { ByteNetwork } from '../wires/stack/byte-network.ts'
import { SimulatedHost } from '../wires/stack/simulated-host.ts'
import type { Environment } from './environment.ts'

/** 10 ms to the middle: a round trip between two hosts is 40 ms. */
const DEFAULT_ACCESS: DuplexInput = { forward: { delayMs: 10 } }

/** The network of those who ask for none: each host has a link to a router in the middle. */
export class Star {
  readonly #network: PacketNetwork
  readonly #hub: NodeId
  readonly #bytes: ByteNetwork
  readonly #nodes = new Map<string, NodeId>()

  constructor ({ kernel, pilot, random }: Environment) {
    this.#network = new PacketNetwork(kernel, new Packets(), random.fork('star'))
    this.#hub = this.#network.addNode()
    this.#bytes = new ByteNetwork({
      kernel,
      resolve: (ip, port) => {
        const node = this.#nodes.get(ip)
        return node === undefined ? undefined : { node, port }
      },
      onActivity: () => pilot.wake()
    })
  }

  /**
   * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
   */
  addHost (access: DuplexInput = DEFAULT_ACCESS): SimulatedHost {
    const options = duplexOptions(parseOptions(duplexSchema, access, 'access'))
    const node = this.#network.addNode({ forwards: false })
    connect(this.#network, node, this.#hub, options)
    const index = this.#nodes.size
    const ip = ipOf(index, 0)
    this.#nodes.set(ip, node)
    return new SimulatedHost(this.#bytes, new TcpHost(this.#network, node), [ip])
  }
}
