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
  /** The congestion controller: `cubic` (RFC 9438, Linux's default), `reno` (RFC 5681) or `bbr` (version 1, which paces). */
  congestion: z.enum(['reno', 'cubic', 'bbr']).default('cubic'),
  /**
   * Whether windows and CUBIC's targets are whole segments, as Linux's integers are: CUBIC then reaches the window of the
   * last loss up to cbrt(1/C) = 1.36 s early, and stays there: 8% more on average at a window of 200. The RFCs count bytes.
   */
  wholeSegments: z.boolean().default(true),
  /**
   * Of what a loss leaves half, or CUBIC's share. `window`: of the congestion window (Linux). `flight`: of what is
   * outstanding, where that is less (RFC 5681 (4)).
   */
  lossReduces: z.enum(['window', 'flight']).default('window'),
  /** Whether CUBIC leaves slow start before the first loss, by the original HyStart. Linux: on. */
  hystart: z.boolean().default(true),
  /**
   * How losses are found with SACK. `rack`: by time, so that lost copies are found, too (RFC 8985; Linux). `duplicates`:
   * three segments that arrived beyond a hole (RFC 6675).
   */
  lossDetection: z.enum(['rack', 'duplicates']).default('rack'),
  /** With SACK, the last segment is sent again after 2 SRTT to find a lost tail (RFC 8985 7; Linux: tcp_early_retrans 3). */
  tailLossProbe: z.boolean().default(true),
  /** With SACK, a timeout is taken back that proves spurious (F-RTO, RFC 5682; Linux: tcp_frto 2). */
  forwardRtoRecovery: z.boolean().default(true),
  /**
   * Reductions are taken back where duplicates (DSACK, RFC 2883 and 3708) or echoed timestamps (Eifel, RFC 3522) say that
   * nothing was lost. Linux: on.
   */
  undo: z.boolean().default(true),
  /**
   * How many segments leave together. `autosized`: about 1 ms of the rate and at least 2, waiting for acknowledgements that
   * let so many go (Linux's TSO autosizing and deferral). `single`: each as soon as it may (Linux with gso_max_segs 1).
   */
  bursts: z.enum(['autosized', 'single']).default('autosized'),
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
  /** SYNs sent, the first included, before connecting fails with `timeout`. Linux: tcp_syn_retries 6, and the first. */
  maximumSyns: count.default(7),
  /** So many timeouts of a SYN do not double the next one. Linux: tcp_syn_linear_timeouts; RFC 6298 has none. */
  linearSynTimeouts: z.int().min(0).default(4),
  /** SYN-ACKs sent, the first included, before a half-open connection is forgotten. */
  maximumSynAcks: count.default(6),
  /** Retransmission timeouts, or unanswered window probes, in a row before the connection fails. Linux: tcp_retries2. */
  maximumTimeouts: count.default(15),
  /**
   * Timers count in ticks of this length, far ones in coarser steps, and are late by up to one step. Linux: 4 ms (HZ 250).
   * 0: to the nanosecond.
   */
  timerTickNs: z.int().min(0).default(4 * NS_PER_MS),
  /** The longest that an acknowledgement is held back. Linux: TCP_DELACK_MIN. */
  delayedAckNs: durationNs.default(40 * NS_PER_MS),
  /** Acknowledgements sent at once at the start of a connection. Linux: TCP_MAX_QUICKACKS. */
  quickAcks: z.int().min(0).default(16),
  /** What bears PSH, the end of a write or burst, is acknowledged at once if the application has read all and sends nothing. */
  acknowledgePushes: z.boolean().default(true),
  /**
   * With SACK, while a hole is open: after three acknowledgements one answers for all that arrives within 1 ms, or 5% of the
   * round trip (Linux: tcp_comp_sack_delay_ns). Off, each segment is acknowledged at once, as RFC 5681 4.2 has it.
   */
  sackCompression: z.boolean().default(true),
  /** What is received and not read, at most: bounds the window. Linux: the limit of tcp_rmem. */
  receiveBufferBytes: z.int().positive().default(6 * 1024 * 1024),
  /** The window offered at first, before autotuning lets it grow. Linux: 64 KiB, less what it rounds off. */
  initialReceiveWindowBytes: z.int().positive().default(65_160),
  /** The window follows what is read in a round trip, up to the buffer (Linux: tcp_moderate_rcvbuf). Off: the whole buffer. */
  receiveAutotuning: z.boolean().default(true),
  /** `onDrain` is called when the bytes that wait to be sent for the first time fall to this or less. */
  lowWaterBytes: z.int().min(0).default(65_536),
  /** RFC 5681 4.1: after an idle time longer than the RTO the window starts small again. Linux: on. */
  slowStartAfterIdle: z.boolean().default(true)
})

/** How a host does TCP. The defaults are Linux's, where nothing else is said. */
export type TcpOptions = z.infer<typeof tcpOptionsSchema>

/**
 * What differs between two ways of doing TCP. `linux`: nothing, the defaults are Linux's (6.18). `rfc`: what the standards
 * say and no more: Reno (RFC 5681) with SACK (RFC 6675) and PRR (RFC 6937), the timer of RFC 6298 to the nanosecond, no
 * bursts, and a constant receive window.
 */
export const TCP_PRESETS = {
  linux: {},
  rfc: {
    congestion: 'reno',
    wholeSegments: false,
    lossReduces: 'flight',
    hystart: false,
    lossDetection: 'duplicates',
    tailLossProbe: false,
    forwardRtoRecovery: false,
    undo: false,
    bursts: 'single',
    minimumRtoNs: 1 * NS_PER_S,
    minimumRtoBounds: 'total',
    maximumRtoNs: 60 * NS_PER_S,
    maximumSyns: 6,
    linearSynTimeouts: 0,
    timerTickNs: 0,
    quickAcks: 0,
    acknowledgePushes: false,
    sackCompression: false,
    receiveAutotuning: false
  }
} as const satisfies Readonly<Record<string, Partial<TcpOptions>>>

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
