import { YAMUX_HEADER_BYTES } from './wire-format.ts'

/** A frame of yamux. */
export interface Frame {
  readonly type: 'data' | 'window-update' | 'ping' | 'go-away'
  readonly streamId: number
  readonly flags: number
  /** Data length, window delta, ping's id or reason. */
  readonly value: number
  readonly data: Uint8Array
}

const NO_DATA = new Uint8Array(0)

export function frameOf (type: Frame['type'], streamId: number, flags: number, value: number, data: Uint8Array = NO_DATA): Frame {
  return { type, streamId, flags, value, data }
}

/** What it takes before Noise. */
export function frameBytes ({ data }: Frame): number {
  return YAMUX_HEADER_BYTES + data.byteLength
}
