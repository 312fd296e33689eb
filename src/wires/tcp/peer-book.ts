import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { show, TwinwireError } from '../../core/errors.ts'
import type { Peer } from '../wire.ts'
import type { PeerTable } from './messages.ts'

/** What one host is told of others. Made when it is asked for: of a thousand hosts most ask for one. */
export class PeerBook {
  readonly #table: PeerTable
  readonly #host: string
  readonly #peers = new Map<string, Peer>()

  constructor (table: PeerTable, host: string) {
    this.#table = table
    this.#host = host
  }

  /** @throws ERR_UNKNOWN_HOST also for the host itself */
  peer (name: string): Peer {
    let peer = this.#peers.get(name)
    if (peer === undefined) {
      peer = this.#make(name)
      this.#peers.set(name, peer)
    }
    return peer
  }

  #make (name: string): Peer {
    const { ids, addresses: { ofAll, seenBy } } = this.#table
    const id = name === this.#host ? undefined : ids.get(name)
    if (id === undefined) {
      const others = [...ids.keys()].filter(other => other !== this.#host)
      throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { expected: `one of ${others.join(', ')}`, found: show(name) })
    }
    const addresses = seenBy.get(this.#host)?.get(name) ?? ofAll.get(name) ?? []
    return { name, id: peerIdFromString(id), addresses: addresses.map(address => multiaddr(`${address}/p2p/${id}`)) }
  }
}
