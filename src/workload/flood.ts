import { FrameStream } from '../optim/frame-stream.ts'
import type { OptimizedNetwork, PeerId } from '../optim/index.ts'
import type { NetworkNode, Stream } from '../optim/port.ts'
import type { Askable } from './modules.ts'
import { Ballast } from './payloads.ts'

/**
 * One message to all peers: whoever gets it first passes it on to all neighbours but the one that it came from, as
 * gossipsub's mesh does. A message is its number (four bytes, big-endian), how many hops it has made (two), and ballast.
 */
export const FLOOD_PROTOCOL = '/twinwire/flood/1.0.0'

/** Behind the number; a message has six bytes at least. */
const HOPS_OFFSET = 4

/** A message as a peer has it for the first time. */
export interface FloodReceipt {
  readonly message: number
  /** Since its publisher, who has it after none. */
  readonly hops: number
}

/** How a peer speaks to those it is connected to: what arms differ in. Disposing of it ends what it has begun. */
export interface FloodLinks extends AsyncDisposable {
  /** Those of either side's making; ids as text. */
  neighbours(): Iterable<string>
  /** Takes links and messages from now on. */
  serve(onMessage: (payload: Uint8Array, from: string) => void): Promise<void>
  /** Makes a neighbour of a peer, and is over when messages can go both ways without opening anything. */
  connect(peer: Askable, signal: AbortSignal): Promise<void>
  /** @throws what ended the link, or the attempts of the modules */
  send(neighbour: string, payload: Uint8Array): Promise<void>
}

/** One peer's part in a flood: it knows what it has seen. */
export class Flood {
  readonly #links: FloodLinks
  readonly #onFirst: (receipt: FloodReceipt) => void
  readonly #seen = new Set<number>()
  #copies = 0
  #duplicates = 0
  #failures = 0

  /** `onFirst` is told of each message once. */
  constructor (links: FloodLinks, onFirst: (receipt: FloodReceipt) => void) {
    this.#links = links
    this.#onFirst = onFirst
  }

  /** Messages sent, to one neighbour each. */
  get copies (): number {
    return this.#copies
  }

  /** Messages that came again. */
  get duplicates (): number {
    return this.#duplicates
  }

  /** Of the copies, those that could not be sent. */
  get failures (): number {
    return this.#failures
  }

  async serve (): Promise<void> {
    await this.#links.serve((payload, from) => this.#receive(payload, from))
  }

  has (message: number): boolean {
    return this.#seen.has(message)
  }

  /** A message of so many bytes, of its header at least, to all. */
  publish (message: number, bytes: number): void {
    // Other bytes for each message, whoever publishes it: several may be passed on in one batch.
    const payload = new Ballast(message * bytes).take(bytes).slice()
    new DataView(payload.buffer).setUint32(0, message)
    this.#take(payload, { message, hops: 0 }, undefined)
  }

  #receive (payload: Uint8Array, from: string): void {
    const header = new DataView(payload.buffer, payload.byteOffset)
    const message = header.getUint32(0)
    if (this.#seen.has(message)) {
      this.#duplicates++
      return
    }
    this.#take(payload.slice(), { message, hops: header.getUint16(HOPS_OFFSET) }, from)
  }

  #take (payload: Uint8Array, receipt: FloodReceipt, from: string | undefined): void {
    this.#seen.add(receipt.message)
    this.#onFirst(receipt)
    new DataView(payload.buffer).setUint16(HOPS_OFFSET, receipt.hops + 1)
    for (const neighbour of this.#links.neighbours()) {
      if (neighbour !== from) {
        this.#copies++
        this.#links.send(neighbour, payload).catch(() => { this.#failures++ })
      }
    }
  }
}

/** Plain libp2p as somebody uses it who knows it: a stream a neighbour that stays open, for both ways. */
export function keptStreamLinks (node: NetworkNode): FloodLinks {
  const streams = new Map<string, { readonly frames: FrameStream, sending: Promise<void> }>()
  let deliver: (payload: Uint8Array, from: string) => void = () => {}
  const keep = (peer: string, stream: Stream): void => {
    const frames = new FrameStream(stream, MAXIMUM_MESSAGE_BYTES, {
      onFrame: payload => deliver(payload, peer),
      onEnd: () => { streams.delete(peer) }
    })
    streams.set(peer, { frames, sending: Promise.resolve() })
  }
  return {
    neighbours: () => streams.keys(),
    async serve (onMessage) {
      deliver = onMessage
      await node.handle(FLOOD_PROTOCOL, (stream, { remotePeer }) => keep(remotePeer.toString(), stream))
    },
    async connect ({ id, addresses }, signal) {
      const connection = await node.dial([...addresses], { signal })
      keep(id.toString(), await connection.newStream(FLOOD_PROTOCOL, { signal }))
    },
    async send (neighbour, payload) {
      const kept = streams.get(neighbour)
      if (kept !== undefined) {
        // One frame at a time.
        kept.sending = kept.sending.then(async () => { await kept.frames.write(payload) })
        await kept.sending
      }
    },
    async [Symbol.asyncDispose] () {}
  }
}

/**
 * Through optimisation modules: a message is a request with an empty reply, for a request's stream is kept for the next one
 * where a message's is closed behind it. An empty request is a greeting, which has its streams opened before they are needed.
 */
export function overModules (network: OptimizedNetwork, node: NetworkNode, deadlineMs: number): FloodLinks {
  const neighbours = new Map<string, PeerId>()
  const ask = async (peer: PeerId, payload: Uint8Array, signal?: AbortSignal): Promise<void> => {
    await network.request(peer, FLOOD_PROTOCOL, payload, { class: 'urgent', idempotent: true, deadlineMs, ...signal !== undefined && { signal } })
  }
  return {
    neighbours: () => neighbours.keys(),
    async serve (onMessage) {
      await network.handle(FLOOD_PROTOCOL, (payload, { peer }) => {
        const id = peer.toString()
        if (payload.byteLength > 0) {
          onMessage(payload, id)
        } else if (!neighbours.has(id)) {
          neighbours.set(id, peer)
          // Whether it arrives shows with the first message.
          ask(peer, NOTHING).catch(() => {})
        }
        return NOTHING
      })
    },
    async connect ({ id, addresses }, signal) {
      await node.peerStore.merge(id, { multiaddrs: [...addresses] })
      neighbours.set(id.toString(), id)
      await ask(id, NOTHING, signal)
    },
    async send (neighbour, payload) {
      const peer = neighbours.get(neighbour)
      if (peer !== undefined) {
        await ask(peer, payload)
      }
    },
    async [Symbol.asyncDispose] () {
      await network.stop()
    }
  }
}

/** A block with room to spare. */
const MAXIMUM_MESSAGE_BYTES = 1024 * 1024

const NOTHING = new Uint8Array(0)
