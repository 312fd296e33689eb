import { TwinwireError } from '../../../core/errors.ts'
import { randomStream } from '../../../core/random.ts'
import { msToNs, nsToMs } from '../../../core/units.ts'
import { scheduleFaults } from '../../../sim/fault-schedule.ts'
import type { FaultSchedule, ScheduledFault } from '../../../sim/fault-schedule.ts'
import { Kernel } from '../../../sim/kernel.ts'
import { PacketNetwork } from '../../../sim/network.ts'
import type { NodeId } from '../../../sim/network.ts'
import { Packets } from '../../../sim/packets.ts'
import type { PacketId } from '../../../sim/packets.ts'
import { ScenarioLinks } from '../../scenario-links.ts'
import { NO_CONNECTION, SimTraffic } from '../../sim-traffic.ts'
import type { Scenario } from '../../scenario.ts'
import type { PacketLateness } from '../../wire.ts'
import { DeadlineTimers } from '../deadline-timers.ts'
import { monotonicNowMs } from '../monotonic.ts'
import { ConnectionNumbers } from './connection-numbers.ts'
import { Lateness } from './lateness.ts'
import { destinationOf, giveOtherSender, ipBytesOf, isTcp, sourceHostOf } from './tunnelled-packet.ts'

/** A host's end of the network: what it sends comes as datagrams, and what is sent arrives there. */
export interface PacketEnd {
  /** Called with each datagram, which is the callee's. Undefined: it is dropped. */
  onPacket: ((datagram: Uint8Array) => void) | undefined
  send(datagram: Uint8Array): void
}

/**
 * Events are dispatched up to so much before their time, about what it takes this process to be told of a packet and to hand it
 * over: so what follows close upon another costs no timer of its own, and a packet is at its host about when its link says.
 */
export const AHEAD_MS = 0.2
const AHEAD_NS = msToNs(AHEAD_MS)
/** A packet now and then is worth waiting for; many leave no processor for the hosts. */
const PRECISION = { spinMs: 0.5, spinShare: 0.1 }

export interface LiveNetworkInit {
  readonly scenario: Scenario
  /** As of a run in virtual time: what is drawn of a topology is the same. */
  readonly seed: string
}

/** How to reset what connects two hosts, by their indexes. */
type Reset = (from: number, to: number) => void

/**
 * The links of a scenario, as the simulator has them, in real time and for real packets: each that a host sends enters them
 * when it has come, and is handed to its host when virtual time, which follows the monotonic clock, is where its link says.
 * So queues, rates, delays, losses and faults of links are those of a simulation, and only TCP and what is above it is real.
 *
 * A packet is late by what this process takes to be told of it, to be woken for it and to send it, less `AHEAD_MS`.
 */
export class LiveNetwork {
  readonly #scenario: Scenario
  readonly #kernel = new Kernel()
  readonly #network: PacketNetwork
  readonly #links: ScenarioLinks
  /** By the hosts' indexes. */
  readonly #nodes: readonly NodeId[]
  readonly #connections: ConnectionNumbers
  /** The content of packets that are inside, by their ids. */
  readonly #contents: Uint8Array[] = []
  readonly #traffic: SimTraffic
  readonly #timers: DeadlineTimers
  readonly #failed = Promise.withResolvers<never>()
  readonly #originMs = monotonicNowMs()
  readonly #lateness = new Lateness()
  /** The event that the timers wait for. */
  #armedNs = Infinity
  #ends: readonly PacketEnd[] = []
  #faults: FaultSchedule | undefined

