/** RFC 9293 3.3.2, without LISTEN (that is the `Listener`) and TIME-WAIT (see `TimeWait`). */
export type TcpState =
  | 'syn-sent' | 'syn-received' | 'established' | 'fin-wait-1' | 'fin-wait-2' | 'closing' | 'close-wait' | 'last-ack' | 'closed'

/**
 * Why a connection ended: `closed` in order, both ways; `reset` by the peer; `refused`, nobody listens there; `timeout`,
 * too many retransmissions, SYNs included, went unanswered; `aborted` by this end.
 */
export type TcpCloseReason = 'closed' | 'reset' | 'refused' | 'timeout' | 'aborted'

/** Called synchronously, inside kernel events (or inside `abort`). May call the socket's methods. */
export interface TcpSocketHandler {
  /** The handshake is over. Not called for accepted sockets: they are connected from the start. */
  onConnected(): void
  /** So many more bytes arrived in order. */
  onData(byteCount: number): void
  /** The send buffer has taken all that was written, having been too full for it. */
  onDrain?(): void
  /** The peer will send no more; this end may go on. */
  onRemoteClose(): void
  /** The last call. */
  onClosed(reason: TcpCloseReason): void
}

/** Of a socket that nobody listens to. */
export const IGNORING: TcpSocketHandler = { onConnected () {}, onData () {}, onRemoteClose () {}, onClosed () {} }
