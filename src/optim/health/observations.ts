/**
 * What the monitor learns of, as it happens, from the network that composes the modules: the same whichever module is
 * switched off. All times are the clock's, in milliseconds; `peer` and `connection` are ids as text.
 */
export type Observation = AttemptObservation | RoundTripObservation | DeliveryObservation | LifeObservation | ConnectionObservation

/** One attempt at a request, or at a dial, ended. What the caller aborted, or our own queues refused, is not reported. */
export interface AttemptObservation {
  readonly kind: 'attempt'
  readonly peer: string
  readonly connection?: string
  /**
   * `answered`: any answer, an error from the far side's handler too. `failed`: refused or reset. `timeout`: there was none
   * by the request's deadline. `overdue`: none within what is usual, and then the attempt was given up, for another or by
   * the caller: nobody knows what would have come.
   */
  readonly outcome: 'answered' | 'failed' | 'timeout' | 'overdue'
  /** When it was handed to the transport. */
  readonly sentMs: number
  readonly nowMs: number
  /** The error's code or name; '' where it was answered. */
  readonly reason: string
}

/** A round trip was measured: our queueing is not in it, and what the far side says that it held it is subtracted. */
export interface RoundTripObservation {
  readonly kind: 'round-trip'
  readonly peer: string
  readonly connection: string
  readonly nowMs: number
  readonly rttMs: number
}

/** Bytes were delivered while more waited to be sent, so that the path and not the application set the rate. */
export interface DeliveryObservation {
  readonly kind: 'delivery'
  readonly peer: string
  readonly nowMs: number
  readonly bytes: number
  /** The time that they took. */
  readonly overMs: number
}

/** Anything at all came from the peer. */
export interface LifeObservation {
  readonly kind: 'life'
  readonly peer: string
  readonly connection?: string
  readonly nowMs: number
}

/** A connection to the peer opened or closed. */
export interface ConnectionObservation {
  readonly kind: 'connection'
  readonly peer: string
  readonly connection: string
  readonly nowMs: number
  readonly change: 'open' | 'close'
}

/** What the monitor can do about what it finds; the network does it through the pool where there is one. */
export interface HealthActions {
  /**
   * Asks the peer for a sign of life (libp2p's ping), on a connection that there is: of several, on each in its turn.
   * Resolves with the round trip, or with undefined where the peer is alive but does not speak ping.
   *
   * @throws where no answer came before `signal` was aborted, or where there is no connection
   */
  probe(peer: string, signal: AbortSignal): Promise<number | undefined>
  /**
   * Dials another connection and leaves the present ones as soon as it is there. Settles with the dial. Then each of those
   * is asked once more, and aborted where it does not answer within 5 s, whoever opened it: it carries nothing any more.
   * Where no other can be had, none is aborted.
   */
  replace(peer: string, signal: AbortSignal): Promise<void>
}
