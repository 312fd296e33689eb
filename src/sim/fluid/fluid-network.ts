import { TwinwireError } from '../../core/errors.ts'
import type { RandomStream } from '../../core/random.ts'
import { NS_PER_S } from '../../core/units.ts'
import type { Kernel, Operation } from '../kernel.ts'
import type { LinkId, LinkOptions, NodeId } from '../link.ts'
import type { NodeOptions } from '../network.ts'
import { tcpOptions } from '../tcp/options.ts'
import type { TcpOptions } from '../tcp/options.ts'
import { checkBytes, checkLoads } from './conservation.ts'
import type { FluidCounters } from './conservation.ts'
import { checkMixture, FlowPaths } from './flow-paths.ts'
import { FluidFlow } from './fluid-flow.ts'
import type { FlowHandler } from './fluid-flow.ts'
import { FluidGraph } from './fluid-graph.ts'
import { drawHandshake } from './handshake.ts'
import { RateSharing } from './rate-sharing.ts'

export interface FluidOptions {
  /** Of all flows. Of these count: segment size, initial window, congestion, receive buffer, and the timers of connect. */
  readonly tcp?: Partial<TcpOptions>
  /**
   * Rates change no sooner after another change than this. Default 0: at every instant at which a flow begins, pauses or
   * ends. TCP itself needs a round trip, so that a small part of the shortest one costs little and bounds the work where
   * thousands of flows come and go.
   */
  readonly settleNs?: number
}

export interface FlowOptions extends FlowHandler {
  readonly from: NodeId
  readonly to: NodeId
  readonly bytes: number
  /** Default: the network's. */
  readonly congestion?: TcpOptions['congestion']
}

const NONE = -1

/**
 * A network of flows instead of packets. Rates are weighted max-min fair over links and each flow's own limits, and stay
 * as they are until a flow begins, pauses or ends, so that an event is due per change and none per packet. Built as
 * `PacketNetwork` is, over the same kernel and by the same topologies. docs/fluid.md says what it leaves out, and how far
 * from the packet level it is.
 */
export class FluidNetwork {
  readonly kernel: Kernel
  /** How often rates were found so far. */
  sharings = 0
  readonly #graph = new FluidGraph()
  readonly #sharing = new RateSharing(this.#graph.links)
  readonly #tcp: Readonly<TcpOptions>
  readonly #settleNs: number
  readonly #random: RandomStream
  readonly #paths: FlowPaths
  /** By number. Those that have ended or failed are forgotten. */
  readonly #flows = new Map<number, FluidFlow>()
  #sending: FluidFlow[] = []
  #started = 0
  #updatedNs = 0
  #milestone = NONE
  #settling = false
  #settledNs = -Infinity
  #offeredBytes = 0
  #servedBytes = 0
  #failedBytes = 0
  readonly #connected: Operation
  readonly #failed: Operation
  readonly #roundEnded: Operation
  readonly #arrived: Operation
  readonly #reached: Operation
  readonly #settle: Operation

