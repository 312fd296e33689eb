import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { SimConnection } from './connection.ts'
import { timeoutError } from './errors.ts'
import { decodeAddresses, encodeIdentification, IDENTIFY_PROTOCOL } from './identify-message.ts'
import type { Identification } from './identify-message.ts'
import type { SimPeerStore } from './peer-store.ts'
import { readToEnd } from './read.ts'
import type { SimStream } from './stream.ts'

// @libp2p/identify 4, utils.ts.
const TIMEOUT_MS = 5_000
/**
 * Before it answers, the real one has read its peer store and signed a record: promises by the dozen. What else happens at
 * the same instant is sent before; what, is worth an order of magnitude only.
 */
const PREPARATION_TURNS = 100
/** Streams a connection, each way. */
export const IDENTIFY_MAX_STREAMS = 1

/**
 * The identify service: asks the peer of each new connection who it is, and keeps the addresses it listens on in place of
 * those known before. It tells of changes only when asked again: pushing them is another service (identifyPush).
 */
export class Identify {
  readonly #clock: Clock
  readonly #peers: SimPeerStore
  readonly #self: () => Omit<Identification, 'observed'>

  constructor (clock: Clock, peers: SimPeerStore, self: () => Omit<Identification, 'observed'>) {
    this.#clock = clock
    this.#peers = peers
    this.#self = self
  }

  async ask (connection: SimConnection): Promise<void> {
    using limit = timeoutSignal(this.#clock, TIMEOUT_MS, undefined, timeoutError)
    const { signal } = limit
    let stream: SimStream | undefined
    try {
      stream = await connection.newStream(IDENTIFY_PROTOCOL, { signal })
      const message = await readToEnd(stream, signal)
      await stream.close({ signal })
      await this.#peers.patch(connection.remotePeer, decodeAddresses(message))
    } catch (error) {
      // As in libp2p, nobody is told: the peer remains who it is, unidentified.
      stream?.abort(error as Error)
    }
  }

  async answer (stream: SimStream, connection: SimConnection): Promise<void> {
    using limit = timeoutSignal(this.#clock, TIMEOUT_MS, undefined, timeoutError)
    for (let i = 0; i < PREPARATION_TURNS; i++) {
      await Promise.resolve()
    }
    stream.send(encodeIdentification({ ...this.#self(), observed: connection.remoteAddr }))
    await stream.close({ signal: limit.signal })
  }
}

export { IDENTIFY_PROTOCOL } from './identify-message.ts'
