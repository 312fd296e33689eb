import * as z from 'zod'
import { parseOptions } from '../../core/options.ts'
import { NS_PER_MS, NS_PER_S } from '../../core/units.ts'

const durationNs = z.int().positive()
const count = z.int().positive()

const tcpOptionsSchema = z.strictObject({
  /** Payload bytes of a full segment. 1448 leaves room for IPv4, TCP and timestamps (20 + 20 + 12 B) in 1500 B. */
  mssBytes: z.int().min(64).default(1448),
  /** RFC 6928: the window may start at min(n MSS, max(2 MSS, 1460 n)) bytes, n = 10. */
  initialWindowSegments: count.default(10),
  /** Selective acknowledgements (RFC 2018). The handshake does not negotiate it: set it alike at both ends. */
  sack: z.boolean().default(true),
  /** RFC 6298 2.1: the timeout before any round trip was measured; of the first SYN, too. */
  initialRtoNs: durationNs.default(1 * NS_PER_S),
  /** 200 ms as in Linux; RFC 6298 2.4 has 1 s. */
  minimumRtoNs: durationNs.default(200 * NS_PER_MS),
  /**
   * What the minimum bounds. `variance`, as Linux does: RTO = SRTT + max(minimum, 4 RTTVAR). `total`, as RFC 6298 2.4
   * does: RTO = max(minimum, SRTT + 4 RTTVAR).
   */
  minimumRtoBounds: z.enum(['variance', 'total']).default('variance'),
  /** Linux's TCP_RTO_MAX. Back-off stops here. */
  maximumRtoNs: durationNs.default(120 * NS_PER_S),
  /** SYNs sent, the first included, before connecting fails with `timeout`. */
  maximumSyns: count.default(6),
  /** SYN-ACKs sent, the first included, before a half-open connection is forgotten. */
  maximumSynAcks: count.default(6),
  /** Retransmission timeouts, or unanswered window probes, in a row before the connection fails. Linux: tcp_retries2. */
  maximumTimeouts: count.default(15),
  /** The longest that an acknowledgement is held back. Linux: TCP_DELACK_MIN. */
  delayedAckNs: durationNs.default(40 * NS_PER_MS),
  /** Acknowledgements sent at once at the start of a connection. Linux: TCP_MAX_QUICKACKS. */
  quickAcks: z.int().min(0).default(16),
  /** What is received and not read, at most: bounds the window. Linux: the limit of tcp_rmem; not autotuned here. */
  receiveBufferBytes: z.int().positive().default(6 * 1024 * 1024),
  /** `onDrain` is called when the bytes that wait to be sent for the first time fall to this or less. */
  lowWaterBytes: z.int().min(0).default(65_536),
  /** RFC 5681 4.1: after an idle time longer than the RTO the window starts small again. Linux: on. */
  slowStartAfterIdle: z.boolean().default(true)
})

/** How a host does TCP. The defaults are Linux's, where nothing else is said. */
export type TcpOptions = z.infer<typeof tcpOptionsSchema>

/**
 * Fills in the defaults.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function tcpOptions (options: Partial<TcpOptions> = {}): Readonly<TcpOptions> {
  return parseOptions(tcpOptionsSchema, options, 'tcp')
}

/** The initial window in bytes (RFC 6928 section 2). */
export function initialWindowBytes ({ mssBytes, initialWindowSegments }: Readonly<TcpOptions>): number {
  return Math.min(initialWindowSegments * mssBytes, Math.max(2 * mssBytes, initialWindowSegments * 1460))
}
