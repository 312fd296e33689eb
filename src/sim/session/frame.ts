import { ByteQueue } from './byte-queue.ts'

/** A frame of yamux. */
export interface Frame {
  readonly type: 'data' | 'window-update' | 'ping' | 'go-away'
  readonly streamId: number
  readonly flags: number
  /** Data length, window delta, ping's id or reason. */
  readonly value: number
  /** In the pieces in which it was written. */
  readonly data: ByteQueue
}

const NO_DATA = new ByteQueue()

export function frameOf (type: Frame['type'], streamId: number, flags: number, value: number, data: ByteQueue = NO_DATA): Frame {
  return { type, streamId, flags, value, data }
}
