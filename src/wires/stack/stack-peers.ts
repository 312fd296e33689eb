import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { TwinwireError } from '../../core/errors.ts'
import { multiaddrOf } from '../addresses.ts'
import type { RunTrace } from '../run-trace.ts'
import type { Place, ScenarioNetwork } from '../scenario-network.ts'
import { createPeer } from '../libp2p-node.ts'
import type { Population } from '../virtual-run.ts'
import type { Peer } from '../wire.ts'
import { ByteNetwork } from './byte-network.ts'
import { nullCipher } from './null-cipher.ts'
import { SimulatedHost } from './simulated-host.ts'
import { SimulatedTcp } from './simulated-tcp.ts'

export interface StackOptions {
  /** What Noise encrypts with: `null` sends the same bytes without cryptography, which halves the cost of a dial. Default: `real`. */
  readonly cipher?: 'real' | 'null'
  /** `skipped`: dials take one round trip and no cryptography; see `SimulatedTcpOptions`. Default: `real`. */
  readonly handshake?: 'real' | 'skipped'
}

interface Member {
  readonly node: Libp2p
  readonly peer: Peer
}

/** Unmodified js-libp2p nodes at the places of a scenario's hosts. This thread must be in virtual time. */
export class StackPeers implements Population {
  readonly #network: ByteNetwork
  readonly #places: readonly Place[]
  readonly #seed: string
  readonly #options: StackOptions
  readonly #members = new Map<string, Member>()

  /** @param seed with a host's name it gives the peer's key: the same as on the `tcp` wire */
  constructor (trace: RunTrace, network: ScenarioNetwork, seed: string, options: StackOptions) {
    this.#network = new ByteNetwork({
      kernel: trace.kernel,
      resolve: (ip, port, from) => network.resolve(ip, port, from),
      onWrite: (connection, bytes) => trace.written(connection, bytes)
    })
    this.#places = network.places
    this.#seed = seed
    this.#options = options
  }

  async start (): Promise<void> {
    const members = await Promise.all(this.#places.map(async place => await this.#createMember(place)))
    this.#places.forEach(({ name }, index) => this.#members.set(name, members[index]))
  }

  node (name: string): Libp2p {
    return this.#member(name).node
  }

  peer (name: string): Peer {
    return this.#member(name).peer
  }

  /** They end with their thread, and the kernel that is all they live on. */
  stop (): void {}

  async #createMember ({ name, tcp, addresses, libp2p: options }: Place): Promise<Member> {
    const host = new SimulatedHost(this.#network, tcp, addresses.map(({ ip }) => ip))
    const { cipher, handshake = 'real' } = this.#options
    const endpoints = addresses.map(({ ip }) => multiaddrOf(ip))
    const node = await createPeer({
      seed: `${this.#seed}/${name}`,
      listen: endpoints,
      transport: components => new SimulatedTcp(host, components, { handshake, inboundSocketInactivityTimeout: options.socketInactivityMs, outboundSocketInactivityTimeout: options.socketInactivityMs }),
      options,
      ...cipher === 'null' && { crypto: nullCipher }
    })
    return { node, peer: { name, id: node.peerId, addresses: endpoints.map(endpoint => multiaddr(`${endpoint}/p2p/${node.peerId.toString()}`)) } }
  }

  #member (name: string): Member {
    const member = this.#members.get(name)
    if (member === undefined) {
      throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { expected: `one of ${[...this.#members.keys()].join(', ')}`, found: name })
    }
    return member
  }
}
