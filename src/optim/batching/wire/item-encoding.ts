import { varintBytes, writeVarint } from '../../frames.ts'
import { INITIAL_FRAME_BYTES, KINDS, MAXIMUM_TEXT_BYTES, REFUSAL_CODES } from './format.ts'
import type { Item } from './items.ts'
import type { SentNames } from './sent-names.ts'

/**
 * How long the item would be as the next of its batch.
 *
 * @throws ERR_BATCH_INVALID where its protocol has no name for the wire
 */
export function itemBytes (item: Item, names: SentNames): number {
  switch (item.kind) {
    case 'message':
      return 1 + numberBytes(item.id) + names.bytesOf(item.protocol) + blockBytes(item.payload.length)
    case 'request':
      return 1 + numberBytes(item.id) + numberBytes(item.attempt, 1) + names.bytesOf(item.protocol) + blockBytes(item.payload.length)
    case 'cancel':
      return 1 + numberBytes(item.id) + numberBytes(item.attempt, 1)
    case 'part':
    case 'reply':
      return 1 + numberBytes(item.id) + numberBytes(item.attempt, 1) + blockBytes(item.payload.length)
    case 'refusal':
      return 1 + numberBytes(item.id) + numberBytes(item.attempt) + 1 + blockBytes(encodeText(item.text).length)
    default:
      return 1 + numberBytes(item.maximumFrameBytes, INITIAL_FRAME_BYTES) + numberBytes(item.maximumRequests, 1)
  }
}

/** Answers the position behind the item, which has room for it. */
export function writeItem (target: Uint8Array, position: number, item: Item, names: SentNames): number {
  target[position++] = KINDS[item.kind]
  if (item.kind === 'settings') {
    position = writeVarint(target, position, item.maximumFrameBytes)
    return writeVarint(target, position, item.maximumRequests)
  }
  position = writeVarint(target, position, item.id)
  if (item.kind !== 'message') {
    position = writeVarint(target, position, item.attempt)
  }
  switch (item.kind) {
    case 'cancel':
      return position
    case 'message':
    case 'request':
      position = names.write(target, position, item.protocol)
      return writeBlock(target, position, item.payload)
    case 'part':
    case 'reply':
      return writeBlock(target, position, item.payload)
    default:
      target[position++] = REFUSAL_CODES.indexOf(item.code) + 1
      return writeBlock(target, position, encodeText(item.text))
  }
}

/** With a check, since a number that is not whole would put other bytes on the wire than were counted. */
export function numberBytes (value: number, minimum = 0): number {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new Error(`a batch has whole numbers from ${minimum} to 2^53 - 1 here, and not ${value}`)
  }
  return varintBytes(value)
}

function blockBytes (length: number): number {
  return varintBytes(length) + length
}

function writeBlock (target: Uint8Array, position: number, block: Uint8Array): number {
  position = writeVarint(target, position, block.length)
  target.set(block, position)
  return position + block.length
}

const encoder = new TextEncoder()
const text = new Uint8Array(MAXIMUM_TEXT_BYTES)

/** As many whole characters as fit; good until the next call. */
function encodeText (whole: string): Uint8Array {
  return text.subarray(0, encoder.encodeInto(whole, text).written)
}
