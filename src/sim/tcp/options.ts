import * as z from 'zod'
import { TwinwireError } from '../../core/errors.ts'
import { parseOptions } from '../../core/options.ts'
import { NS_PER_MS, NS_PER_S } from '../../core/units.ts'

const durationNs = z.int().positive()
const count = z.int().positive()
/** RFC 9293 3.8.6.3: an acknowledgement MUST be delayed by less than 0.5 s. */
const delayNs = z.int().positive().lt(500 * NS_PER_MS)

const tcpOptionsSchema = z.strictObject({
  /** Payload bytes of a full segment. 1448 leaves room for IPv4, TCP and timestamps (20 + 20 + 12 B) in 1500 B. */
  mssBytes: z.int().min(64).max(65_483).default(1448),
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
  /**
   * How CUBIC leaves slow start before the first loss. `classic`: the original HyStart, by trains of acknowledgements and by
   * delay (Linux). `plus-plus`: HyStart++ (RFC 9406), by delay alone and not for good at once; RFC 9438 4.10 says SHOULD.
   * `off`: not at all. Reno and BBR have none of it.
   */
  hystart: z.enum(['classic', 'plus-plus', 'off']).default('classic'),
  /**
   * Explicit congestion notification (RFC 3168). `on` asks for it in the SYN and agrees to it, `accept` only agrees
   * (Linux: tcp_ecn 2), `off` does neither (tcp_ecn 0). BBR version 1 takes no notice of marks, but its packets can be marked.
   */
  ecn: z.enum(['off', 'accept', 'on']).default('accept'),
  /**
   * How losses are found. `rack`: by time, so that lost copies are found, too (RFC 8985; Linux); needs SACK. `duplicates`:
   * three segments that arrived beyond a hole (RFC 6675), or without SACK three duplicates (RFC 6582).
   */
  lossDetection: z.enum(['rack', 'duplicates']).default('rack'),
  /** The last segment is sent again after 2 SRTT to find a lost tail (RFC 8985 7; Linux: tcp_early_retrans 3). Needs SACK. */
  tailLossProbe: z.boolean().default(true),
  /** A timeout is taken back that proves spurious (F-RTO, RFC 5682 3.1; Linux: tcp_frto 2). Needs SACK. */
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
  /**
   * Whether bursts leave at a rate, as Linux has it with the fq queue discipline or SO_MAX_PACING_RATE: twice the window a
   * round trip in slow start, 1.2 times after, the first ten segments at once. BBR paces itself, whatever this says.
   */
  pacing: z.boolean().default(false),
  /** RFC 6298 2.1: the timeout before any round trip was measured; of the first SYN, too. */
  initialRtoNs: durationNs.default(1 * NS_PER_S),
  /** 200 ms as in Linux; RFC 6298 2.4 has 1 s. */
  minimumRtoNs: durationNs.default(200 * NS_PER_MS),
  /**
   * What the minimum bounds. `variance`, as Linux does: RTO = SRTT + max(minimum, 4 RTTVAR). `total`, as RFC 6298 2.4
   * does: RTO = max(minimum, SRTT + 4 RTTVAR).
   */
  minimumRtoBounds: z.enum(['variance', 'total']).default('variance'),
  /** Back-off stops here. Linux: TCP_RTO_MAX; RFC 6298 2.5: at least 60 s. */
  maximumRtoNs: durationNs.default(120 * NS_PER_S),
  /** SYNs sent, the first included, before connecting fails with `timeout`. Linux: tcp_syn_retries 6, and the first. */
  maximumSyns: count.default(7),
  /** So many timeouts of a SYN do not double the next one. Linux: tcp_syn_linear_timeouts; RFC 6298 has none. */
  linearSynTimeouts: z.int().min(0).default(4),
  /** SYN-ACKs sent, the first included, before a half-open connection is forgotten. Linux: tcp_synack_retries 5, and the first. */
  maximumSynAcks: count.default(6),
  /** Retransmission timeouts, or unanswered window probes, in a row before the connection fails. Linux: tcp_retries2. */
  maximumTimeouts: count.default(15),
  /**
   * Timers count in ticks of this length, far ones in coarser steps, and are late by up to one step. Linux: 4 ms (HZ 250).
   * 0: to the nanosecond.
   */
  timerTickNs: z.int().min(0).default(4 * NS_PER_MS),
  /**
   * How long acknowledgements are held back. `adaptive`: as Linux does, by how segments follow one another, from
   * `delayedAckNs` up to `maximumDelayedAckNs`, at once again where they follow one another slowly, and by what the peer's
   * segments measure; a FIN is acknowledged with what answers it. `constant`: `delayedAckNs`, and every second full segment
   * and a FIN at once (RFC 5681 4.2, RFC 9293 3.8.6.3).
   */
  delayedAcks: z.enum(['adaptive', 'constant']).default('adaptive'),
  /** The longest that a constant delay, and the least that an adaptive one holds back. Linux: TCP_DELACK_MIN. */
  delayedAckNs: delayNs.default(40 * NS_PER_MS),
  /** The longest that an adaptive delay may become. Linux: TCP_DELACK_MAX, and at most a tick less than the minimum RTO. */
  maximumDelayedAckNs: delayNs.default(200 * NS_PER_MS),
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
  /** How far the send buffer may grow, in memory: what is written beyond it waits in the program. Linux: the limit of tcp_wmem. */
  sendBufferBytes: z.int().positive().default(4 * 1024 * 1024),
  /**
   * Whether an idle peer is asked for a sign of life (RFC 9293 3.8.4). Off by default, as the RFC says MUST. (js-libp2p's
   * @libp2p/tcp sets `keepAlive: true` and leaves `keepAliveInitialDelay` at Node's 0, which leaves the three times below as
   * the operating system has them.)
   */
  keepAlive: z.boolean().default(false),
  /** Nothing came from the peer for so long before the first keepalive probe. Linux: tcp_keepalive_time, 7200 s. */
  keepAliveIdleNs: durationNs.default(7200 * NS_PER_S),
  /** Between unanswered keepalive probes, and from the last to the end of the connection. Linux: tcp_keepalive_intvl, 75 s. */
  keepAliveIntervalNs: durationNs.default(75 * NS_PER_S),
  /** Unanswered keepalive probes after which the peer is taken for gone. Linux: tcp_keepalive_probes, 9. */
  keepAliveProbes: count.default(9),
  /** RFC 5681 4.1: after an idle time longer than the RTO the window starts small again. Linux: on. */
  slowStartAfterIdle: z.boolean().default(true)
})

