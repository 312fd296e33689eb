import { connect } from 'node:net'
import { Lane } from './lane.ts'
import { monotonicNowMs } from './monotonic.ts'
import type { Socket } from 'node:net'
import type { DeadlineTimers } from './deadline-timers.ts'
import type { Packet } from './lane.ts'
import type { PathPipe } from './path-pipe.ts'

export interface RelayedConnectionInit {
  /** As accepted: paused, half-open allowed, without Nagle's delay. */
  readonly client: Socket
  /** Nobody listens there: the SYN is answered with a reset. */
  readonly refused: boolean
  /** On 127.0.0.1. */
  readonly targetPort: number
  /** From the client to the target, and back. */
  readonly up: PathPipe
  readonly down: PathPipe
  readonly timers: DeadlineTimers
  /** Called once, when both sockets are closed. */
  readonly onClosed: () => void
}

/**
 * One TCP connection through the relay. The relay's own kernel has completed the client's handshake at once, so the
 * handshake is made up for: SYN, its answer and the ACK cross the path; the client's first bytes are taken when the
 * answer has come back (1 RTT) and the target is connected to when the ACK has arrived (1.5 RTT), with those bytes.
 */
export class RelayedConnection {
  readonly #client: Socket
  readonly #refused: boolean
  readonly #targetPort: number
  readonly #up: Lane
  readonly #down: Lane
  readonly #onClosed: () => void
  #target: Socket | undefined
  #closedSockets = 0

  constructor ({ client, refused, targetPort, up, down, timers, onClosed }: RelayedConnectionInit) {
    const openedAtMs = monotonicNowMs()
    this.#client = client
    this.#refused = refused
    this.#targetPort = targetPort
    this.#onClosed = onClosed
    this.#up = new Lane(up, timers, openedAtMs, packet => this.#arriveAtTarget(packet))
    this.#down = new Lane(down, timers, openedAtMs, packet => this.#arriveAtClient(packet))
    client.on('close', () => this.#socketClosed())
    this.#attach(client, this.#up)
    this.#up.send('syn')
  }

  /** Both ends are reset, and what is in flight is lost. */
  reset (): void {
    this.#up.stop()
    this.#down.stop()
    resetSocket(this.#client)
    if (this.#target !== undefined) {
      resetSocket(this.#target)
    }
  }

  #arriveAtTarget (packet: Packet): void {
    switch (packet.kind) {
      case 'syn':
        this.#down.send(this.#refused ? 'rst' : 'syn-ack')
        break
      case 'ack':
        this.#connectTarget()
        break
      default:
        if (this.#target !== undefined) {
          this.#pass(packet, this.#target, this.#up)
        }
    }
  }

  #arriveAtClient (packet: Packet): void {
    if (packet.kind === 'syn-ack') {
      this.#up.send('ack')
      this.#client.on('data', chunk => this.#up.sendData(chunk as Buffer, this.#client))
      this.#client.resume()
    } else {
      this.#pass(packet, this.#client, this.#down)
    }
  }

  #connectTarget (): void {
    const target = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true, allowHalfOpen: true })
    this.#target = target
    target.on('close', () => this.#socketClosed())
    target.on('data', chunk => this.#down.sendData(chunk as Buffer, target))
    this.#attach(target, this.#down)
  }

  #attach (socket: Socket, lane: Lane): void {
    socket.on('end', () => lane.send('fin'))
    // A socket fails where its other end was reset, or is gone: either way the far end is to see a reset.
    socket.on('error', () => lane.send('rst'))
  }

  #pass (packet: Packet, socket: Socket, lane: Lane): void {
    if (packet.kind === 'rst') {
      resetSocket(socket)
    } else if (packet.kind === 'fin') {
      socket.end()
    } else if (packet.kind === 'data') {
      const { byteLength } = packet.bytes
      socket.write(packet.bytes, () => lane.written(byteLength))
    }
  }

  #socketClosed (): void {
    this.#closedSockets++
    if (this.#target === undefined) {
      // The client gave up while the handshake was on its way: the target never hears of it.
      this.#up.stop()
      this.#down.stop()
      this.#onClosed()
    } else if (this.#closedSockets === 2) {
      this.#onClosed()
    }
  }
}

/** `resetAndDestroy` fails once a graceful end is under way. */
function resetSocket (socket: Socket): void {
  if (socket.writableEnded) {
    socket.destroy()
  } else {
    socket.resetAndDestroy()
  }
}