  /** @throws ERR_INVALID_OPTION for a fault on a link that the topology has not */
  constructor ({ scenario, seed }: LiveNetworkInit) {
    this.#scenario = scenario
    const random = randomStream(seed).fork('network')
    const network = new PacketNetwork(this.#kernel, new Packets(), random)
    this.#network = network
    this.#links = new ScenarioLinks(network, scenario, random)
    this.#nodes = scenario.hosts.map(({ name }) => this.#links.nodeOf(name, 'scenario.hosts'))
    this.#traffic = new SimTraffic(network, scenario.crossTraffic, random.fork('cross-traffic'), { node: name => this.#links.nodeOf(name, 'scenario.crossTraffic'), tcp: new Map() })
    this.#connections = new ConnectionNumbers(() => network.openConnection())
    this.#nodes.forEach((node, host) => network.setReceiver(node, { receive: packet => this.#deliver(host, packet) }))
    network.observers.add({ onDuplicate: (original, copy) => { this.#contents[copy] = this.#contents[original] } })
    this.#failed.promise.catch(() => {})
    // It has a thread: not before all that may throw.
    this.#timers = new DeadlineTimers(PRECISION)
  }

  /** Resolves when packets can come. Ends are the hosts', in their order, and stay their owner's. */
  async open (ends: readonly PacketEnd[]): Promise<void> {
    await this.#timers.started()
    this.#ends = ends
    ends.forEach((end, host) => { end.onPacket = datagram => this.#guard(() => this.#send(host, datagram)) })
  }

  /**
   * Makes `zeroMs` of the monotonic clock the run's time zero, from which the scenario's faults and cross traffic count. What was
   * to begin by now begins now.
   */
  begin (zeroMs: number, reset: Reset): void {
    this.#advance()
    const { nowNs } = this.#kernel
    const zeroNs = Math.max(0, msToNs(zeroMs - this.#originMs))
    const indexes = new Map(this.#scenario.hosts.map(({ name }, index) => [name, index]))
    this.#traffic.begin(Math.max(nowNs, zeroNs))
    this.#faults = scheduleFaults(this.#network, this.#scenario.faults.flatMap((fault, index): ScheduledFault[] => {
      switch (fault.kind) {
        case 'freeze':
          // Its host's own affair.
          return []
        case 'reset':
          return [{ atNs: zeroNs + msToNs(fault.atMs), begin: () => { reset(indexes.get(fault.from) ?? 0, indexes.get(fault.to) ?? 0); return undefined } }]
        default:
          return this.#links.scheduled(fault, index, zeroNs)
      }
    }).map(entry => ({ ...entry, atNs: Math.max(nowNs, entry.atNs) })))
    this.#advance()
  }

  /** Of all packets that have left so far. */
  get lateness (): PacketLateness | undefined {
    return this.#lateness.summary
  }

  /** Never resolves; rejects with what the network could not do. */
  get failed (): Promise<never> {
    return this.#failed.promise
  }

  /** Nothing begins any more, and what is inside is forgotten. */
  async stop (): Promise<void> {
    this.#traffic.stop()
    this.#faults?.stop()
    this.#ends.forEach(end => { end.onPacket = undefined })
    await this.#timers.stop()
  }

  /** For the timers. */
  due (): void {
    this.#armedNs = Infinity
    this.#guard(() => this.#advance())
  }

  #send (host: number, datagram: Uint8Array): void {
    if (!isTcp(datagram)) {
      return
    }
    this.#advance()
    const { packets } = this.#network
    const packet = packets.allocate()
    packets.size[packet] = ipBytesOf(datagram)
    packets.source[packet] = this.#nodes[host]
    packets.destination[packet] = this.#destination(host, datagram)
    packets.connection[packet] = this.#connections.of(datagram)
    this.#contents[packet] = datagram
    this.#network.send(packet)
    this.#advance()
  }

  #deliver (host: number, packet: PacketId): void {
    const { packets } = this.#network
    const isTraffic = packets.connection[packet] === NO_CONNECTION
    packets.release(packet)
    if (!isTraffic) {
      this.#lateness.add(monotonicNowMs() - this.#originMs - nsToMs(this.#kernel.nowNs))
      const content = this.#contents[packet]
      giveOtherSender(content)
      this.#ends[host].send(content)
    }
  }

  #destination (from: number, datagram: Uint8Array): NodeId {
    const { host, position } = destinationOf(datagram)
    const description = this.#scenario.hosts[host]
    if (sourceHostOf(datagram) !== from || description === undefined) {
      return this.#links.nowhere
    }
    const address = description.addresses[position]
    const isHidden = address !== undefined && (address.state === 'black-hole' || address.reachableFrom?.includes(this.#scenario.hosts[from].name) === false)
    return isHidden ? this.#links.nowhere : this.#nodes[host]
  }

  /** Lets virtual time come to where real time is. */
  #advance (): void {
    const kernel = this.#kernel
    const nowNs = msToNs(monotonicNowMs() - this.#originMs)
    let { dueNs } = kernel
    for (; dueNs <= nowNs + AHEAD_NS; dueNs = kernel.dueNs) {
      kernel.run(dueNs)
    }
    kernel.run(Math.max(kernel.nowNs, nowNs))
    if (dueNs < this.#armedNs) {
      this.#armedNs = dueNs
      this.#timers.scheduleAlone(this.#originMs + nsToMs(dueNs) - AHEAD_MS, this)
    }
  }

  #guard (act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#failed.reject(error instanceof Error ? error : new TwinwireError('ERR_INVALID_STATE', String(error)))
    }
  }
}
