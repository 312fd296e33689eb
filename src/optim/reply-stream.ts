import { TwinwireError } from '../core/errors.ts'
import { FrameStream } from './frame-stream.ts'
import { MAXIMUM_FRAME_BYTES } from './frames.ts'
import { LazySignal } from './lazy-signal.ts'
import type { Stream } from './port.ts'

/** Requests that may lie unanswered on one stream. A `RequestStream` has one; who sends many without waiting is stopped here. */
const MAXIMUM_WAITING = 16
/** Requests that are read ahead of the one being answered: none has to wait for its bytes, and few lie in memory. */
const READ_AHEAD = 1

/**
 * Answers one request, or with nothing where no reply is wanted. `signal` is aborted when the stream is gone, and nobody
 * waits for the answer any more.
 */
export type Responder = (payload: Uint8Array, options: { readonly signal: AbortSignal }) => Uint8Array | void | Promise<Uint8Array | void>

/** Bounds the bytes of requests that wait or are being worked on, of all streams that share it. */
export interface ServingBudget {
  /** Sets room aside for a request; false, and nothing is set aside, where there is none. */
  take(bytes: number): boolean
  /** Gives back what `take` set aside. */
  give(bytes: number): void
}

/** How a stream of requests is served. */
export interface ServeRequestsOptions {
  /** The largest request taken, in bytes of payload. Default 4 MiB. */
  readonly limitBytes?: number
  /** Default: each stream's own bounds alone. */
  readonly budget?: ServingBudget
  /** Once it is aborted, the stream is closed as soon as no request waits on it. */
  readonly ending?: AbortSignal
}

/**
 * The far side of `RequestStream`: answers each frame of a stream with one, in order, until the remote end closes it;
 * then closes too. For a libp2p handler: `node.handle(protocol, stream => serveRequests(stream, respond))`.
 *
 * The stream is paused while more than one request waits beside the one being answered.
 *
 * Resolves when the stream has ended, whether or not a responder still works. A responder that throws ends it with a
 * reset, and so do a frame above `limitBytes`, more requests than one end should have waiting, and one that the budget has
 * no room for (ERR_OVERLOADED); nothing rejects, as nobody could answer for it.
 */
export async function serveRequests (stream: Stream, respond: Responder, { limitBytes = MAXIMUM_FRAME_BYTES, budget = NO_BUDGET, ending }: ServeRequestsOptions = {}): Promise<void> {
  const requests: Uint8Array[] = []
  const answering = new Answering(respond, budget)
  let woken = Promise.withResolvers<void>()
  const frames = new FrameStream(stream, limitBytes, {
    onFrame: (payload, frames) => {
      if (requests.length === MAXIMUM_WAITING) {
        stream.abort(new TwinwireError('ERR_FRAME_INVALID', `more than ${MAXIMUM_WAITING} requests wait on one stream`))
      } else if (!budget.take(payload.byteLength)) {
        stream.abort(new TwinwireError('ERR_OVERLOADED', 'too many bytes of requests are being worked on'))
      } else if (requests.push(payload) > READ_AHEAD) {
        frames.pause()
      }
      woken.resolve()
    },
    onEnd: () => woken.resolve(),
    onGone: () => answering.end()
  })
  const onEnding = (): void => woken.resolve()
  ending?.addEventListener('abort', onEnding, { once: true })
  try {
    for (;;) {
      const request = requests.shift()
      if (request !== undefined) {
        if (requests.length <= READ_AHEAD) {
          frames.resume()
        }
        const reply = await answering.answer(request)
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
    for (const { byteLength } of requests) {
      budget.give(byteLength)
    }
  }
}

const NO_BUDGET: ServingBudget = { take: () => true, give () {} }

/** Answers the requests of one stream until it is gone. */
class Answering {
  readonly #respond: Responder
  readonly #budget: ServingBudget
  readonly #gone = new LazySignal()
  readonly #options: { readonly signal: AbortSignal }
  /** Of the answer that is awaited. */
  #reject: ((error: Error) => void) | undefined

  constructor (respond: Responder, budget: ServingBudget) {
    this.#respond = respond
    this.#budget = budget
    const gone = this.#gone
    // An object of its own, which a responder may copy, and no more than what it may use.
    this.#options = {
      get signal () {
        return gone.signal
      }
    }
  }

  /** The responder's answer; rejects as soon as the stream is gone. */
  async answer (request: Uint8Array): Promise<Uint8Array | void> {
    const settled = Promise.withResolvers<Uint8Array | void>()
    this.#reject = settled.reject
    try {
      // Not resolved with a promise, which would bind it to that promise's end.
      this.#work(request).then(settled.resolve, settled.reject)
      return await settled.promise
    } finally {
      this.#reject = undefined
    }
  }

  /** The stream is gone. */
  end (): void {
    this.#reject?.(goneError())
    this.#gone.abort(goneError)
  }

  /** What the responder holds is in memory until it is done, whether or not anybody waits for it. */
  async #work (request: Uint8Array): Promise<Uint8Array | void> {
    try {
      if (this.#gone.aborted) {
        throw goneError()
      }
      return await this.#respond(request, this.#options)
    } finally {
      this.#budget.give(request.byteLength)
    }
  }
}

function goneError (): TwinwireError {
  return new TwinwireError('ERR_STREAM_CLOSED', 'the stream has ended')
}
