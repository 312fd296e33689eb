import type { Clock } from '../../core/clock.ts'
import type { TcpSocket, TcpSocketHandler } from '../tcp/socket.ts'
import { Inactivity } from './inactivity.ts'

/** A message of a session: what it means, and how many bytes it takes inside TCP. */
export interface Message {
  readonly bytes: number
}

/** Why TCP says that it ended, or that this end gave it up because nothing came or went. */
export type CloseReason = Parameters<TcpSocketHandler['onClosed']>[0] | 'inactive'

/** What a session does with what its channel tells it. */
export interface ChannelHandler {
  onConnected(): void
  onMessage(message: Message): void
  /** The socket takes more again. */
  onDrain(): void
  onRemoteClose(): void
  onClosed(reason: CloseReason): void
}

/**
 * Messages over a simulated TCP connection. TCP counts bytes; the messages themselves travel beside it in one queue a
 * direction, and each is handed over at the instant its last byte arrives in order.
 */
export class Channel implements TcpSocketHandler {
  readonly socket: TcpSocket
  handler: ChannelHandler
  #outgoing: MessageQueue
  #incoming: MessageQueue
  #received = 0
  #inactivity: Inactivity | undefined
  #watchInactivity: (() => void) | undefined
  readonly #onActivity: () => void

  constructor (socket: TcpSocket, queues: { outgoing: MessageQueue, incoming: MessageQueue }, handlerOf: (channel: Channel) => ChannelHandler, onActivity: () => void) {
    this.socket = socket
    this.#outgoing = queues.outgoing
    this.#incoming = queues.incoming
    this.handler = handlerOf(this)
    this.#onActivity = onActivity
    socket.attach(this)
  }

  /** Once it is connected, the connection is reset when nothing came or went for so long. */
  limitInactivity (clock: Clock, limitMs: number): void {
    this.#watchInactivity = () => { this.#inactivity = new Inactivity(clock, limitMs, () => this.#cut('inactive')) }
    if (this.socket.role === 'acceptor') {
      this.#watchInactivity()
    }
  }

  /** Its owner is done with it. */
  release (): void {
    this.#inactivity?.stop()
  }

  /** @param writes what is given to TCP at a time, bytes; absent: all of the message */
  send (message: Message, writes?: readonly number[]): void {
    this.#inactivity?.touch()
    this.#outgoing.push(message)
    if (writes === undefined) {
      this.socket.send(message.bytes)
    } else {
      writes.forEach(bytes => this.socket.send(bytes))
    }
  }

  onConnected (): void {
    this.#onActivity()
    this.#watchInactivity?.()
    this.handler.onConnected()
  }

  onData (byteCount: number): void {
    this.#onActivity()
    this.#inactivity?.touch()
    this.#received += byteCount
    for (;;) {
      const message = this.#incoming.shift(this.#received)
      if (message === undefined) {
        return
      }
      this.handler.onMessage(message)
    }
  }

  onDrain (): void {
    this.#onActivity()
    this.handler.onDrain()
  }

  onRemoteClose (): void {
    this.#onActivity()
    this.handler.onRemoteClose()
  }

  onClosed (reason: CloseReason): void {
    this.#onActivity()
    this.handler.onClosed(reason)
  }

  #cut (reason: CloseReason): void {
    this.onClosed(reason)
    this.socket.handler = null
    this.socket.abort()
  }
}

const DELIVERED: Message = { bytes: 0 }

/** Messages in the order sent, each with the stream offset at which it ends. */
export class MessageQueue {
  #messages: Message[] = []
  #ends: number[] = []
  #head = 0
  #sent = 0

  push (message: Message): void {
    this.#sent += message.bytes
    this.#messages.push(message)
    this.#ends.push(this.#sent)
  }

  /** The next message if all of it lies within the first `received` bytes. */
  shift (received: number): Message | undefined {
    if (this.#head === this.#ends.length || this.#ends[this.#head] > received) {
      return undefined
    }
    const message = this.#messages[this.#head]
    // Delivered content must not live on in the queue.
    this.#messages[this.#head++] = DELIVERED
    if (this.#head === this.#ends.length || this.#head >= 1024) {
      this.#messages = this.#messages.slice(this.#head)
      this.#ends = this.#ends.slice(this.#head)
      this.#head = 0
    }
    return message
  }
}
