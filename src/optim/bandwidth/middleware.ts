import type { Connection, Stream } from '../port.ts'

/** As libp2p's `StreamMiddleware`, for streams and connections of whatever type. */
export type StreamMiddleware = <S extends Stream, C extends Connection>(stream: S, connection: C, next: (stream: S, connection: C) => void) => void | Promise<void>

/**
 * For `node.use(protocol, chain)`: one middleware that puts `wrap(stream)` in the stream's place, whichever side opened it.
 *
 * A list rather than a function, because libp2p 3.3 appends the handler of each inbound stream to the very list that was
 * registered (js-libp2p #3534): from the second stream on handlers run twice, and on outbound streams too. This list
 * stays one long and hands what is appended to the stream that it was appended for, whose chain libp2p begins in the same
 * turn. Where libp2p copies the list, nothing is appended to it, and the handler follows by itself.
 */
export class MiddlewareChain extends Array<StreamMiddleware> {
  static override get [Symbol.species] (): ArrayConstructor {
    return Array
  }

  #handler: StreamMiddleware | undefined

  constructor (wrap: <S extends Stream>(stream: S, connection: Connection) => S) {
    super()
    super.push((stream, connection, next) => {
      const handler = this.#handler
      this.#handler = undefined
      const wrapped = wrap(stream, connection)
      return handler === undefined ? next(wrapped, connection) : handler(wrapped, connection, next)
    })
  }

  override push (handler: StreamMiddleware): number {
    this.#handler = handler
    return this.length
  }
}
