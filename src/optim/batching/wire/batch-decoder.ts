import { TwinwireError } from '../../../core/errors.ts'
import { FrameDecoder } from '../../frames.ts'
import type { Bytes } from '../../port.ts'
import { TRAFFIC_CLASSES } from '../../traffic-class.ts'
import { decompress, type CompressingCodec } from '../compression/codecs.ts'
import { BodyReader } from './body-reader.ts'
import { ACKNOWLEDGEMENT_FLAG, CLASS_SHIFT, CODECS, KNOWN_FLAGS, MAXIMUM_ITEMS, type Side } from './format.ts'
import { readItem } from './item-decoding.ts'
import type { Acknowledgement, Batch, Item } from './items.ts'

/** What a decoder is made with. */
export interface BatchDecoderOptions {
  /** The largest frame body that is taken: what this side's settings say, or INITIAL_FRAME_BYTES of a responder. */
  readonly maximumFrameBytes: number
  /** The most that a batch may say its items are before they were compressed. */
  readonly maximumPlainBytes: number
  /** Who sends what is decoded. */
  readonly from: Side
}

/**
 * Takes the bytes of one direction of a stream as they come, however they are cut, and gives back its batches, each
 * decoded when it is asked for: few bytes may hold many that become large. Payloads are views of a buffer that is the
 * batch's own: keeping one keeps its batch.
 *
 * After an error the decoder is of no further use.
 */
export class BatchDecoder {
  readonly #frames: FrameDecoder
  readonly #maximumPlainBytes: number
  readonly #from: Side
  /** Protocols that the far side has had remembered. */
  readonly #names: string[] = []
  /** The responder begins with its settings, and sends them once. */
  #expectsSettings: boolean
  /** Bodies that came whole and were not asked for, the next one last. */
  #bodies: Uint8Array[] = []

  constructor ({ maximumFrameBytes, maximumPlainBytes, from }: BatchDecoderOptions) {
    this.#frames = new FrameDecoder(maximumFrameBytes)
    this.#maximumPlainBytes = maximumPlainBytes
    this.#from = from
    this.#expectsSettings = from === 'responder'
  }

  /** All that came was given back: nothing of another frame has come. */
  get empty (): boolean {
    return this.#frames.empty && this.#bodies.length === 0
  }

  /**
   * What comes next, after everything that came before was given back.
   *
   * @throws ERR_FRAME_INVALID, ERR_FRAME_TOO_LARGE
   */
  push (bytes: Bytes): void {
    if (this.#bodies.length > 0) {
      throw new Error('bytes were pushed before what came earlier was decoded')
    }
    this.#bodies = this.#frames.push(bytes).toReversed()
  }

  /**
   * The next batch that has come whole; undefined without one.
   *
   * @throws ERR_BATCH_INVALID, ERR_CHECKSUM, ERR_FRAME_TOO_LARGE
   */
  next (): Batch | undefined {
    const body = this.#bodies.pop()
    return body && this.#decode(body)
  }

  #decode (body: Uint8Array): Batch {
    const reader = new BodyReader(body)
    const flags = reader.byte('flags')
    const codec = CODECS[flags & 3]
    const trafficClass = TRAFFIC_CLASSES[flags >> CLASS_SHIFT & 3]
    if (flags > KNOWN_FLAGS || codec === undefined || trafficClass === undefined) {
      throw reader.invalid('flags', 'a codec of 0 to 2, a class of 0 to 2, and no bit above the fourth', `0x${flags.toString(16)}`)
    }
    const acknowledgement = (flags & ACKNOWLEDGEMENT_FLAG) === 0 ? undefined : readAcknowledgement(reader)
    const items = this.#readItems(codec === 'none' ? reader : this.#decompress(reader, codec))
    if (items.length === 0 && acknowledgement === undefined) {
      throw reader.invalid('items', 'an item or an acknowledgement', 'neither')
    }
    return { class: trafficClass, codec, acknowledgement, items }
  }

  #decompress (reader: BodyReader, codec: CompressingCodec): BodyReader {
    const plainBytes = reader.number('plainBytes', 1)
    if (plainBytes > this.#maximumPlainBytes) {
      throw new TwinwireError('ERR_FRAME_TOO_LARGE', 'a batch exceeds the limit', {
        path: 'plainBytes', expected: `at most ${this.#maximumPlainBytes} bytes`, found: String(plainBytes)
      })
    }
    return new BodyReader(decompress(codec, reader.rest(), plainBytes))
  }

  #readItems (reader: BodyReader): Item[] {
    const items: Item[] = []
    while (!reader.ended) {
      if (items.length === MAXIMUM_ITEMS) {
        throw reader.invalid('items', `at most ${MAXIMUM_ITEMS}`, 'more')
      }
      reader.startItem(items.length)
      const item = readItem(reader, this.#from, this.#names)
      if ((item.kind === 'settings') !== this.#expectsSettings) {
        throw reader.invalid('kind', this.#expectsSettings ? 'settings first' : 'settings once', item.kind)
      }
      this.#expectsSettings = false
      items.push(item)
    }
    if (this.#expectsSettings) {
      throw reader.invalid('items', 'settings first', 'none')
    }
    return items
  }
}

function readAcknowledgement (reader: BodyReader): Acknowledgement {
  return { batch: reader.number('batch', 1), heldUs: reader.number('heldUs') }
}
