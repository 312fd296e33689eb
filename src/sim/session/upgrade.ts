import type { Channel, ChannelHandler, CloseReason, Message } from './channel.ts'
import { SessionError } from './errors.ts'
import { NOISE_MESSAGE_1_BYTES, NOISE_MESSAGE_2_BYTES, NOISE_MESSAGE_3_BYTES, SELECT_NOISE_BYTES } from './wire-format.ts'

/** What the two ends send in turn, the dialler first. Bytes from a recording of the real stack. */
const TURNS = [SELECT_NOISE_BYTES, SELECT_NOISE_BYTES, NOISE_MESSAGE_1_BYTES, NOISE_MESSAGE_2_BYTES, NOISE_MESSAGE_3_BYTES] as const

interface HandshakeMessage extends Message {
  /** Who says so: Noise proves it. */
  readonly identity: string
}

export interface UpgradeEvents {
  /** The channel is secure and multiplexed as far as this end can know; take it over. */
  onUpgraded(remoteIdentity: string): void
  onFailed(error: Error): void
}

/**
 * multistream-select for Noise, Noise XX with yamux negotiated inside it: two round trips for the dialler, after TCP's
 * one; the listener is ready half a round trip later.
 */
export class Upgrade implements ChannelHandler {
  readonly #channel: Channel
  readonly #identity: string
  readonly #events: UpgradeEvents
  /** Index of the turn that is next, ours or theirs. */
  #turn = 0
  /** Turns of this parity are ours. */
  readonly #ours: 0 | 1
  #remoteIdentity = ''

  constructor (channel: Channel, dialler: boolean, identity: string, events: UpgradeEvents) {
    this.#channel = channel
    this.#ours = dialler ? 0 : 1
    this.#identity = identity
    this.#events = events
  }

  onConnected (): void {
    this.#takeTurn()
  }

  onMessage (message: Message): void {
    this.#remoteIdentity = (message as HandshakeMessage).identity
    this.#turn++
    this.#takeTurn()
  }

  onDrain (): void {}

  onRemoteClose (): void {
    this.#events.onFailed(new SessionError('ConnectionClosedError', 'The remote end closed the connection during the upgrade'))
  }

  onClosed (reason: CloseReason): void {
    this.#events.onFailed(closeError(reason))
  }

  #takeTurn (): void {
    if (this.#turn < TURNS.length && this.#turn % 2 === this.#ours) {
      const message: HandshakeMessage = { bytes: TURNS[this.#turn++], identity: this.#identity }
      this.#channel.send(message)
    }
    if (this.#turn === TURNS.length) {
      this.#events.onUpgraded(this.#remoteIdentity)
    }
  }
}

/** Why a TCP connection ended, as libp2p would report it. */
export function closeError (reason: CloseReason): Error {
  switch (reason) {
    case 'refused':
      return new SessionError('ConnectionRefusedError', 'connect ECONNREFUSED')
    case 'timeout':
      return new SessionError('TimeoutError', 'connect ETIMEDOUT')
    case 'reset':
      return new SessionError('ConnectionClosedError', 'read ECONNRESET')
    default:
      return new SessionError('ConnectionClosedError', 'The connection is closed')
  }
}
