import { NS_PER_MS } from '../../core/units.ts'
import type { Link } from '../link.ts'
import type { PacketNetwork } from '../network.ts'
import type { SenderPhase } from '../tcp/loss-recovery.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { ByteSink } from './byte-sink.ts'
import type { NetworkObserver } from './observer.ts'
import { Probe } from './probe.ts'
import type { ProbeSample } from './probe.ts'
import { TextWriter } from './text-writer.ts'

/** By the names of the kernel's measurements, so far as the model has them. */
const COLUMNS = [
  't_ms', 'flow', 'cwnd_pkts', 'ssthresh_pkts', 'srtt_us', 'rttvar_us', 'min_rtt_us', 'unacked', 'sacked', 'lost', 'retrans_out', 'total_retrans',
  'ca_state', 'bytes_acked', 'pacing_rate_Bps', 'queue_bytes', 'rto_us', 'total_rto', 'snd_wnd', 'notsent'
] as const

/** Linux's TCP_INFINITE_SSTHRESH, in the place of infinity. */
const NO_THRESHOLD = 0x7fff_ffff
const DISORDER = 1

/** Linux's tcp_ca_state. */
const CA_STATES: Readonly<Record<SenderPhase, number>> = { open: 0, recovery: 3, loss: 4 }

export interface ProbeTableOptions {
  /** Time between samples. Default 10 ms, as often as the kernel's sockets were looked at. */
  readonly intervalNs?: number
  /** The link whose queue stands beside a socket's samples. */
  readonly linkOf: (socket: TcpSocket) => Link | undefined
}

/**
 * Samples every connection at the end that began it, from when it is established until it is closed, as CSV. `t_ms` counts
 * from there, `flow` is the connection's number less one. Empty cells: the model has no such value.
 */
export class ProbeTable implements NetworkObserver {
  readonly #network: PacketNetwork
  readonly #options: ProbeTableOptions
  readonly #writer: TextWriter
  /** Of the connections that are being sampled; undefined before they are established. */
  readonly #probes = new Map<TcpSocket, Probe | undefined>()

  constructor (network: PacketNetwork, sink: ByteSink, options: ProbeTableOptions) {
    this.#network = network
    this.#options = options
    this.#writer = new TextWriter(sink)
    this.#writer.write(`${COLUMNS.join(',')}\n`)
  }

  onSocket (socket: TcpSocket): void {
    if (socket.role === 'initiator') {
      this.#probes.set(socket, undefined)
    }
  }

  onSocketChange (socket: TcpSocket): void {
    if (socket.state !== 'syn-sent' && this.#probes.has(socket) && this.#probes.get(socket) === undefined) {
      this.#probes.set(socket, this.#begin(socket))
    }
  }

  onSocketClosed (socket: TcpSocket): void {
    this.#probes.get(socket)?.stop()
    this.#probes.delete(socket)
  }

  /** Stops looking, and hands what is left to the sink. */
  finish (): void {
    this.#probes.forEach(probe => probe?.stop())
    this.#writer.flush()
  }

  #begin (socket: TcpSocket): Probe {
    const { intervalNs = 10 * NS_PER_MS, linkOf } = this.#options
    const { nowNs } = this.#network.kernel
    const link = linkOf(socket)
    const probe = new Probe(this.#network, {
      socket,
      intervalNs,
      ...(link === undefined ? {} : { link }),
      onSample: sample => {
        this.#writer.write(`${cells(sample, nowNs, socket, link !== undefined).join(',')}\n`)
      }
    })
    probe.start()
    return probe
  }
}

function cells (sample: ProbeSample, zeroNs: number, { connection, options: { mssBytes } }: TcpSocket, hasLink: boolean): Array<string | number> {
  const packets = (bytes: number): number => Math.ceil(bytes / mssBytes)
  return [
    ((sample.timeNs - zeroNs) / NS_PER_MS).toFixed(2),
    connection - 1,
    Math.floor(sample.cwndBytes / mssBytes),
    sample.ssthreshBytes === Infinity ? NO_THRESHOLD : Math.floor(sample.ssthreshBytes / mssBytes),
    microseconds(sample.srttNs),
    microseconds(sample.rttvarNs),
    microseconds(sample.minRttNs),
    sample.outstandingSegments,
    packets(sample.sackedBytes),
    packets(sample.lostBytes),
    packets(sample.retransmittedBytes),
    sample.retransmittedSegments,
    sample.phase === 'open' && sample.sackedBytes > 0 ? DISORDER : CA_STATES[sample.phase],
    sample.acknowledgedBytes,
    sample.pacingBytesPerSecond === Infinity ? '' : Math.round(sample.pacingBytesPerSecond),
    hasLink ? sample.queueBytes : '',
    microseconds(sample.rtoNs),
    sample.timeouts,
    sample.peerWindowBytes,
    sample.unsentBytes
  ]
}

function microseconds (ns: number): number | string {
  return ns < 0 || ns === Infinity ? '' : Math.round(ns / 1e3)
}