/** How a host does TCP. The defaults are Linux's, where nothing else is said; docs/tcp.md has them side by side with the RFCs'. */
export type TcpOptions = z.infer<typeof tcpOptionsSchema>

/**
 * What differs between two ways of doing TCP. `linux`: nothing, the defaults are Linux's (6.18). `rfc`: what the standards
 * say and no more: Reno (RFC 5681) with SACK (RFC 6675) and PRR (RFC 9937), the timer of RFC 6298 to the nanosecond, no
 * bursts, a constant delay of acknowledgements and a constant receive window. With CUBIC, HyStart++ (RFC 9438 4.10).
 */
export const TCP_PRESETS = {
  linux: {},
  rfc: {
    congestion: 'reno',
    wholeSegments: false,
    lossReduces: 'flight',
    hystart: 'plus-plus',
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
    delayedAcks: 'constant',
    quickAcks: 0,
    acknowledgePushes: false,
    sackCompression: false,
    receiveAutotuning: false
  }
} as const satisfies Readonly<Record<string, Partial<TcpOptions>>>

/**
 * Fills in the defaults.
 *
 * @param root what the user calls the options
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; also for options that are possible alone and not together
 */
export function tcpOptions (options: Partial<TcpOptions> = {}, root = 'tcp'): Readonly<TcpOptions> {
  const parsed = parseOptions(tcpOptionsSchema, options, root)
  for (const { path, of, possible, expected } of COMBINATIONS) {
    if (!possible(parsed)) {
      const others = of.map(name => `${name} ${parsed[name]}`).join(', ')
      throw new TwinwireError('ERR_INVALID_OPTION', `does not go with ${others}`, {
        path: `${root}.${path}`, expected, found: String(parsed[path])
      })
    }
  }
  return parsed
}

interface Combination {
  /** The option to change, and those that it does not go with. */
  readonly path: keyof TcpOptions
  readonly of: ReadonlyArray<keyof TcpOptions>
  readonly possible: (options: Readonly<TcpOptions>) => boolean
  readonly expected: string
}

/** What would otherwise be ignored in silence, or never end. */
const COMBINATIONS: readonly Combination[] = [
  { path: 'lossDetection', of: ['sack'], possible: ({ sack, lossDetection }) => sack || lossDetection !== 'rack', expected: 'duplicates, for RACK needs SACK (RFC 8985 4)' },
  { path: 'tailLossProbe', of: ['sack'], possible: ({ sack, tailLossProbe }) => sack || !tailLossProbe, expected: 'false, for the probe needs SACK (RFC 8985 4)' },
  { path: 'forwardRtoRecovery', of: ['sack'], possible: ({ sack, forwardRtoRecovery }) => sack || !forwardRtoRecovery, expected: 'false, for here F-RTO is that with SACK (RFC 5682 3.1)' },
  { path: 'maximumDelayedAckNs', of: ['delayedAckNs'], possible: ({ delayedAckNs, maximumDelayedAckNs }) => maximumDelayedAckNs >= delayedAckNs, expected: 'at least delayedAckNs' },
  { path: 'minimumRtoNs', of: ['maximumRtoNs'], possible: ({ minimumRtoNs, maximumRtoNs }) => minimumRtoNs <= maximumRtoNs, expected: 'at most maximumRtoNs' },
  { path: 'initialRtoNs', of: ['maximumRtoNs'], possible: ({ initialRtoNs, maximumRtoNs }) => initialRtoNs <= maximumRtoNs, expected: 'at most maximumRtoNs' }
]

/** The initial window in bytes (RFC 6928 section 2). */
export function initialWindowBytes ({ mssBytes, initialWindowSegments }: Readonly<TcpOptions>): number {
  return Math.min(initialWindowSegments * mssBytes, Math.max(2 * mssBytes, initialWindowSegments * 1460))
}
