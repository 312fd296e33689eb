import { RequestStream } from '../optim/index.ts'
import type { Connection, Stream } from '../optim/index.ts'
import { REQUEST_REPLY_PROTOCOL } from './request-reply.ts'
import { askOn } from './requester.ts'
import type { Requester, RequesterOptions } from './requester.ts'

export interface KeptStreamsOptions extends Pick<RequesterOptions, 'node' | 'addresses'> {
  /** The connection to open streams on; default: as `dial` gives it. */
  readonly connect?: (signal: AbortSignal) => Promise<Connection>
}

/** Plain js-libp2p as those use it who know that a stream costs a round trip: streams that were answered on are kept. */
export function keptStreams ({ node, addresses, connect = async signal => await node.dial([...addresses], { signal }) }: KeptStreamsOptions): Requester {
  const idle: Stream[] = []
  return {
    async request (payload, signal) {
      const stream = usable(idle) ?? await (await connect(signal)).newStream(REQUEST_REPLY_PROTOCOL, { signal })
      // What failed is no use any more, and would count among the streams that libp2p lets a connection have.
      const reply = await askOn(stream, payload, signal)
      idle.push(stream)
      return reply
    },
    async [Symbol.asyncDispose] () {}
  }
}

/** A connection a request, and nobody closes any: what careless code does until its process is out of memory. */
export function dialAndLeave ({ node, addresses }: Pick<RequesterOptions, 'node' | 'addresses'>): Requester {
  return {
    async request (payload, signal) {
      const connection = await node.dial([...addresses], { signal, force: true })
      const stream = await connection.newStream(REQUEST_REPLY_PROTOCOL, { signal })
      return await RequestStream.of(stream).request(payload, { signal })
    },
    async [Symbol.asyncDispose] () {}
  }
}

function usable (idle: Stream[]): Stream | undefined {
  for (let stream = idle.pop(); stream !== undefined; stream = idle.pop()) {
    if (RequestStream.of(stream).usable) {
      return stream
    }
  }
  return undefined
}
