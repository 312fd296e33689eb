import type { TrafficClass } from '../../traffic-class.ts'

/** How a batch's items are compressed. */
export type Codec = 'none' | 'snappy' | 'deflate'

/** Why the far side did not take an item, on the wire as a number (docs/protocols.md). */
export type RefusalCode = 'unsupported-protocol' | 'failed' | 'overloaded' | 'too-large'

/**
 * What one batch carries, in order. `id` is the sender's and unique on its stream; a retry keeps it, and counts its
 * `attempt` from 1.
 */
export type Item =
  | { readonly kind: 'message', readonly id: number, readonly protocol: string, readonly payload: Uint8Array }
  | { readonly kind: 'request', readonly id: number, readonly attempt: number, readonly protocol: string, readonly payload: Uint8Array }
  | { readonly kind: 'cancel', readonly id: number, readonly attempt: number }
  /** The next bytes of a reply, of which more follow: in further parts, and in the reply itself. */
  | { readonly kind: 'part', readonly id: number, readonly attempt: number, readonly payload: Uint8Array }
  | { readonly kind: 'reply', readonly id: number, readonly attempt: number, readonly payload: Uint8Array }
  /** Of a message, `attempt` is 0. */
  | { readonly kind: 'refusal', readonly id: number, readonly attempt: number, readonly code: RefusalCode, readonly text: string }
  | { readonly kind: 'settings', readonly maximumFrameBytes: number, readonly maximumRequests: number }

/** All batches of the other direction up to this one (they count from 1) were taken in. */
export interface Acknowledgement {
  readonly batch: number
  /** Between having the last of them whole and sending this, in microseconds. */
  readonly heldUs: number
}

/** One frame of a stream of `/twinwire/batch/1.0.0`. */
export interface Batch {
  readonly class: TrafficClass
  readonly codec: Codec
  readonly acknowledgement: Acknowledgement | undefined
  readonly items: readonly Item[]
}
