import { TwinwireError } from '../core/errors.ts'
import type { OptimizedNetwork } from '../optim/index.ts'
import type { NetworkNode, StreamHandler } from '../optim/port.ts'
import { serveRequests } from '../optim/reply-stream.ts'
import { Ballast, BATCH_BYTES } from './payloads.ts'

/**
 * Requests and replies of any size: each a frame (varint length, payload). A request's first four bytes say, big-endian,
 * how many bytes the reply shall have; what follows them is ballast. A stream carries one request after the other.
 */
export const REQUEST_REPLY_PROTOCOL = '/twinwire/request-reply/1.0.0'

const HEADER_BYTES = 4
const MAXIMUM_REPLY_BYTES = 16 * 1024 * 1024
/** libp2p's default of 32 inbound streams a protocol would be the bottleneck of an open loop. */
const MAXIMUM_STREAMS = 1024

/**
 * Requests of `requestBytes` (4 at least) that ask for `replyBytes`, one a call, not to be written to. So many follow one
 * another before the first comes again that a batch has no two alike: there is nothing in them to compress but what they
 * ask for. Each is made once.
 */
export function requestPayloads (requestBytes: number, replyBytes: number): () => Uint8Array {
  const ballast = new Ballast()
  const payloads: Uint8Array[] = []
  const count = Math.ceil(BATCH_BYTES / requestBytes)
  let next = 0
  return () => {
    const payload = payloads[next] ??= requestWith(ballast.take(requestBytes), replyBytes)
    next = (next + 1) % count
    return payload
  }
}

function requestWith (ballast: Uint8Array, replyBytes: number): Uint8Array {
  const payload = ballast.slice()
  new DataView(payload.buffer).setUint32(0, replyBytes)
  return payload
}

/** What a server does before it answers a request; absent: nothing. */
export type Work = () => Promise<void>

/** How a server differs from one that answers at once. */
export interface ServerOptions {
  readonly work?: Work
  /** Is told of each stream first, to look on. */
  readonly onStream?: StreamHandler
}

/** Answers requests on every stream of the protocol until the node stops. A request that makes no sense resets its stream. */
export async function serveRequestReply (node: NetworkNode, { work, onStream }: ServerOptions = {}): Promise<void> {
  await node.handle(REQUEST_REPLY_PROTOCOL, async (stream, connection) => {
    void onStream?.(stream, connection)
    await serveRequests(stream, replyAfter(work))
  }, { maxInboundStreams: MAXIMUM_STREAMS, maxOutboundStreams: MAXIMUM_STREAMS })
}

/** The same through a network, which also takes requests in batches where that module is on. */
export async function serveRequestReplyOver (network: OptimizedNetwork, work?: Work): Promise<void> {
  await network.handle(REQUEST_REPLY_PROTOCOL, replyAfter(work), { maxInboundStreams: MAXIMUM_STREAMS })
}

/** Where there is no work, the answer is there at once and not in a promise. */
function replyAfter (work: Work | undefined): (request: Uint8Array) => Uint8Array | Promise<Uint8Array> {
  const ballast = new Ballast()
  const reply = (request: Uint8Array): Uint8Array => ballast.take(replyBytesOf(request))
  return work === undefined ? reply : async request => {
    await work()
    return reply(request)
  }
}

function replyBytesOf (request: Uint8Array): number {
  const replyBytes = request.byteLength < HEADER_BYTES ? undefined : new DataView(request.buffer, request.byteOffset).getUint32(0)
  if (replyBytes === undefined || replyBytes > MAXIMUM_REPLY_BYTES) {
    throw new TwinwireError('ERR_FRAME_INVALID', 'not a request', {
      expected: `${HEADER_BYTES} bytes or more that ask for at most ${MAXIMUM_REPLY_BYTES}`,
      found: replyBytes === undefined ? `${request.byteLength} bytes` : `${replyBytes} asked for`
    })
  }
  return replyBytes
}
