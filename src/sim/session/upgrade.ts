import type { Channel, ChannelHandler, CloseReason, Message } from './channel.ts'
import { SessionError } from './errors.ts'
import { NOISE_MESSAGE_1_BYTES, NOISE_MESSAGE_2_BYTES, NOISE_MESSAGE_3_BYTES, SELECT_NOISE_BYTES } from './wire-format.ts'
import { socketError } from '../tcp/socket-error.ts'
import type { SystemError } from '../tcp/socket-error.ts'

/** What the two ends send in turn, the dialler first. Bytes from a recording of the real stack. */
const TURNS = [SELECT_NOISE_BYTES, SELECT_NOISE_BYTES, NOISE_MESSAGE_1_BYTES, NOISE_MESSAGE_2_BYTES, NOISE_MESSAGE_3_BYTES] as const

/** The listener's Noise message, which proves who it is; its own comes back to it in the last. */
const IDENTIFYING_TURN = 3

interface HandshakeMessage extends Message {
  /** Who says so: Noise proves it. */
  readonly identity: string
}

export interface UpgradeEvents {
  /**
   * The channel is secure and multiplexed as far as this end can know; take it over. `early` came with the last message
   * of the handshake.
   */
  onUpgraded(remoteIdentity: string, early: readonly Message[]): void
  onFailed(error: Error): void
}

export interface UpgradeInit {
  readonly dialler: boolean
  readonly identity: string
  /** Who must be at the other end; undefined where any will do. */
  readonly expected?: string
}

/**
 * multistream-select for Noise, Noise XX with yamux negotiated inside it: two round trips for the dialler, after TCP's
 * one; the listener is ready half a round trip later.
 */
export class Upgrade implements ChannelHandler {
  readonly #channel: Channel
  readonly #init: UpgradeInit
  readonly #events: UpgradeEvents
  /** Index of the turn that is next, ours or theirs. */
  #turn = 0
  /** Turns of this parity are ours. */
  readonly #ours: 0 | 1
  #remoteIdentity = ''
  #connected = false
  #ended = false
  readonly #early: Message[] = []

  constructor (channel: Channel, init: UpgradeInit, events: UpgradeEvents) {
    this.#channel = channel
    this.#ours = init.dialler ? 0 : 1
    this.#init = init
    this.#events = events
  }

  /** TCP has connected: what fails from here on fails the upgrade. */
  get connected (): boolean {
    return this.#connected
  }

  onConnected (): void {
    this.#connected = true
    this.#takeTurn()
  }

  onMessage (message: Message): void {
    if (this.#turn === TURNS.length) {
      this.#early.push(message)
      return
    }
    const { identity } = message as HandshakeMessage
    const { expected } = this.#init
    if (this.#turn === IDENTIFYING_TURN && expected !== undefined && identity !== expected) {
      this.#fail(upgradeError(`Payload identity key ${identity} does not match expected remote identity key ${expected}`))
      return
    }
    this.#remoteIdentity = identity
    this.#turn++
    this.#takeTurn()
  }

  onDrain (): void {}

  onRemoteClose (): void {
    this.#fail(upgradeError('Unexpected EOF - the remote end closed the connection during the upgrade'))
  }

  onClosed (reason: CloseReason): void {
    const error = closeError(reason, this.#connected ? 'read' : 'connect')
    // The listener's end is connected from the start.
    this.#fail(this.#connected || !this.#init.dialler ? upgradeError(error.message) : error)
  }

  /**
   * By promises, as the real one: TCP has acknowledged what it answers by then, in a packet of its own, and what arrived in
   * the same segment as the last message is there before the muxer is.
   */
  #takeTurn (): void {
    queueMicrotask(() => {
      if (this.#ended) {
        return
      }
      if (this.#turn < TURNS.length && this.#turn % 2 === this.#ours) {
        const message: HandshakeMessage = { bytes: TURNS[this.#turn++], identity: this.#init.identity }
        this.#channel.send(message)
      }
      if (this.#turn === TURNS.length) {
        this.#ended = true
        this.#events.onUpgraded(this.#remoteIdentity, this.#early)
      }
    })
  }

  #fail (error: Error): void {
    if (!this.#ended) {
      this.#ended = true
      this.#events.onFailed(error)
    }
  }
}

/** What libp2p makes of everything that goes wrong in the handshake. */
export function upgradeError (message: string): SessionError {
  return new SessionError('EncryptionFailedError', message)
}

/** Why a TCP connection ended, as libp2p reports it: what the socket says, or that it is closed. */
export function closeError (reason: CloseReason, syscall: SystemError['syscall'] = 'read'): Error {
  switch (reason) {
    case 'closed':
    case 'aborted':
      return new SessionError('ConnectionClosedError', 'The connection is closed')
    case 'inactive':
      return new SessionError('TimeoutError', 'The connection was inactive')
    default:
      return socketError(reason, syscall)
  }
}
