import { BatchDecoder } from '../../../src/optim/batching/wire/batch-decoder.ts'
import { BatchEncoder } from '../../../src/optim/batching/wire/batch-encoder.ts'
import { BATCH_PROTOCOL, INITIAL_FRAME_BYTES } from '../../../src/optim/batching/wire/format.ts'
import { decoded } from './wire/decoded.ts'
import type { Bytes } from '../../../src/optim/port.ts'
import type { Acknowledgement, Batch, Item } from '../../../src/optim/batching/wire/items.ts'
import type { LinkedNode, LinkedStream } from './linked-nodes.ts'

/** One end of a stream, by hand: for what no well-meaning peer does. */
export class RawEnd {
  readonly stream: LinkedStream
  /** All that came. */
  readonly batches: Batch[] = []
  readonly #encoder = new BatchEncoder()

  constructor (stream: LinkedStream, onBatch: (batch: Batch, end: RawEnd) => void = () => {}) {
    this.stream = stream
    const decoder = new BatchDecoder({ maximumFrameBytes: INITIAL_FRAME_BYTES, maximumPlainBytes: INITIAL_FRAME_BYTES, from: stream.direction === 'inbound' ? 'initiator' : 'responder' })
    stream.addEventListener('message', ({ data }: { readonly data: Bytes }) => {
      for (const batch of decoded(decoder, data)) {
        this.batches.push(batch)
        onBatch(batch, this)
      }
    })
  }

  /** All items that came. */
  get items (): Item[] {
    return this.batches.flatMap(({ items }) => items)
  }

  send (items: readonly Item[], acknowledgement?: Acknowledgement): void {
    this.#encoder.begin('normal')
    for (const item of items) {
      this.#encoder.add(item)
    }
    if (this.stream.status === 'open') {
      this.stream.send(this.#encoder.finish({ codec: 'none', acknowledgement }).frame)
    } else {
      this.#encoder.reset()
    }
  }
}

/** Serves the batch protocol by hand. Answers the streams that were opened, as they come. */
export function serveRaw (node: LinkedNode, onBatch: (batch: Batch, end: RawEnd) => void, settings: Item = { kind: 'settings', maximumFrameBytes: INITIAL_FRAME_BYTES, maximumRequests: 256 }): RawEnd[] {
  const ends: RawEnd[] = []
  node.handlers.set(BATCH_PROTOCOL, stream => {
    const end = new RawEnd(stream as LinkedStream, onBatch)
    ends.push(end)
    end.send([settings])
  })
  return ends
}

/** Opens a stream of the batch protocol by hand. */
export async function openRaw (from: LinkedNode, to: string): Promise<RawEnd> {
  return new RawEnd(await from.connectionTo(to).newStream(BATCH_PROTOCOL))
}
