import type { SimMultiaddr, SimPeerId } from './identity.ts'
import { SessionError } from './errors.ts'

interface Entry {
  readonly addresses: Map<string, SimMultiaddr>
  readonly tags: Map<string, { value?: number }>
}

interface PeerUpdate {
  multiaddrs?: SimMultiaddr[]
  tags?: Map<string, { value?: number } | undefined> | Record<string, { value?: number } | undefined>
}

/** What a simulated node knows of others: their addresses, in the order learnt, and tags. */
export class SimPeerStore {
  readonly #entries = new Map<string, Entry>()

  async get (peer: SimPeerId): Promise<{ addresses: Array<{ multiaddr: SimMultiaddr }>, tags: Map<string, { value?: number }> }> {
    const entry = this.#entries.get(peer.toString())
    if (entry === undefined) {
      throw new SessionError('NotFoundError', `Peer ${peer.toString()} not found`)
    }
    return { addresses: [...entry.addresses.values()].map(multiaddr => ({ multiaddr })), tags: new Map(entry.tags) }
  }

  async merge (peer: SimPeerId, { multiaddrs = [], tags = {} }: PeerUpdate): Promise<void> {
    const key = peer.toString()
    const entry = this.#entries.get(key) ?? { addresses: new Map(), tags: new Map() }
    this.#entries.set(key, entry)
    for (const address of multiaddrs) {
      entry.addresses.set(address.endpoint, address)
    }
    for (const [name, tag] of tags instanceof Map ? tags : Object.entries(tags)) {
      if (tag === undefined) {
        entry.tags.delete(name)
      } else {
        entry.tags.set(name, tag)
      }
    }
  }

  /** What is known of a peer's addresses is now this. */
  async patch (peer: SimPeerId, multiaddrs: readonly SimMultiaddr[]): Promise<void> {
    this.#entries.get(peer.toString())?.addresses.clear()
    await this.merge(peer, { multiaddrs: [...multiaddrs] })
  }
}
