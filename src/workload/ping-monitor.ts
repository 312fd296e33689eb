import type { Clock } from '../core/clock.ts'
import { AdaptiveTimeout } from '../core/adaptive-timeout.ts'
import { sleep, timeoutSignal } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { ping } from '../optim/ping.ts'
import type { Connection, NetworkNode, PeerId } from '../optim/port.ts'

export interface PingMonitorOptions {
  /** Between two pings on a connection; default 10000, as libp2p's own monitor. */
  readonly intervalMs?: number
  /** Failed pings in a row until a connection is aborted; default 1, as libp2p's own. */
  readonly strikes?: number
  /** ... and only where nothing was heard of the peer for so long; default 0. js-libp2p #3504 proposes 60000. */
  readonly staleMs?: number
}

/**
 * Monitors that abort connections, to compare with: pings each connection of a node at an interval, with the time-outs of
 * libp2p's own monitor (5 s at least), and with more patience.
 */
export class PingMonitor {
  readonly #node: NetworkNode
  readonly #clock: Clock
  readonly #options: Required<PingMonitorOptions>
  /** One for all connections, as in libp2p. */
  readonly #timeout: AdaptiveTimeout
  readonly #strikes = new WeakMap<Connection, number>()
  readonly #heardMs = new Map<string, number>()

  constructor (node: NetworkNode, clock: Clock, { intervalMs = 10_000, strikes = 1, staleMs = 0 }: PingMonitorOptions) {
    this.#node = node
    this.#clock = clock
    this.#options = { intervalMs, strikes, staleMs }
    this.#timeout = new AdaptiveTimeout(clock)
    node.addEventListener('connection:open', ({ detail: { remotePeer } }) => this.heard(remotePeer))
  }

  /** Something was read from the peer. */
  heard (peer: PeerId): void {
    this.#heardMs.set(peer.toString(), this.#clock.now())
  }

  /** Pings until the signal is aborted; then it resolves. */
  async run (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#clock, this.#options.intervalMs, signal).catch(() => {})
      if (!signal.aborted) {
        this.#node.getConnections().filter(({ status }) => status === 'open').forEach(connection => { void this.#check(connection, signal) })
      }
    }
  }

  async #check (connection: Connection, closing: AbortSignal): Promise<void> {
    const { strikes, staleMs } = this.#options
    using limit = timeoutSignal(this.#clock, this.#timeout.timeoutMs, closing)
    const startMs = this.#clock.now()
    try {
      await ping(connection, this.#clock, { signal: limit.signal, closing })
      this.#strikes.delete(connection)
      this.heard(connection.remotePeer)
    } catch {
      if (closing.aborted) {
        return
      }
      const failed = (this.#strikes.get(connection) ?? 0) + 1
      this.#strikes.set(connection, failed)
      const silentMs = this.#clock.now() - (this.#heardMs.get(connection.remotePeer.toString()) ?? 0)
      if (failed >= strikes && silentMs >= staleMs) {
        connection.abort(new TwinwireError('ERR_TIMEOUT', 'the connection did not answer its pings'))
      }
    } finally {
      this.#timeout.ended(this.#clock.now() - startMs, limit.signal.aborted)
    }
  }
}
