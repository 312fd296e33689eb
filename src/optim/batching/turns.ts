/** Those that wait for a handler to end, in the order in which they get a turn: peers in rotation, and so the streams of each. */
export class Turns<Stream> {
  readonly #peers = new Map<string, Set<Stream>>()

  /** At the end, unless it waits already. */
  add (peer: string, stream: Stream): void {
    const streams = this.#peers.get(peer)
    if (streams === undefined) {
      this.#peers.set(peer, new Set([stream]))
    } else {
      streams.add(stream)
    }
  }

  remove (peer: string, stream: Stream): void {
    const streams = this.#peers.get(peer)
    streams?.delete(stream)
    this.#forgetIfGone(peer, streams)
  }

  /**
   * Gives one peer after the other a turn, until a whole round has been for nothing. A stream is taken out for it, and
   * comes back in where it has more.
   *
   * @param turn answers whether it began anything; where not, the peer's next stream has the turn
   * @param enough whether nobody could begin anything now
   */
  give (turn: (stream: Stream) => boolean, enough: () => boolean): void {
    for (let inVain = 0; inVain < this.#peers.size && !enough();) {
      const [[peer, streams]] = this.#peers
      this.#peers.delete(peer)
      this.#peers.set(peer, streams)
      inVain = takeTurn(streams, turn) ? 0 : inVain + 1
      this.#forgetIfGone(peer, streams)
    }
  }

  #forgetIfGone (peer: string, streams: Set<Stream> | undefined): void {
    if (streams?.size === 0 && this.#peers.get(peer) === streams) {
      this.#peers.delete(peer)
    }
  }
}

function takeTurn<Stream> (streams: Set<Stream>, turn: (stream: Stream) => boolean): boolean {
  // One that comes back in is not met again.
  const inTurn = Array.from(streams)
  for (const stream of inTurn) {
    streams.delete(stream)
    if (turn(stream)) {
      return true
    }
  }
  return false
}
