import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import { DEFAULT_DEADLINE_MS } from './deadline.ts'
import { checkRequest } from './timeouts/request.ts'
import { checkClass } from './traffic-class.ts'
import type { AbortOptions, PeerId } from './port.ts'
import type { ClassPolicy, TrafficClass } from './traffic-class.ts'

export interface SendOptions extends AbortOptions {
  /** How soon it is wanted. Default: what the option `classify` says. */
  readonly class?: TrafficClass
  /** A secret: it is never compressed, for its length would tell of it. Default false. */
  readonly sensitive?: boolean
  /** What may be compressed together: data of one origin, such as one user's. Default: the protocol. */
  readonly compressionContext?: string
  /** Queueing, connecting and all attempts together. Default 30 s. */
  readonly deadlineMs?: number
  /** True where the far side may get it twice without harm. Only such is sent again after it may have arrived. Default false. */
  readonly idempotent?: boolean
}

export interface RequestOptions extends SendOptions {
  /**
   * Payload bytes that the reply is expected to have: an attempt is given the time that they take, and above 64 KiB a
   * stream of its own. Default 0.
   */
  readonly expectedReplyBytes?: number
  /** How long the far side is known to work on such a request, in milliseconds: an attempt is given that time. Default 0. */
  readonly serverTimeMs?: number
}

/** What is to be asked of a peer, or told it. */
export interface Errand {
  /** The same for all attempts at it, and unique among what is batched. */
  readonly id: number
  readonly peer: PeerId
  readonly protocol: string
  readonly payload: Uint8Array
  readonly class: TrafficClass
  /** Payload bytes that the reply is expected to have. */
  readonly expectedReplyBytes: number
  /** How long the far side is known to work on it. */
  readonly serverTimeMs: number
  /** Never compressed, so that its size tells nothing of its content. */
  readonly sensitive: boolean
  /** What may be compressed together. */
  readonly compressionContext: string
  readonly deadlineMs: number
  readonly idempotent: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Checks what an application asks for, and fills in the defaults.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, or ERR_FRAME_TOO_LARGE for a payload above `maximumFrameBytes`
 */
export function errandOf (id: number, peer: PeerId, protocol: string, payload: Uint8Array, options: RequestOptions, classify: ClassPolicy, maximumFrameBytes: number): Errand {
  check('peer', peer, typeof peer === 'object' && peer !== null && 'equals' in peer, 'a PeerId')
  check('protocol', protocol, typeof protocol === 'string' && protocol !== '', 'a protocol, such as /my/protocol/1.0.0')
  check('payload', payload, payload instanceof Uint8Array, 'a Uint8Array')
  checkKeys(options)
  const {
    class: given, sensitive = false, compressionContext = protocol, deadlineMs = DEFAULT_DEADLINE_MS, idempotent = false, expectedReplyBytes = 0, serverTimeMs = 0, signal
  } = options
  const bytes = payload.byteLength
  checkRequest({ deadlineMs, bytes, expectedReplyBytes, serverTimeMs })
  check('expectedReplyBytes', expectedReplyBytes, expectedReplyBytes <= maximumFrameBytes, `at most maximumFrameBytes (${maximumFrameBytes})`)
  if (bytes > maximumFrameBytes) {
    throw new TwinwireError('ERR_FRAME_TOO_LARGE', 'the payload exceeds the limit', { expected: `at most ${maximumFrameBytes} bytes`, found: String(bytes) })
  }
  const trafficClass = given === undefined ? checkClass(classify({ protocol, bytes }), 'classify') : checkClass(given, 'class')
  return { id, peer, protocol, payload, class: trafficClass, expectedReplyBytes, serverTimeMs, sensitive, compressionContext, deadlineMs, idempotent, signal }
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof RequestOptions>([
  'class', 'sensitive', 'compressionContext', 'deadlineMs', 'idempotent', 'expectedReplyBytes', 'serverTimeMs', 'signal'
])

function checkKeys (options: object): void {
  for (const key in options) {
    if (!KNOWN_OPTIONS.has(key)) {
      throw new TwinwireError('ERR_UNKNOWN_OPTION', 'no such option', { path: key, expected: nearestName(key, [...KNOWN_OPTIONS]) ?? `one of ${[...KNOWN_OPTIONS].join(', ')}`, found: show(key) })
    }
  }
}

function check (path: string, value: unknown, right: boolean, expected: string): void {
  if (!right) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the request is not valid', { path, expected, found: show(value) })
  }
}
