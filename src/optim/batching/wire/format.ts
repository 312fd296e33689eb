import type { Codec, Item, RefusalCode } from './items.ts'

/** The byte format of docs/protocols.md. Whatever changes it changes this name. */
export const BATCH_PROTOCOL = '/twinwire/batch/1.0.0'

/**
 * The largest frame body before the responder's settings have come, and always of the responder: a payload of 64 KiB
 * fits into a frame of its own, whatever its protocol is called.
 */
export const INITIAL_FRAME_BYTES = 65_536 + 512

/** What a frame body has beside its items, at most: flags, and an acknowledgement of two of the longest varints. */
export const BATCH_HEADER_BYTES = 1 + 8 + 8

/** Of one batch. */
export const MAXIMUM_ITEMS = 4096

/** Of a protocol's name, in UTF-8. */
export const MAXIMUM_NAME_BYTES = 256

/** That a direction of a stream remembers. */
export const MAXIMUM_NAMES = 256

/** Of a refusal's text, in UTF-8. */
export const MAXIMUM_TEXT_BYTES = 256

/** Who opened the stream, or who answered. */
export type Side = 'initiator' | 'responder'

/** The first byte of an item. */
export const KINDS = {
  message: 0x01,
  request: 0x02,
  cancel: 0x03,
  reply: 0x11,
  refusal: 0x12,
  part: 0x13,
  settings: 0x20
} as const satisfies Readonly<Record<Item['kind'], number>>

/** Bits 0 and 1 of the flags. */
export const CODECS: readonly Codec[] = ['none', 'snappy', 'deflate']

/** From 1. */
export const REFUSAL_CODES: readonly RefusalCode[] = ['unsupported-protocol', 'failed', 'overloaded', 'too-large']

/** Bits 2 and 3 of the flags are the class: its place among TRAFFIC_CLASSES. */
export const CLASS_SHIFT = 2

export const ACKNOWLEDGEMENT_FLAG = 0x10

/** All that the flags may have. */
export const KNOWN_FLAGS = 0x1f
