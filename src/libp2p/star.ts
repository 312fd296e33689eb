import type { NodeId } from '../sim/network.ts'
import { PacketNetwork } from '../sim/network.ts'
import { Packets } from '../sim/packets.ts'
import { TcpHost } from '../sim/tcp/host.ts'
import { connect } from '../sim/topology.ts'
import { ipOf } from '../wires/addresses.ts'
import { processorOf } from '../wires/host-processing.ts'
import type { Processing } from '../wires/host-processing.ts'
import { duplexOptions } from '../wires/link-options.ts'
import type { Duplex } from '../wires/scenario-link.ts'
import type { ByteNetwork } from '../wires/stack/byte-network.ts'
import { SimulatedHost } from '../wires/stack/simulated-host.ts'
import { createByteNetwork } from './byte-networks.ts'
import type { Environment } from './environment.ts'

/** 10 ms to the middle: a round trip between two hosts is 40 ms. */
const DEFAULT_ACCESS: Duplex = { forward: { delayMs: 10 } }

interface HostOptions {
  readonly access?: Duplex | undefined
  readonly processing?: Processing | undefined
}

/** The network of those who ask for none: each host has a link to a router in the middle. */
export class Star {
  readonly #network: PacketNetwork
  readonly #hub: NodeId
  readonly #bytes: ByteNetwork
  readonly #nodes = new Map<string, NodeId>()

  constructor (environment: Environment) {
    const { kernel, random } = environment
    this.#network = new PacketNetwork(kernel, new Packets(), random.fork('star'))
    this.#hub = this.#network.addNode()
    this.#bytes = createByteNetwork(environment, (ip, port) => {
      const node = this.#nodes.get(ip)
      return node === undefined ? undefined : { node, port }
    })
  }

  addHost ({ access = DEFAULT_ACCESS, processing }: HostOptions): SimulatedHost {
    const node = this.#network.addNode({ forwards: false })
    connect(this.#network, node, this.#hub, duplexOptions(access))
    const index = this.#nodes.size
    const ip = ipOf(index, 0)
    this.#nodes.set(ip, node)
    return new SimulatedHost(this.#bytes, new TcpHost(this.#network, node, {}, processorOf(this.#network.kernel, processing)), [ip])
  }
}
