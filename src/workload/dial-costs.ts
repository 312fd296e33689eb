import type { Recorder } from '../core/recorder.ts'
import type { NetworkNode } from '../optim/index.ts'
import { recordSample } from './measure.ts'
import type { Observer } from './measure.ts'

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

  /**
   * @param dialledBefore of a connection without the pool, how many of the peer's addresses libp2p has tried before the one
   * that answered: it tries one after the other
   */
  constructor (host: CostlyHost, pooled: boolean, dialledBefore: (peer: string) => number = () => 0) {
    this.#host = host
    this.#bytesBefore = this.#bytes
    this.recorder = { record: event => {
      this.#addresses += event.type === 'pool:address' && 'reason' in event && event.reason !== 'denied' && event.reason !== 'host-full' ? 1 : 0
      host.recorder.record(event)
    } }
    host.node.addEventListener('connection:open', ({ detail: { direction, remotePeer } }) => {
      if (direction === 'outbound') {
        this.#connections++
        this.#addresses += pooled ? 0 : 1 + dialledBefore(remotePeer.toString())
      }
    })
  }

  reset (): void {
    [this.#connections, this.#addresses, this.#bytesBefore] = [0, 0, this.#bytes]
  }

  /** As the samples `connections`, `addresses` and, where packets are seen, `wire-bytes`; of each request on average. */
  record (requests: number): void {
    const bytes = this.#bytes
    recordSample(this.#host, 'connections', this.#connections / requests)
    recordSample(this.#host, 'addresses', this.#addresses / requests)
    if (bytes !== undefined && this.#bytesBefore !== undefined) {
      recordSample(this.#host, 'wire-bytes', (bytes - this.#bytesBefore) / requests)
    }
  }

  get #bytes (): number | undefined {
    const count = this.#host.traffic()
    return count && count.sentBytes + count.receivedBytes
  }
}
