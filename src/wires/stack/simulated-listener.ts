import { setMaxListeners } from 'node:events'
import { TypedEventEmitter } from '@libp2p/interface'
import type { ComponentLogger, Listener, ListenerEvents, Logger, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TwinwireError } from '../../core/errors.ts'
import type { AcceptedSocket } from './byte-network.ts'
import { SimulatedConnection } from './simulated-connection.ts'
import type { Listening, SimulatedHost } from './simulated-host.ts'
import { socketAddress } from './socket-address.ts'

export interface SimulatedListenerInit {
  readonly host: SimulatedHost
  /** Whose it is; only where peers do without a handshake that would prove it. */
  readonly peerId: PeerId | undefined
  readonly logger: ComponentLogger
  readonly inactivityTimeoutMs: number
  /** Turns an accepted connection into one of libp2p's. */
  readonly upgrade: (connection: SimulatedConnection, accepted: AcceptedSocket, signal: AbortSignal) => Promise<void>
}

/** Accepts libp2p connections at an address of a simulated host, as @libp2p/tcp's listener does at one of the machine. */
export class SimulatedListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #init: SimulatedListenerInit
  readonly #log: Logger
  readonly #connections = new Set<SimulatedConnection>()
  #shutdown = new AbortController()
  #listening: Listening | undefined

  constructor (init: SimulatedListenerInit) {
    super()
    this.#init = init
    this.#log = init.logger.forComponent('libp2p:twinwire:simulated-tcp:listener')
  }

  /**
   * @throws ERR_INVALID_STATE where it listens already, ERR_PORT_IN_USE, ERR_NO_ADDRESS
   */
  async listen (address: Multiaddr): Promise<void> {
    if (this.#listening !== undefined) {
      throw new TwinwireError('ERR_INVALID_STATE', 'the listener listens already', { found: address.toString() })
    }
    this.#shutdown = new AbortController()
    setMaxListeners(Infinity, this.#shutdown.signal)
    this.#listening = this.#init.host.listen(socketAddress(address), accepted => this.#accept(accepted), this.#init)
    this.#log('listening on %a', address)
    this.safeDispatchEvent('listening')
  }

  getAddrs (): Multiaddr[] {
    return this.#listening?.addresses.map(({ ip, port }) => multiaddr(`/ip4/${ip}/tcp/${port}`)) ?? []
  }

  updateAnnounceAddrs (): void {}

  async close (): Promise<void> {
    if (this.#listening === undefined) {
      return
    }
    this.#listening.close()
    this.#listening = undefined
    this.#shutdown.abort()
    for (const connection of this.#connections) {
      connection.destroy()
    }
    // As a server of Node's, once this turn's code has run: libp2p looks then for what it has taken off its list meanwhile.
    queueMicrotask(() => this.safeDispatchEvent('close'))
  }

  #accept (accepted: AcceptedSocket): void {
    const { logger, inactivityTimeoutMs, upgrade } = this.#init
    const { ip, port } = accepted.dialler.from
    const connection = new SimulatedConnection({
      socket: accepted.socket,
      remoteAddr: multiaddr(`/ip4/${ip}/tcp/${port}`),
      direction: 'inbound',
      log: logger.forComponent('libp2p:twinwire:simulated-tcp:connection'),
      inactivityTimeoutMs,
      onClosed: () => this.#connections.delete(connection)
    })
    this.#connections.add(connection)
    upgrade(connection, accepted, this.#shutdown.signal).catch((error: Error) => {
      this.#log.error('inbound connection upgrade failed - %e', error)
      connection.abort(error)
    })
  }
}
