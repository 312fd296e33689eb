import type { PeerId } from '@libp2p/interface'
import type { NodeId } from '../../sim/network.ts'
import type { SocketAddress } from './byte-network.ts'

/** Somebody who listens. */
export interface OpenPort {
  readonly node: NodeId
  /** Where: at all addresses of the host, or at one. */
  readonly addresses: readonly SocketAddress[]
  /** It was asked for all addresses of the host, whichever they are. */
  readonly everywhere: boolean
  /** Only where peers do without a handshake that would prove it. */
  readonly peerId: PeerId | undefined
}

/** Who listens where, over all hosts of a network. */
export class OpenPorts {
  /** By port. */
  readonly #open = new Map<number, Set<OpenPort>>()

  get size (): number {
    let size = 0
    for (const ports of this.#open.values()) {
      size += ports.size
    }
    return size
  }

  clear (): void {
    this.#open.clear()
  }

  add (entry: OpenPort): void {
    const number = entry.addresses[0].port
    const ports = this.#open.get(number) ?? new Set()
    this.#open.set(number, ports.add(entry))
  }

  remove (entry: OpenPort): void {
    const number = entry.addresses[0].port
    const ports = this.#open.get(number)
    if (ports?.delete(entry) === true && ports.size === 0) {
      this.#open.delete(number)
    }
  }

  /** Those that listen at this port of all addresses of their hosts. */
  everywhere (port: number): OpenPort[] {
    return [...this.#open.get(port) ?? []].filter(({ everywhere }) => everywhere)
  }

  /** Whoever listens at an address of a node. */
  at (node: NodeId, { ip, port }: SocketAddress): OpenPort | undefined {
    for (const entry of this.#open.get(port) ?? []) {
      if (entry.node === node && entry.addresses.some(address => address.ip === ip)) {
        return entry
      }
    }
    return undefined
  }
}
