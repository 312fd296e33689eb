import { show, TwinwireError } from '../../core/errors.ts'

/** The identity of a simulated peer: its host's name where a real one has a hash of its key. */
export class SimPeerId {
  readonly #text: string

  constructor (text: string) {
    this.#text = text
  }

  toString (): string {
    return this.#text
  }

  equals (other?: unknown): boolean {
    return other instanceof SimPeerId && other.#text === this.#text
  }
}

/** `/ip4/<address>/tcp/<port>`, perhaps with `/p2p/<peer>`: the addresses that simulated peers listen on. */
export class SimMultiaddr {
  /** Without the peer: what a network can route to. */
  readonly endpoint: string
  /** `10.0.0.1` */
  readonly ip: string
  readonly port: number
  readonly peer: SimPeerId | undefined

  /**
   * @throws ERR_INVALID_OPTION
   */
  constructor (text: string) {
    const match = /^(\/ip4\/(\d+\.\d+\.\d+\.\d+)\/tcp\/(\d+))(?:\/p2p\/([^/]+))?$/.exec(text)
    if (match === null) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'not an address of the simulator', {
        expected: '/ip4/10.0.0.1/tcp/4001, perhaps followed by /p2p/<peer>', found: show(text)
      })
    }
    this.endpoint = match[1]
    this.ip = match[2]
    this.port = Number(match[3])
    this.peer = match[4] === undefined ? undefined : new SimPeerId(match[4])
  }

  toString (): string {
    return this.peer === undefined ? this.endpoint : `${this.endpoint}/p2p/${this.peer.toString()}`
  }

  /** Everything before the last occurrence of `address`; all of it where there is none. */
  decapsulate (address: string): SimMultiaddr {
    const text = this.toString()
    const index = text.lastIndexOf(address.startsWith('/') ? address : `/${address}`)
    return index <= 0 ? this : new SimMultiaddr(text.slice(0, index))
  }

  /**
   * This address with `address` behind it.
   *
   * @throws ERR_INVALID_OPTION where the simulator has no such addresses
   */
  encapsulate (address: string): SimMultiaddr {
    return new SimMultiaddr(this.toString() + address)
  }
}
