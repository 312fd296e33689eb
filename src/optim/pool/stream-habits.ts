/**
 * What is known of how one peer treats the streams of each protocol: whether its handler answers one request and then
 * ends the stream (most of libp2p's do), so that there is no use in keeping any, and a request on a kept one would be
 * lost with it.
 *
 * Nobody announces that, so it is learnt from the first stream that ends soon after its only answer. A request that was
 * already under way on that stream fails, and is not repeated unless it is idempotent: the far side may have read it.
 * Who cannot have that names the protocol in the option `oneShotProtocols`.
 */
export class StreamHabits {
  readonly #oneShot: Set<string>
  /** Protocols of which some stream has answered twice: what ends later ends for another reason. */
  readonly #lasting = new Set<string>()
  /** Called when streams of a protocol turn out not to last. */
  onOneShot: (protocol: string) => void = () => {}

  constructor (oneShotProtocols: readonly string[]) {
    this.#oneShot = new Set(oneShotProtocols)
  }

  isOneShot (protocol: string): boolean {
    return this.#oneShot.has(protocol)
  }

  /** A stream has answered so many requests by now. */
  onAnswer (protocol: string, answers: number): void {
    if (answers > 1) {
      this.#lasting.add(protocol)
    }
  }

  /** The far side ended a stream `sinceAnswerMs` after its last answer, with a further request under way or not. */
  onRemoteEnd (protocol: string, answers: number, sinceAnswerMs: number, requested: boolean): void {
    if (answers !== 1 || this.#lasting.has(protocol) || this.#oneShot.has(protocol)) {
      return
    }
    if (sinceAnswerMs <= (requested ? SOON_IF_REQUESTED_MS : SOON_MS)) {
      this.#oneShot.add(protocol)
      this.onOneShot(protocol)
    }
  }
}

/** An end this long after an answer belongs to it; what comes later may be the far side tidying up idle streams. */
const SOON_MS = 20
/** Where that cost a request, it need not be as sure: a round trip more for each of the next is the smaller harm. */
const SOON_IF_REQUESTED_MS = 1_000
