import { TwinwireError } from '../core/errors.ts'
import { FrameStream } from './frame-stream.ts'
import { MAXIMUM_FRAME_BYTES } from './frames.ts'
import type { Stream } from './port.ts'

/** Requests that may lie unanswered on one stream. A `RequestStream` has one; who sends many without waiting is stopped here. */
const MAXIMUM_WAITING = 16

/**
 * Answers one request, or with nothing where no reply is wanted. `signal` is aborted when the stream is gone, and nobody
 * waits for the answer any more.
 */
export type Responder = (payload: Uint8Array, options: { readonly signal: AbortSignal }) => Uint8Array | void | Promise<Uint8Array | void>

export interface ServeRequestsOptions {
  /** The largest request taken, in bytes of payload. Default 4 MiB. */
  readonly limitBytes?: number
  /** Once it is aborted, the stream is closed as soon as no request waits on it. */
  readonly ending?: AbortSignal
}

/**
 * The far side of `RequestStream`: answers each frame of a stream with one, in order, until the remote end closes it;
 * then closes too. For a libp2p handler: `node.handle(protocol, stream => serveRequests(stream, respond))`.
 *
 * Resolves when the stream has ended, whether or not a responder still works. A responder that throws ends it with a
 * reset, and so do a frame above `limitBytes` and more requests than one end should have waiting; nothing rejects, as
 * nobody could answer for it.
 */
export async function serveRequests (stream: Stream, respond: Responder, { limitBytes = MAXIMUM_FRAME_BYTES, ending }: ServeRequestsOptions = {}): Promise<void> {
  const requests: Uint8Array[] = []
  const gone = new AbortController()
  let woken = Promise.withResolvers<void>()
  const frames = new FrameStream(stream, limitBytes, {
    onFrame: payload => {
      if (requests.push(payload) > MAXIMUM_WAITING) {
        stream.abort(new TwinwireError('ERR_FRAME_INVALID', `more than ${MAXIMUM_WAITING} requests wait on one stream`))
      }
      woken.resolve()
    },
    onEnd: () => woken.resolve(),
    onGone: () => gone.abort(new TwinwireError('ERR_STREAM_CLOSED', 'the stream has ended'))
  })
  const onEnding = (): void => woken.resolve()
  ending?.addEventListener('abort', onEnding, { once: true })
  try {
    for (;;) {
      const request = requests.shift()
      if (request !== undefined) {
        const reply = await answer(respond, request, gone.signal)
        if (reply !== undefined) {
          await frames.write(reply)
        }
      } else if (frames.ended || ending?.aborted === true) {
        break
      } else {
        woken = Promise.withResolvers<void>()
        await woken.promise
      }
    }
    await stream.close()
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
  } finally {
    ending?.removeEventListener('abort', onEnding)
  }
}

/** The responder's answer; rejects as soon as the stream is gone. */
async function answer (respond: Responder, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array | void> {
  const settled = Promise.withResolvers<Uint8Array | void>()
  const onGone = (): void => settled.reject(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', onGone, { once: true })
  try {
    // Not resolved with a promise, which would bind it to that promise's end.
    Promise.resolve(respond(request, { signal })).then(settled.resolve, settled.reject)
    return await settled.promise
  } finally {
    signal.removeEventListener('abort', onGone)
  }
}
