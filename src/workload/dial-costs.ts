import type { Recorder } from '../core/recorder.ts'
import type { NetworkNode } from '../optim/index.ts'
import { recordSample } from './measure.ts'
import type { Observer } from './measure.ts'

/** How libp2p dials a peer without the pool: one address after the other, and none for longer than this. */
export interface PlainDials {
  /** How many of the peer's addresses come before the first that answers. */
  deadFirst(peer: string): number
  readonly addressDialTimeoutMs: number
}

/** What of a run's host its costs are read from. */
export interface CostlyHost extends Observer {
  readonly node: Pick<NetworkNode, 'addEventListener'>
  traffic(): { readonly sentBytes: number, readonly receivedBytes: number } | undefined
}

/**
 * What a host's requests cost beside their time: connections that it opened, addresses that it dialled, bytes on the wire.
 * All from when it is made; `reset` begins again.
 */
export class DialCosts {
  /** The host's, to be given to the modules instead: the pool tells it of each address it has dialled. */
  readonly recorder: Recorder
  readonly #host: CostlyHost
  #connections = 0
  #addresses = 0
  #bytesBefore: number | undefined
  readonly #plain: PlainDials | undefined
  /** Peers to which there has been a connection. */
  readonly #reached = new Set<string>()

  /** @param plain absent: the pool dials, and tells of each address itself, or `dialled` is called */
  constructor (host: CostlyHost, plain?: PlainDials) {
    this.#host = host
    this.#plain = plain
    this.#bytesBefore = this.#bytes
    this.recorder = { record: event => {
      this.#addresses += event.type === 'pool:address' && 'reason' in event && event.reason !== 'denied' && event.reason !== 'host-full' ? 1 : 0
      host.recorder.record(event)
    } }
    host.node.addEventListener('connection:open', ({ detail: { direction, remotePeer } }) => {
      if (direction === 'outbound') {
        this.#connections++
        this.#reached.add(remotePeer.toString())
        this.#addresses += plain === undefined ? 0 : 1 + plain.deadFirst(remotePeer.toString())
      }
    })
  }

  /** An address was dialled, of which neither the pool nor libp2p's order tells. */
  dialled (): void {
    this.#addresses++
  }

  /** A request was given up after so long: where there was no connection yet, so was its dial, whose addresses count as well. */
  givenUp (peer: string, afterMs: number): void {
    if (this.#plain !== undefined && !this.#reached.has(peer)) {
      this.#addresses += 1 + Math.min(this.#plain.deadFirst(peer), Math.floor(afterMs / this.#plain.addressDialTimeoutMs))
    }
  }

  reset (): void {
    [this.#connections, this.#addresses, this.#bytesBefore] = [0, 0, this.#bytes]
  }

  /**
   * As the samples `connections`, `addresses` and, where packets are seen, `wire-bytes`; what each request that was answered
   * cost on average, for one that fails is cheap. Where none was, all that was spent.
   */
  record (answered: number): void {
    const answers = Math.max(1, answered)
    const bytes = this.#bytes
    recordSample(this.#host, 'connections', this.#connections / answers)
    recordSample(this.#host, 'addresses', this.#addresses / answers)
    if (bytes !== undefined && this.#bytesBefore !== undefined) {
      recordSample(this.#host, 'wire-bytes', (bytes - this.#bytesBefore) / answers)
    }
  }

  get #bytes (): number | undefined {
    const count = this.#host.traffic()
    return count && count.sentBytes + count.receivedBytes
  }
}
