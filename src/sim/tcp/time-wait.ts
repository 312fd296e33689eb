/** So many connections that ended are remembered at a host. */
const CAPACITY = 1024

/**
 * TIME-WAIT (RFC 9293 3.6.1) without a timer. Connection numbers never come again, so all it has to do is to acknowledge
 * what the peer sends again because the last acknowledgement was lost. The latest 1,024 connections that were closed in
 * order are remembered, one after the other in a ring.
 */
export class TimeWait {
  readonly #connections = new Float64Array(CAPACITY).fill(-1)
  readonly #sequences = new Float64Array(CAPACITY)
  readonly #acknowledgements = new Float64Array(CAPACITY)
  readonly #windows = new Float64Array(CAPACITY)
  #count = 0

  /** `sequence`, `acknowledgement` and `windowBytes` are those that a last acknowledgement bears. */
  remember (connection: number, sequence: number, acknowledgement: number, windowBytes: number): void {
    const entry = this.#count++ % CAPACITY
    this.#connections[entry] = connection
    this.#sequences[entry] = sequence
    this.#acknowledgements[entry] = acknowledgement
    this.#windows[entry] = windowBytes
  }

  /** The connection's entry; -1 where it is not remembered. Only for segments that belong to no connection: it searches. */
  find (connection: number): number {
    return this.#connections.indexOf(connection)
  }

  sequence (entry: number): number {
    return this.#sequences[entry]
  }

  acknowledgement (entry: number): number {
    return this.#acknowledgements[entry]
  }

  windowBytes (entry: number): number {
    return this.#windows[entry]
  }
}
