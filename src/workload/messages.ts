import { sleep } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import { FrameStream } from '../optim/frame-stream.ts'
import { encodeFrame } from '../optim/frames.ts'
import { MAXIMUM_FRAME_BYTES } from '../optim/index.ts'
import type { Multiaddr, NetworkNode, OptimizedNetwork, PeerId, Stream } from '../optim/index.ts'

/** Messages one way, each a frame (varint length, payload), as many on a stream as its sender likes. */
export const MESSAGE_PROTOCOL = '/twinwire/messages/1.0.0'

/** libp2p's defaults, 32 inbound and 64 outbound streams a protocol, would be the bottleneck of an open loop with a stream a message. */
const MAXIMUM_STREAMS = 1024

/** One way of sending a peer messages; what an experiment's arms differ in. */
export interface MessageSender extends AsyncDisposable {
  /** Resolves when the stream has taken the message, or, where messages are acknowledged, when this one was. */
  send(payload: Uint8Array, signal: AbortSignal): Promise<void>
}

/** Takes messages on every stream of the protocol until the node stops. */
export async function receiveMessages (node: NetworkNode, onMessage: (payload: Uint8Array) => void): Promise<void> {
  await node.handle(MESSAGE_PROTOCOL, stream => {
    const abort = (error: unknown): void => stream.abort(error as Error)
    // It listens until the stream ends, and nobody else needs it.
    void new FrameStream(stream, MAXIMUM_FRAME_BYTES, { onFrame: onMessage, onEnd: () => { stream.close().catch(abort) } })
  }, { maxInboundStreams: MAXIMUM_STREAMS, maxOutboundStreams: MAXIMUM_STREAMS })
}

/** The same through a network, which also takes them in batches where that module is on. */
export async function receiveMessagesOver (network: OptimizedNetwork, onMessage: (payload: Uint8Array) => void): Promise<void> {
  await network.handle(MESSAGE_PROTOCOL, payload => onMessage(payload), { maxInboundStreams: MAXIMUM_STREAMS })
}

/** Plain js-libp2p as a competent user has it: one stream, opened with the first message, and one frame after the other. */
export function onKeptStream (node: NetworkNode, addresses: readonly Multiaddr[]): MessageSender {
  const opened = openedOnce(node, addresses)
  let last: Promise<unknown> = Promise.resolve()
  return {
    async send (payload, signal) {
      const frames = await opened.frames(signal)
      // A frame may have to wait for room, and none may be written within another.
      const written = last.then(async () => await frames.write(payload, signal))
      last = written.catch(() => {})
      await written
    },
    [Symbol.asyncDispose]: opened.close
  }
}

/** The same by a user who batches by hand: what comes within `holdMs` of a first message is written with it at one go. */
export function onHeldStream ({ node, clock }: { readonly node: NetworkNode, readonly clock: Clock }, addresses: readonly Multiaddr[], holdMs: number): MessageSender {
  const opened = openedOnce(node, addresses)
  const held: Uint8Array[] = []
  let batch: Promise<void> | undefined
  let last: Promise<unknown> = Promise.resolve()
  // A batch is given up when its first message is: the others were due some milliseconds later.
  const writeHeld = async (frames: FrameStream, signal: AbortSignal): Promise<void> => {
    let messages: readonly Uint8Array[] = []
    try {
      await sleep(clock, holdMs, signal)
    } finally {
      messages = held.splice(0)
      batch = undefined
    }
    const together = concatenated(messages)
    const written = last.then(async () => await frames.writeEncoded(together, signal))
    last = written.catch(() => {})
    await written
  }
  return {
    async send (payload, signal) {
      const frames = await opened.frames(signal)
      held.push(encodeFrame(payload))
      await (batch ??= writeHeld(frames, signal))
    },
    async [Symbol.asyncDispose] () {
      await batch?.catch(() => {})
      await last
      await opened.close()
    }
  }
}

function concatenated (parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.byteLength
  }
  return whole
}

/** One stream, that the first who asks for it opens. */
function openedOnce (node: NetworkNode, addresses: readonly Multiaddr[]): { readonly frames: (signal: AbortSignal) => Promise<FrameStream>, readonly close: () => Promise<void> } {
  let opening: Promise<FrameStream> | undefined
  const open = async (signal: AbortSignal): Promise<FrameStream> => {
    const connection = await node.dial([...addresses], { signal })
    return ownFrames(await connection.newStream(MESSAGE_PROTOCOL, { signal }))
  }
  return {
    frames: async signal => await (opening ??= open(signal)),
    async close () {
      const frames = await opening?.catch(() => undefined)
      await frames?.stream.close()
    }
  }
}

/** The connection is reused, and each message opens a stream and closes it. */
export async function onStreamEach (node: NetworkNode, addresses: readonly Multiaddr[]): Promise<MessageSender> {
  // libp2p takes the limit of outbound streams from the protocol's own handler, and has 64 where there is none.
  await receiveMessages(node, () => {})
  return {
    async send (payload, signal) {
      const connection = await node.dial([...addresses], { signal })
      const stream = await connection.newStream(MESSAGE_PROTOCOL, { signal })
      try {
        await ownFrames(stream).write(payload, signal)
        await stream.close({ signal })
      } catch (error) {
        stream.abort(error as Error)
        throw error
      }
    },
    async [Symbol.asyncDispose] () {}
  }
}

/** Through the optimisation modules, acknowledged. Messages are idempotent: they may be tried again. Disposing of it stops the network. */
export function messagesOver (network: OptimizedNetwork, peer: PeerId, deadlineMs: number): MessageSender {
  return {
    async send (payload, signal) {
      await network.send(peer, MESSAGE_PROTOCOL, payload, { signal, deadlineMs, idempotent: true })
    },
    async [Symbol.asyncDispose] () {
      await network.stop()
    }
  }
}

/** To write on; nothing is expected back. */
function ownFrames (stream: Stream): FrameStream {
  return new FrameStream(stream, MAXIMUM_FRAME_BYTES, { onFrame () {}, onEnd () {} })
}
