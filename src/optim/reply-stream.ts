import { TwinwireError } from '../core/errors.ts'
import { FrameStream } from './frame-stream.ts'
import { MAXIMUM_FRAME_BYTES } from './frames.ts'
import type { Stream } from './port.ts'

/** Requests that may lie unanswered on one stream. A `RequestStream` has one; who sends many without waiting is stopped here. */
const MAXIMUM_WAITING = 16

/** Answers one request. */
export type Responder = (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>

/**
 * The far side of `RequestStream`: answers each frame of a stream with one, in order, until the remote end closes it;
 * then closes too. For a libp2p handler: `node.handle(protocol, stream => serveRequests(stream, respond))`.
 *
 * Resolves when the stream has ended. A responder that throws ends it with a reset, and so do a frame above `limitBytes`
 * and more requests than one end should have waiting; nothing rejects, as nobody could answer for it.
 */
export async function serveRequests (stream: Stream, respond: Responder, limitBytes = MAXIMUM_FRAME_BYTES): Promise<void> {
  const requests: Uint8Array[] = []
  let woken = Promise.withResolvers<void>()
  const frames = new FrameStream(stream, limitBytes, {
    onFrame: payload => {
      if (requests.push(payload) > MAXIMUM_WAITING) {
        stream.abort(new TwinwireError('ERR_FRAME_INVALID', `more than ${MAXIMUM_WAITING} requests wait on one stream`))
      }
      woken.resolve()
    },
    onEnd: () => woken.resolve()
  })
  try {
    for (;;) {
      const request = requests.shift()
      if (request !== undefined) {
        await frames.write(await respond(request))
      } else if (frames.ended) {
        break
      } else {
        woken = Promise.withResolvers<void>()
        await woken.promise
      }
    }
    await stream.close()
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
  }
}
