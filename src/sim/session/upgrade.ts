import type { Channel, ChannelHandler, CloseReason, Message } from './channel.ts'
import { SessionError } from './errors.ts'
import { HEADER_WRITES, NOISE_MESSAGE_1_WRITES, NOISE_MESSAGE_2_WRITES, NOISE_MESSAGE_3_WRITES, NOISE_WRITES } from './wire-format.ts'
import { socketError } from '../tcp/socket-error.ts'
import type { SystemError } from '../tcp/socket-error.ts'

/** Something to send, by writes in bytes, or to wait for; the listener's message of Noise proves who it is, the last who dials. */
type Step = readonly number[] | 'await' | 'identify'

const DIALLER: readonly Step[] = [HEADER_WRITES, NOISE_WRITES, 'await', 'await', NOISE_MESSAGE_1_WRITES, 'identify', NOISE_MESSAGE_3_WRITES]
const LISTENER: readonly Step[] = ['await', HEADER_WRITES, 'await', NOISE_WRITES, 'await', NOISE_MESSAGE_2_WRITES, 'identify']

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
  readonly #steps: readonly Step[]
  /** Index of the step that is next. */
  #step = 0
  /** Of the steps that wait, those for which nothing has come. */
  #missing: number
  readonly #arrived: HandshakeMessage[] = []
  #remoteIdentity = ''
  #connected = false
  #ended = false
  readonly #early: Message[] = []

  constructor (channel: Channel, init: UpgradeInit, events: UpgradeEvents) {
    this.#channel = channel
    this.#steps = init.dialler ? DIALLER : LISTENER
    this.#missing = this.#steps.filter(step => typeof step === 'string').length
    this.#init = init
    this.#events = events
  }

  /** TCP has connected: what fails from here on fails the upgrade. */
  get connected (): boolean {
    return this.#connected
  }

  onConnected (): void {
    this.#connected = true
    this.#goOn()
  }

  onMessage (message: Message): void {
    if (this.#missing === 0) {
      this.#early.push(message)
      return
    }
    this.#missing--
    this.#arrived.push(message as HandshakeMessage)
    this.#goOn()
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
  #goOn (): void {
    queueMicrotask(() => {
      while (!this.#ended && this.#takeStep()) {
        this.#step++
      }
      if (!this.#ended && this.#step === this.#steps.length) {
        this.#ended = true
        this.#events.onUpgraded(this.#remoteIdentity, this.#early)
      }
    })
  }

  /** False where the next step has to wait, or there is none. */
  #takeStep (): boolean {
    const step = this.#steps.at(this.#step)
    if (step === undefined) {
      return false
    }
    if (typeof step !== 'string') {
      const message: HandshakeMessage = { bytes: step.reduce((sum, bytes) => sum + bytes), identity: this.#init.identity }
      this.#channel.send(message, step)
      return true
    }
    const message = this.#arrived.shift()
    if (message !== undefined && step === 'identify') {
      this.#identify(message)
    }
    return message !== undefined
  }

  #identify ({ identity }: HandshakeMessage): void {
    const { dialler, expected } = this.#init
    this.#remoteIdentity = identity
    if (dialler && expected !== undefined && identity !== expected) {
      this.#fail(upgradeError(`Payload identity key ${identity} does not match expected remote identity key ${expected}`))
    }
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