  /**
   * Each flow forks its stream from `random` by its number.
   *
   * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
   */
  constructor (kernel: Kernel, random: RandomStream, { tcp = {}, settleNs = 0 }: FluidOptions = {}) {
    if (!Number.isSafeInteger(settleNs) || settleNs < 0) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'not a duration', { path: 'settleNs', expected: 'a whole number of nanoseconds, 0 or more', found: String(settleNs) })
    }
    this.kernel = kernel
    this.#random = random
    this.#tcp = tcpOptions(tcp)
    this.#paths = new FlowPaths(this.#graph, this.#tcp)
    this.#settleNs = settleNs
    this.#connected = kernel.define(number => this.#onConnected(this.#flow(number)), 'flow connected')
    this.#failed = kernel.define(number => this.#onFailed(number), 'flow failed')
    this.#roundEnded = kernel.define(number => this.#onRoundEnded(this.#flow(number)), 'round ended')
    this.#arrived = kernel.define(number => this.#onArrived(number), 'flow arrived')
    this.#reached = kernel.define(() => this.#reachTargets(), 'targets reached')
    this.#settle = kernel.define(() => this.#share(), 'rates shared')
  }

  addNode (options?: NodeOptions): NodeId {
    this.#paths.forget()
    return this.#graph.addNode(options)
  }

  /** @throws ERR_INVALID_OPTION, or ERR_UNSUPPORTED for what a link of flows cannot have */
  addLink (from: NodeId, to: NodeId, options: LinkOptions): LinkId {
    this.#paths.forget()
    return this.#graph.addLink(from, to, options)
  }

  /**
   * Connects, and sends when connected.
   *
   * @throws ERR_INVALID_OPTION for nodes without a way between them, or a size that is none; ERR_UNSUPPORTED where there
   * is no formula: BBR that loses 20% or more, or BBR together with controllers that answer to loss
   */
  startFlow ({ from, to, bytes, congestion = this.#tcp.congestion, ...handler }: FlowOptions): FluidFlow {
    if (!(bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'not a size', { path: 'bytes', expected: 'a number above 0', found: String(bytes) })
    }
    const path = this.#paths.between(from, to, congestion)
    checkMixture(congestion, this.#flows.values())
    const number = ++this.#started
    const random = this.#random.fork(`flow:${number}`)
    const flow = new FluidFlow({ number, congestion, path, bytes, segmentBytes: this.#tcp.mssBytes, handler }, random)
    this.#flows.set(number, flow)
    this.#offeredBytes += bytes
    this.#connect(flow, random)
    return flow
  }

  /** Flows that have neither ended nor failed. */
  get activeFlows (): number {
    return this.#flows.size
  }

  /** Of `flow`, by now: what the narrowest link has served, which arrives a little later. */
  servedBytes (flow: FluidFlow): number {
    this.#advance()
    return flow.servedBytes
  }

  /** What a packet of the flow waits on its way now: the mean in the queues that long transfers keep. */
  queueDelayNs (flow: FluidFlow): number {
    return this.#sharing.queueDelayNs(flow)
  }

  /** Links by id, and what flows take of each now. */
  get loads (): readonly number[] {
    const loads = this.#graph.links.map(() => 0)
    for (const { path, rateBitsPerSecond } of this.#sending) {
      path.forward.links.forEach(({ id }) => { loads[id] += rateBitsPerSecond })
    }
    return loads
  }

  get counters (): FluidCounters {
    this.#advance()
    let leftBytes = 0
    for (const { bytes, servedBytes } of this.#flows.values()) {
      leftBytes += bytes - servedBytes
    }
    return { offeredBytes: this.#offeredBytes, deliveredBytes: this.#servedBytes, leftBytes, failedBytes: this.#failedBytes }
  }

  /** @throws ERR_CONSERVATION where bytes have appeared or vanished, or a link carries more than it can */
  checkConservation (): void {
    checkBytes(this.counters)
    checkLoads(this.loads, this.#graph.links)
  }

  #connect (flow: FluidFlow, random: RandomStream): void {
    const { waitedNs, answered } = drawHandshake(flow.path.handshakeLoss, this.#tcp, random)
    const afterNs = answered ? Math.round(flow.path.handshakeNs + this.#sharing.queueDelayNs(flow)) + waitedNs : waitedNs
    this.kernel.schedule(this.kernel.nowNs + afterNs, answered ? this.#connected : this.#failed, flow.number)
  }

  #onConnected (flow: FluidFlow): void {
    flow.connectedNs = this.kernel.nowNs
    flow.handler.onConnected?.()
    this.#beginRound(flow)
  }

  #onFailed (number: number): void {
    const flow = this.#flow(number)
    flow.state = 'failed'
    this.#flows.delete(number)
    this.#failedBytes += flow.bytes
    flow.handler.onFailed?.()
  }

  #beginRound (flow: FluidFlow): void {
    this.#advance()
    const endNs = flow.beginRound(this.kernel.nowNs, this.#sharing.queueDelayNs(flow))
    flow.roundEvent = this.kernel.schedule(Math.round(endNs), this.#roundEnded, flow.number)
    this.#sending.push(flow)
    this.#change()
  }

  #onRoundEnded (flow: FluidFlow): void {
    if (flow.state === 'waiting') {
      this.#beginRound(flow)
    } else {
      this.#advance()
      if (flow.isRelaxing) {
        flow.relax()
        this.#awaitRelaxation(flow)
      } else {
        flow.endSlowStart()
        // The target is another one, and until links are shared anew the rate stays.
        flow.milestoneNs = this.#milestoneOf(flow)
      }
      this.#change()
    }
  }

  /** The window after a loss is found anew each round trip. */
  #awaitRelaxation (flow: FluidFlow): void {
    if (flow.isRelaxing) {
      flow.roundEvent = this.kernel.schedule(Math.round(this.kernel.nowNs + flow.path.rttNs + this.#sharing.queueDelayNs(flow)), this.#roundEnded, flow.number)
    }
  }

  #onArrived (number: number): void {
    const flow = this.#flow(number)
    flow.state = 'ended'
    this.#flows.delete(number)
    flow.handler.onEnd?.()
  }

  /** What has been served since it was last asked. */
  #advance (): void {
    const elapsedS = (this.kernel.nowNs - this.#updatedNs) / NS_PER_S
    if (elapsedS === 0) {
      return
    }
    this.#updatedNs = this.kernel.nowNs
    for (const flow of this.#sending) {
      const servedBytes = Math.min(flow.targetBytes, flow.servedBytes + flow.rateBitsPerSecond * flow.path.bytesPerBit * elapsedS)
      this.#servedBytes += servedBytes - flow.servedBytes
      flow.servedBytes = servedBytes
    }
  }

  #reachTargets (): void {
    this.#milestone = NONE
    this.#advance()
    const { nowNs } = this.kernel
    const sending: FluidFlow[] = []
    for (const flow of this.#sending) {
      if (flow.milestoneNs <= nowNs) {
        if (flow.rateBitsPerSecond === Infinity) {
          this.#servedBytes += flow.targetBytes - flow.servedBytes
        }
        flow.reachTarget(nowNs)
        if (flow.state !== 'waiting') {
          this.kernel.cancel(flow.roundEvent)
        }
        if (flow.state === 'arriving') {
          this.kernel.schedule(Math.round(flow.arrivalNs), this.#arrived, flow.number)
        }
        if (flow.state !== 'sending') {
          flow.rateBitsPerSecond = 0
          continue
        }
        this.#awaitRelaxation(flow)
        flow.milestoneNs = this.#milestoneOf(flow)
      }
      sending.push(flow)
    }
    this.#sending = sending
    this.#change()
    this.#awaitMilestone()
  }

  /** Rates are no longer right: shares anew when all else of this instant has happened. */
  #change (): void {
    if (!this.#settling) {
      this.#settling = true
      this.kernel.schedule(Math.max(this.kernel.nowNs, this.#settledNs + this.#settleNs), this.#settle, 0)
    }
  }

  #share (): void {
    this.#settling = false
    this.#settledNs = this.kernel.nowNs
    this.sharings++
    this.#advance()
    this.#sharing.share(this.#sending)
    for (const flow of this.#sending) {
      flow.milestoneNs = this.#milestoneOf(flow)
    }
    this.#awaitMilestone()
  }

  /** When the flow will have served its target, rounded up to the clock. */
  #milestoneOf ({ rateBitsPerSecond, path: { bytesPerBit }, targetBytes, servedBytes }: FluidFlow): number {
    const left = targetBytes - servedBytes
    return left === 0 ? this.kernel.nowNs : this.kernel.nowNs + Math.ceil(left / (rateBitsPerSecond * bytesPerBit) * NS_PER_S)
  }

  #awaitMilestone (): void {
    if (this.#milestone !== NONE) {
      this.kernel.cancel(this.#milestone)
      this.#milestone = NONE
    }
    let nextNs = Infinity
    for (const { milestoneNs } of this.#sending) {
      nextNs = Math.min(nextNs, milestoneNs)
    }
    if (nextNs <= Number.MAX_SAFE_INTEGER) {
      this.#milestone = this.kernel.schedule(nextNs, this.#reached, 0)
    }
  }

  #flow (number: number): FluidFlow {
    const flow = this.#flows.get(number)
    if (flow === undefined) {
      throw new Error(`an event for flow ${number}, which has ended`)
    }
    return flow
  }
}
