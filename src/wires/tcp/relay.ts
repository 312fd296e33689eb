import { once } from 'node:events'
import { createServer } from 'node:net'
import { TwinwireError } from '../../core/errors.ts'
import { randomStream } from '../../core/random.ts'
import { pairKey } from '../scenario-references.ts'
import { DeadlineTimers } from './deadline-timers.ts'
import { FaultPlan } from './fault-plan.ts'
import { PathPipe } from './path-pipe.ts'
import { RelayedConnection } from './relayed-connection.ts'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { AddressState, Fault, PathDescription } from '../scenario.ts'

export interface RelayInit {
  readonly paths: readonly PathDescription[]
  readonly faults: readonly Fault[]
  /** Of the jitter. */
  readonly seed: string
}

/** One address of one host, as one other host sees it. */
export interface RelayedAddress {
  /** The host that dials, and the host that listens. */
  readonly from: string
  readonly to: string
  readonly state: AddressState
  /** Where the host really listens on 127.0.0.1. */
  readonly targetPort: number
}

interface RelayedPath {
  readonly from: string
  readonly to: string
  readonly forward: PathPipe
  readonly backward: PathPipe
  readonly connections: Set<RelayedConnection>
}

/**
 * Joins hosts on loopback as the paths of a scenario would: delay, jitter, rate with a queue that all connections of a
 * path share, stalls, resets and black holes. It works above TCP, so it never loses or reorders bytes, and each end's
 * kernel talks to the relay's: what TCP does on a long path (slow start, say) is not reproduced.
 */
export class Relay {
  readonly #timers = new DeadlineTimers()
  /** By `pairKey`. */
  readonly #paths: ReadonlyMap<string, RelayedPath>
  readonly #faults: readonly Fault[]
  readonly #servers: Server[] = []
  /** Of connections to black holes. */
  readonly #swallowed = new Set<Socket>()

  constructor ({ paths, faults, seed }: RelayInit) {
    const random = randomStream(seed).fork('relay')
    this.#faults = faults
    this.#paths = new Map(paths.map(({ from, to, forward, backward = forward }) => {
      const roundTripMs = forward.delayMs + backward.delayMs
      const noFaults = new FaultPlan([], { from, to }, 0)
      return [pairKey(from, to), {
        from,
        to,
        forward: new PathPipe(forward, roundTripMs, noFaults, random.fork(`${from}>${to}`)),
        backward: new PathPipe(backward, roundTripMs, noFaults, random.fork(`${to}>${from}`)),
        connections: new Set()
      }]
    }))
  }

  /**
   * Opens ports of 127.0.0.1 that stand for the addresses of one host, and returns them. Where no path joins the two hosts
   * they are black holes. As text they ascend: libp2p's peer store sorts addresses so, and which is tried first is the scenario's
   * to say, as where hosts have IP addresses.
   *
   * @throws ERR_PORT_IN_USE where the system has no port to give
   */
  async listen (addresses: readonly RelayedAddress[]): Promise<number[]> {
    await this.#timers.started()
    const opened = await Promise.all(addresses.map(async () => await this.#openPort()))
    opened.sort((a, b) => String(a.port).localeCompare(String(b.port)))
    return opened.map(({ server, port }, index) => {
      server.on('connection', this.#answererOf(addresses[index]))
      return port
    })
  }

  /** What becomes of a connection to an address. */
  #answererOf ({ from, to, state, targetPort }: RelayedAddress): (socket: Socket) => void {
    const path = this.#paths.get(pairKey(from, to))
    if (path === undefined || state === 'black-hole') {
      return socket => this.#swallow(socket)
    }
    const [up, down] = path.from === from ? [path.forward, path.backward] : [path.backward, path.forward]
    return client => {
      const connection = new RelayedConnection({
        client, refused: state === 'refused', targetPort, up, down, timers: this.#timers, onClosed: () => path.connections.delete(connection)
      })
      path.connections.add(connection)
    }
  }

  /** Makes `zeroMs` of the monotonic clock time zero, from which the faults count. */
  begin (zeroMs: number): void {
    for (const path of this.#paths.values()) {
      const faults = new FaultPlan(this.#faults, path, zeroMs)
      path.forward.faults = faults
      path.backward.faults = faults
      for (const atMs of faults.resetsAtMs) {
        this.#timers.schedule(atMs, { due: () => resetAll(path) })
      }
    }
  }

  /** Closes every port and resets every connection. */
  async close (): Promise<void> {
    const stopped = this.#timers.stop()
    const closed = this.#servers.map(async server => {
      server.close()
      await once(server, 'close')
    })
    this.#paths.forEach(path => resetAll(path))
    for (const socket of this.#swallowed) {
      socket.resetAndDestroy()
    }
    await Promise.all([stopped, ...closed])
  }

  /** A relay above TCP cannot keep the handshake from completing; nothing is ever answered after that. */
  #swallow (socket: Socket): void {
    this.#swallowed.add(socket)
    socket.on('close', () => this.#swallowed.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.destroy())
    socket.resume()
  }

  async #openPort (): Promise<{ readonly server: Server, readonly port: number }> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
    try {
      server.listen({ host: '127.0.0.1', port: 0 })
      await once(server, 'listening')
    } catch (error) {
      throw new TwinwireError('ERR_PORT_IN_USE', 'the relay cannot open a port', { path: '127.0.0.1:0', cause: error })
    }
    this.#servers.push(server)
    return { server, port: (server.address() as AddressInfo).port }
  }
}

function resetAll (path: RelayedPath): void {
  for (const connection of path.connections) {
    connection.reset()
  }
}
