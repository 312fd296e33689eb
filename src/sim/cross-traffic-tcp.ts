import type { RandomStream } from '../core/random.ts'
import { NS_PER_S } from '../core/units.ts'
import { checkShape, paretoOf } from './cross-traffic.ts'
import type { EventId, Kernel, Operation } from './kernel.ts'
import type { NodeId, PacketNetwork } from './network.ts'
import { checkPositive } from './option-checks.ts'
import { TcpHost } from './tcp/host.ts'
import type { TcpOptions } from './tcp/options.ts'
import { IGNORING } from './tcp/socket-handler.ts'
import type { TcpSocket, TcpSocketHandler } from './tcp/socket.ts'

/** More than a flow can send in any time that is simulated, and still a whole number when it is added to. */
const ENDLESS_BYTES = 2 ** 50

export interface TcpTrafficOptions {
  readonly from: NodeId
  readonly to: NodeId
  /** TCP of the two nodes, where they have one already. Absent: each node gets a `TcpHost`. */
  readonly hosts?: { readonly from: TcpHost, readonly to: TcpHost }
  /** At `to`: what shares a host needs ports of its own. Default 1. */
  readonly port?: number
  /** How both ends do TCP, the congestion controller above all. Default: as Linux does. */
  readonly tcp?: Partial<TcpOptions>
}

export interface BulkTcpOptions extends TcpTrafficOptions {
  /** Connections that always have more to send. */
  readonly flows: number
  /** From the start of one flow to that of the next. Default 0, all at once. */
  readonly staggerNs?: number
}

export interface TcpTransfersOptions extends TcpTrafficOptions {
  /** Transfers begin as a Poisson process of this rate, each on a connection of its own, however many are under way. */
  readonly arrivalsPerSecond: number
  /** Of a transfer, in the mean. The load is `arrivalsPerSecond` times this, headers not counted. */
  readonly meanBytes: number
  /** Pareto-distributed sizes of this shape, above 1, as those of the Web's files are. Absent: all the same. */
  readonly shape?: number
}

/** Cross traffic that answers to what it meets. Sends from `start` to `stop`; both may be called again. */
abstract class TcpTraffic {
  /** Bytes that arrived in order. */
  deliveredBytes = 0
  protected readonly kernel: Kernel
  readonly #client: TcpHost
  readonly #to: NodeId
  readonly #port: number
  readonly #open = new Set<TcpSocket>()
  readonly #due: Operation
  #event: EventId | undefined

  constructor (network: PacketNetwork, { from, to, tcp = {}, hosts, port = 1 }: TcpTrafficOptions) {
    this.kernel = network.kernel
    this.#due = network.kernel.define(() => {
      this.#event = undefined
      this.onDue()
    }, 'cross traffic, flow')
    this.#client = hosts?.from ?? new TcpHost(network, from, tcp)
    this.#to = to
    this.#port = port
    const server = hosts?.to ?? new TcpHost(network, to, tcp)
    server.listen(port, socket => {
      socket.handler = { ...IGNORING, onData: bytes => { this.deliveredBytes += bytes }, onRemoteClose: () => socket.close() }
    })
  }

  /** Connections under way. */
  get openFlows (): number {
    return this.#open.size
  }

  abstract start (): void

  /** Starts no more, and resets what is under way. */
  stop (): void {
    if (this.#event !== undefined) {
      this.kernel.cancel(this.#event)
      this.#event = undefined
    }
    for (const socket of this.#open) {
      socket.abort()
    }
  }

  /** The time asked for with `waitUntil` has come. */
  protected abstract onDue (): void

  protected get waiting (): boolean {
    return this.#event !== undefined
  }

  protected waitUntil (atNs: number): void {
    this.#event = this.kernel.schedule(atNs, this.#due, 0)
  }

  protected open (bytes: number, onClosed: TcpSocketHandler['onClosed']): TcpSocket {
    const socket = this.#client.connect(this.#to, this.#port)
    this.#open.add(socket)
    socket.handler = {
      ...IGNORING,
      onClosed: reason => {
        this.#open.delete(socket)
        onClosed(reason)
      }
    }
    socket.write(bytes)
    return socket
  }
}

/** A number of flows that never end: the cross traffic of most congestion control studies. */
export class BulkTcpTraffic extends TcpTraffic {
  readonly #flows: number
  readonly #staggerNs: number
  #left = 0

  /** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
  constructor (network: PacketNetwork, options: BulkTcpOptions) {
    super(network, options)
    const { flows, staggerNs = 0 } = options
    checkPositive(flows, 'flows')
    this.#flows = flows
    this.#staggerNs = staggerNs
  }

  start (): void {
    if (!this.waiting && this.openFlows === 0) {
      this.#left = this.#flows
      this.onDue()
    }
  }

  protected override onDue (): void {
    this.open(ENDLESS_BYTES, () => {})
    this.#left--
    if (this.#left > 0) {
      this.waitUntil(this.kernel.nowNs + this.#staggerNs)
    }
  }
}

/** Transfers of finite size that come and go, as the requests of many users do. */
export class TcpTransfers extends TcpTraffic {
  started = 0
  /** All their bytes arrived, and both ends closed. */
  completed = 0
  readonly #random: RandomStream
  readonly #gapNs: number
  readonly #meanBytes: number
  readonly #shape: number | undefined
  /** Not rounded, so that rounding each instant to a nanosecond does not change the rate. */
  #nextNs = 0

  /** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
  constructor (network: PacketNetwork, options: TcpTransfersOptions, random: RandomStream) {
    super(network, options)
    checkPositive(options.arrivalsPerSecond, 'arrivalsPerSecond')
    checkPositive(options.meanBytes, 'meanBytes')
    checkShape(options.shape)
    this.#random = random
    this.#gapNs = NS_PER_S / options.arrivalsPerSecond
    this.#meanBytes = options.meanBytes
    this.#shape = options.shape
  }

  start (): void {
    if (!this.waiting) {
      this.#nextNs = this.kernel.nowNs
      this.#waitForNext()
    }
  }

  protected override onDue (): void {
    this.#transfer()
    this.#waitForNext()
  }

  #waitForNext (): void {
    this.#nextNs += this.#random.exponential(this.#gapNs)
    this.waitUntil(Math.floor(this.#nextNs))
  }

  #transfer (): void {
    this.started++
    const bytes = this.#shape === undefined ? this.#meanBytes : paretoOf(this.#random, this.#meanBytes, this.#shape)
    this.open(Math.max(1, Math.round(bytes)), reason => {
      this.completed += reason === 'closed' ? 1 : 0
    }).close()
  }
}
