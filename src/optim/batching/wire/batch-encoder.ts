import { varintBytes, writeVarint } from '../../frames.ts'
import { TRAFFIC_CLASSES, type TrafficClass } from '../../traffic-class.ts'
import { compress } from '../compression/codecs.ts'
import { ACKNOWLEDGEMENT_FLAG, CLASS_SHIFT, CODECS, MAXIMUM_ITEMS } from './format.ts'
import { itemBytes, numberBytes, writeItem } from './item-encoding.ts'
import type { Acknowledgement, Codec, Item } from './items.ts'
import { SentNames } from './sent-names.ts'

/** What a batch is finished with. */
export interface BatchEnd {
  /** How the items are compressed, where that makes the frame smaller. */
  readonly codec: Codec
  readonly acknowledgement: Acknowledgement | undefined
}

/** A frame for `stream.send`, and what became of its items. */
export interface EncodedBatch {
  /** With its length in front. */
  readonly frame: Uint8Array
  /** `none` too where another was asked for and did not make the frame smaller. */
  readonly codec: Codec
  /** Of the items, uncompressed. */
  readonly plainBytes: number
  /** What the codec that was asked for made of them, sent or not; `plainBytes` where that was `none`. */
  readonly compressedBytes: number
}

/**
 * Builds the batches of one direction of a stream, one after the other: `begin`, `add` any number of items, `finish`
 * or `reset`. Items are kept as they are until then, and their payloads are copied once, into the frame; so nobody may
 * change them meanwhile. What was finished must be sent, and in this order, or the far side has other names.
 */
export class BatchEncoder {
  readonly #names = new SentNames()
  #class: TrafficClass | undefined
  #items: Item[] = []
  #plainBytes = 0

  /** Of the items added so far, uncompressed. The frame's body is at most BATCH_HEADER_BYTES longer. */
  get plainBytes (): number {
    return this.#plainBytes
  }

  /** Added so far; at most MAXIMUM_ITEMS. */
  get itemCount (): number {
    return this.#items.length
  }

  begin (trafficClass: TrafficClass): void {
    if (this.#class !== undefined) {
      throw new Error('a batch was begun before the last was finished or reset')
    }
    this.#class = trafficClass
  }

  /**
   * What `add` would add to `plainBytes`: less where a protocol's name has been sent before.
   *
   * @throws ERR_BATCH_INVALID where its protocol has no name for the wire
   */
  sizeOf (item: Item): number {
    return itemBytes(item, this.#names)
  }

  /**
   * A refusal's text is cut to what fits in 256 bytes.
   *
   * @throws ERR_BATCH_INVALID where its protocol has no name for the wire; the batch is as it was
   */
  add (item: Item): void {
    if (this.#class === undefined || this.#items.length === MAXIMUM_ITEMS) {
      throw new Error(this.#class === undefined ? 'an item was added to no batch' : 'an item was added to a full batch')
    }
    this.#plainBytes += itemBytes(item, this.#names)
    if (item.kind === 'message' || item.kind === 'request') {
      this.#names.add(item.protocol)
    }
    this.#items.push(item)
  }

  /** The batch with what was added: at least one item, or an acknowledgement. */
  finish ({ codec, acknowledgement }: BatchEnd): EncodedBatch {
    if (this.#class === undefined || (this.#items.length === 0 && acknowledgement === undefined)) {
      throw new Error('a batch was finished that has nothing to say')
    }
    const plainBytes = this.#plainBytes
    const header = encodeHeader(this.#class, acknowledgement)
    const plain = startFrame(header, plainBytes)
    const itemsAt = plain.length - plainBytes
    let position = itemsAt
    for (const item of this.#items) {
      position = writeItem(plain, position, item, this.#names)
    }
    this.#names.commit()
    this.#clear()
    if (codec === 'none' || plainBytes === 0) {
      return { frame: plain, codec: 'none', plainBytes, compressedBytes: plainBytes }
    }

    const compressed = compress(codec, plain.subarray(itemsAt))
    const payloadBytes = varintBytes(plainBytes) + compressed.length
    if (payloadBytes >= plainBytes) {
      return { frame: plain, codec: 'none', plainBytes, compressedBytes: compressed.length }
    }
    header[0] |= CODECS.indexOf(codec)
    const frame = startFrame(header, payloadBytes)
    frame.set(compressed, writeVarint(frame, frame.length - payloadBytes, plainBytes))
    return { frame, codec, plainBytes, compressedBytes: compressed.length }
  }

  /** As if the batch had not been begun; names that only it had are forgotten. */
  reset (): void {
    this.#names.rollback()
    this.#clear()
  }

  #clear (): void {
    this.#class = undefined
    this.#items = []
    this.#plainBytes = 0
  }
}

/** Flags, of codec `none`, and acknowledgement. */
function encodeHeader (trafficClass: TrafficClass, acknowledgement: Acknowledgement | undefined): Uint8Array {
  const flags = TRAFFIC_CLASSES.indexOf(trafficClass) << CLASS_SHIFT
  if (acknowledgement === undefined) {
    return Uint8Array.of(flags)
  }
  const { batch, heldUs } = acknowledgement
  const header = new Uint8Array(1 + numberBytes(batch, 1) + numberBytes(heldUs))
  header[0] = flags | ACKNOWLEDGEMENT_FLAG
  writeVarint(header, writeVarint(header, 1, batch), heldUs)
  return header
}

/** A frame with its length and header, and room for the payload behind them. */
function startFrame (header: Uint8Array, payloadBytes: number): Uint8Array {
  const bodyBytes = header.length + payloadBytes
  const frame = new Uint8Array(varintBytes(bodyBytes) + bodyBytes)
  frame.set(header, writeVarint(frame, 0, bodyBytes))
  return frame
}
