/** Failed requests in a row that make a connection suspect which answered before. */
const ERRORS_UNTIL_SUSPECT = 3

/**
 * What is thought of one connection. `suspect`: something on it failed; used only while there is no better. `dead`: it
 * stayed silent; closed as soon as that harms nobody. Any answer makes it healthy again; and any byte, where it was its
 * silence that was held against it (RFC 1122, 4.2.3.6: what was received proves a connection alive).
 */
export class ConnectionHealth {
  #state: 'healthy' | 'suspect' | 'dead' = 'healthy'
  #suspectSinceMs = 0
  /** It was suspected for its silence, and not for what it refused. */
  #wasSilent = false
  #answeredRequests = false
  #errorsInRow = 0

  get state (): 'healthy' | 'suspect' | 'dead' {
    return this.#state
  }

  /** Something came back: a reply to a request, or to less. True where this cleared it. */
  onAnswer (isReply: boolean): boolean {
    this.#answeredRequests ||= isReply
    this.#errorsInRow = 0
    const cleared = this.#state !== 'healthy'
    this.#state = 'healthy'
    return cleared
  }

  /** Bytes came, of whatever. True where this cleared it. */
  onBytes (): boolean {
    if (this.#state === 'healthy' || !this.#wasSilent) {
      return false
    }
    this.#state = 'healthy'
    return true
  }

  /**
   * A request failed other than by silence: perhaps through its own fault, unless the connection never answered any or
   * fails several in a row. True where this made it suspect.
   */
  onError (nowMs: number): boolean {
    this.#errorsInRow++
    return (!this.#answeredRequests || this.#errorsInRow >= ERRORS_UNTIL_SUSPECT) && this.onRefusal(nowMs)
  }

  /** It is open, but no stream can be opened: a zombie. True where this made it suspect. */
  onRefusal (nowMs: number): boolean {
    return this.#suspect(nowMs, false)
  }

  /** Nothing is heard on it. True where this made it suspect. */
  onSilence (nowMs: number): boolean {
    return this.#suspect(nowMs, true)
  }

  /**
   * Something that began at `startedMs` was not answered in time. The first such makes it suspect, a second dead; but
   * requests that were under way together time out together, and are one piece of evidence.
   */
  onTimeout (nowMs: number, startedMs: number): 'suspect' | 'dead' | undefined {
    if (this.onSilence(nowMs)) {
      return 'suspect'
    }
    if (this.#state === 'suspect' && startedMs >= this.#suspectSinceMs) {
      this.#state = 'dead'
      return 'dead'
    }
    return undefined
  }

  /** Another connection to the peer was made in a dial that began at `dialledMs`. True where that makes this one dead. */
  onReplaced (dialledMs: number): boolean {
    if (this.#state !== 'suspect' || this.#suspectSinceMs > dialledMs) {
      return false
    }
    this.#state = 'dead'
    return true
  }

  #suspect (nowMs: number, silent: boolean): boolean {
    if (this.#state !== 'healthy') {
      return false
    }
    this.#state = 'suspect'
    this.#suspectSinceMs = nowMs
    this.#wasSilent = silent
    return true
  }
}
