import { systemClock } from '../core/clock.ts'
import { DEFAULT_DEADLINE_MS, underDeadline } from './deadline.ts'
import { MAXIMUM_FRAME_BYTES } from './frames.ts'
import { RequestStream } from './request-stream.ts'
import type { Clock } from '../core/clock.ts'
import type { Connection, Multiaddr, NetworkNode, PeerId } from './port.ts'
import type { AttemptContext } from './timeouts/request.ts'

/** What is known of one plain request. */
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
    return await askOnNewStream(node, target, protocol, payload, { signal, connecting () {}, opening () {}, sent () {}, progress () {} })
  })
}

/** One attempt on a stream of its own. */
export async function askOnNewStream (node: NetworkNode, target: PeerId | Multiaddr | Multiaddr[], protocol: string, payload: Uint8Array, context: Pick<AttemptContext, 'signal' | 'connecting' | 'opening' | 'sent' | 'progress'>, maximumReplyBytes = MAXIMUM_FRAME_BYTES): Promise<Uint8Array> {
  const { signal } = context
  context.connecting()
  const earlier = 'equals' in target ? node.getConnections(target) : []
  const connection = await node.dial(target, { signal })
  openingOn(connection, earlier, context)
  const stream = await connection.newStream(protocol, { signal })
  try {
    context.sent()
    const reply = await RequestStream.of(stream, maximumReplyBytes).request(payload, { signal, onProgress: context.progress })
    await stream.close({ signal })
    return reply
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

/**
 * A stream is being opened. On a connection that was there before, this takes a round trip and is timed; on a new one
 * it may have to wait for the far side to be ready, and how far away that is nobody knows yet.
 */
export function openingOn (connection: Connection, earlier: readonly Connection[], context: Pick<AttemptContext, 'connecting' | 'opening'>): void {
  if (earlier.some(({ id }) => id === connection.id)) {
    context.opening()
  } else {
    context.connecting()
  }
}
