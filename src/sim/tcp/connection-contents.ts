/** A connection's two directions, as one end sees them. */
export interface ContentEnds<Queue> {
  readonly outgoing: Queue
  readonly incoming: Queue
}

interface Content<Queue, Dialler> {
  readonly toListener: Queue
  readonly toDialler: Queue
  readonly dialler: Dialler
  ends: number
}

/**
 * What the connections of a network carry. Simulated TCP counts bytes; their content travels beside it, in one queue a
 * direction, from which the receiving end takes what TCP says has arrived. `Dialler` is what the listener is told of
 * who dialled it.
 */
export class ConnectionContents<Queue, Dialler> {
  readonly #createQueue: () => Queue
  readonly #contents = new Map<number, Content<Queue, Dialler>>()

  constructor (createQueue: () => Queue) {
    this.#createQueue = createQueue
  }

  /** Connections whose content is kept: both ends open, or one of them. */
  get size (): number {
    return this.#contents.size
  }

  /** The dialling end of a new connection. */
  dialled (connection: number, dialler: Dialler): ContentEnds<Queue> {
    const content = { toListener: this.#createQueue(), toDialler: this.#createQueue(), dialler, ends: 1 }
    this.#contents.set(connection, content)
    return { outgoing: content.toListener, incoming: content.toDialler }
  }

  /** The listening end; undefined where the dialler has given up in the meantime. */
  accepted (connection: number): ContentEnds<Queue> & { readonly dialler: Dialler } | undefined {
    const content = this.#contents.get(connection)
    if (content === undefined) {
      return undefined
    }
    content.ends++
    return { outgoing: content.toDialler, incoming: content.toListener, dialler: content.dialler }
  }

  /** One end is done with the connection; its content is freed when both are, or when nobody has accepted it. */
  release (connection: number): void {
    const content = this.#contents.get(connection)
    if (content !== undefined && --content.ends === 0) {
      this.#contents.delete(connection)
    }
  }
}
