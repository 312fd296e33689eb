import { systemClock } from '../core/clock.ts'
import { DEFAULT_DEADLINE_MS, underDeadline } from './deadline.ts'
import { RequestStream } from './request-stream.ts'
import type { Clock } from '../core/clock.ts'
import type { Multiaddr, NetworkNode, PeerId } from './port.ts'
import type { AttemptContext } from './timeouts/request.ts'

export interface PlainRequestOptions {
  readonly signal?: AbortSignal
  /** Dial, stream, request and reply together. Default 30 s. */
  readonly deadlineMs?: number
  /** Default: real time. */
  readonly clock?: Clock
}

/**
 * A request as an application makes it on plain js-libp2p: `dial`, which reuses a connection, a new stream, the
 * request, its reply, close. The baseline of experiments.
 *
 * @throws what libp2p throws, ERR_DEADLINE, or what `signal` was aborted with
 */
export async function plainRequest (node: NetworkNode, target: PeerId | Multiaddr | Multiaddr[], protocol: string, payload: Uint8Array, options: PlainRequestOptions = {}): Promise<Uint8Array> {
  const { clock = systemClock, deadlineMs = DEFAULT_DEADLINE_MS, signal } = options
  return await underDeadline(clock, deadlineMs, signal, async ({ signal }) => {
    return await askOnNewStream(node, target, protocol, payload, { signal, connecting () {}, sent () {} })
  })
}

/** One attempt on a stream of its own. */
export async function askOnNewStream (node: NetworkNode, target: PeerId | Multiaddr | Multiaddr[], protocol: string, payload: Uint8Array, context: Pick<AttemptContext, 'signal' | 'connecting' | 'sent'>): Promise<Uint8Array> {
  const { signal } = context
  context.connecting()
  const connection = await node.dial(target, { signal })
  const stream = await connection.newStream(protocol, { signal })
  try {
    context.sent()
    const reply = await RequestStream.of(stream).request(payload, { signal })
    await stream.close({ signal })
    return reply
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}
