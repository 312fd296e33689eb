import type { PeerId, PeerStore } from '../port.ts'

const TAG = 'twinwire-pool'

/**
 * Tags pooled peers in the peer store, so that libp2p's own pruner closes others first. It is not a `keep-alive` tag:
 * whether to reconnect is the pool's business. The store is a courtesy, and its failures never reach anybody.
 */
export class PeerTags {
  readonly #peerStore: PeerStore
  readonly #value: number
  readonly #peers = new Map<string, { tagged: boolean, wanted: boolean, running: Promise<void> | undefined }>()

  /** @param value weight of the tag; 0 sets none */
  constructor (peerStore: PeerStore, value: number) {
    this.#peerStore = peerStore
    this.#value = value
  }

  set (peer: PeerId, wanted: boolean): void {
    if (this.#value === 0) {
      return
    }
    const key = peer.toString()
    const state = this.#peers.get(key) ?? { tagged: false, wanted, running: undefined }
    state.wanted = wanted
    // One write at a time for each peer, or the last written might not be the last wanted.
    if (state.running === undefined && state.wanted !== state.tagged) {
      this.#peers.set(key, state)
      state.running = this.#write(peer, state).finally(() => {
        state.running = undefined
        if (!state.tagged) {
          this.#peers.delete(key)
        }
      })
    }
  }

  /** Resolves when all writes have ended, well or not. */
  async settled (): Promise<void> {
    await Promise.all([...this.#peers.values()].map(async ({ running }) => running))
  }

  async #write (peer: PeerId, state: { tagged: boolean, wanted: boolean }): Promise<void> {
    while (state.tagged !== state.wanted) {
      const tagged = state.wanted
      try {
        await this.#peerStore.merge(peer, { tags: { [TAG]: tagged ? { value: this.#value } : undefined } })
      } catch {
        // See above: tagged or not, the pool works.
      }
      state.tagged = tagged
    }
  }
}
