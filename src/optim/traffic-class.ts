import { show, TwinwireError } from '../core/errors.ts'

/** How soon bytes are wanted. Classes never share a batch, and share the way out by weight. */
export type TrafficClass = 'urgent' | 'normal' | 'bulk'

/** All of them, the most pressing first. */
export const TRAFFIC_CLASSES: readonly TrafficClass[] = ['urgent', 'normal', 'bulk']

/** @throws ERR_INVALID_OPTION for what is no class */
export function checkClass (value: TrafficClass, path: string): TrafficClass {
  if (!TRAFFIC_CLASSES.includes(value)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no such class', { path, expected: `one of ${TRAFFIC_CLASSES.join(', ')}`, found: show(value) })
  }
  return value
}

/** What a class is chosen by where the caller names none. */
export interface ClassQuestion {
  readonly protocol: string
  readonly bytes: number
}

/** Names the class of what is to be sent. Must be pure. */
export type ClassPolicy = (question: ClassQuestion) => TrafficClass

/** From here on a payload is taken for bulk: it would occupy 10 Mbit/s for a fifth of a second. */
const BULK_BYTES = 256 * 1024

/** The default: large payloads are bulk, all else is normal; urgent is for the caller to say. */
export const classBySize: ClassPolicy = ({ bytes }) => bytes >= BULK_BYTES ? 'bulk' : 'normal'
