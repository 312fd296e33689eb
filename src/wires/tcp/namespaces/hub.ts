import { ALL_HOSTS, subnetOf } from '../../addresses.ts'
import { Layout, tunnelOf } from './layout.ts'
import { LiveNetwork } from './live-network.ts'
import { checkNoneLost } from './lost-packets.ts'
import { Namespace, namespaceOf } from './namespace.ts'
import { Tunnel } from './tunnel.ts'
import type { Scenario } from '../../scenario.ts'
import type { PacketLateness } from '../../wire.ts'

export interface HubInit {
  readonly scenario: Scenario
  readonly seed: string
  /** Processes of the hosts, in the scenario's order, each with the network namespace that it says it is in. */
  readonly hosts: ReadonlyArray<{ readonly pid: number, readonly namespace: string }>
  /** Of the machine: nothing is ever to be changed there. */
  readonly outside: string
}

/**
 * Joins hosts in network namespaces as a scenario says: their kernels' packets come to this process through a tunnel each,
 * cross the simulator's links in real time, and leave through another. Namespaces end with their processes, and all devices
 * with them.
 */
export class Hub {
  readonly #init: HubInit
  readonly #layout: Layout
  readonly #hub = new Namespace(process.pid)
  readonly #hosts: readonly Namespace[]
  readonly #network: LiveNetwork
  readonly #tunnels: readonly Tunnel[]
  readonly #resets = new Set<Promise<void>>()
  readonly #failed = Promise.withResolvers<never>()
  #opened = false

  constructor (init: HubInit) {
    this.#init = init
    this.#layout = new Layout(init.scenario)
    this.#hosts = init.hosts.map(({ pid }) => new Namespace(pid))
    this.#network = new LiveNetwork(init)
    this.#tunnels = init.hosts.map(() => new Tunnel(this.#failed.reject))
    this.#failed.promise.catch(() => {})
  }

  /** @throws ERR_COMMAND_FAILED */
  async open (): Promise<void> {
    const pids = this.#init.hosts.map(({ pid }) => pid)
    await this.#checkNamespaces()
    this.#opened = true
    await Promise.all([this.#hub, ...this.#hosts].map(async namespace => await namespace.prepare()))
    await this.#hub.ip(this.#layout.hubLines(pids))
    await Promise.all(this.#hosts.map(async (namespace, host) => {
      await namespace.ip(this.#layout.hostLines(host))
      await namespace.tc(this.#layout.cardLines())
      await this.#tunnels[host].open(tunnelOf(host))
    }))
    await this.#network.open(this.#tunnels)
  }

  /** Lets the faults happen. Never settles, but to reject with ERR_COMMAND_FAILED where connections could not be reset. */
  async begin (zeroMs: number): Promise<never> {
    this.#network.begin(zeroMs, (from, to) => this.#reset(from, to))
    return await Promise.race([this.#failed.promise, this.#network.failed])
  }

  /** When all roles have returned: how late packets were. @throws ERR_PACKETS_LOST where packets were lost that no scenario loses */
  end (): PacketLateness | undefined {
    checkNoneLost()
    return this.#network.lateness
  }

  /** Lets nothing more happen, resets all connections between hosts and takes all devices away. */
  async close (): Promise<void> {
    await this.#network.stop()
    await Promise.all(this.#resets)
    // Otherwise nothing was made, and whose namespaces these are is not known.
    if (this.#opened) {
      // Of the scenario's addresses only: a process may be warming up over its loopback for the run after this one.
      await Promise.all(this.#hosts.map(async namespace => await namespace.reset('dst', ALL_HOSTS)))
      await Promise.all(this.#hosts.map(async namespace => await namespace.ip(this.#layout.hostRemovalLines())))
      await this.#hub.ip(this.#layout.hubRemovalLines())
    }
    await Promise.all(this.#tunnels.map(async tunnel => await tunnel.close()))
  }

  /** At one end: the other learns of it by the reset that this sends. At both, the later one would hit what has been dialled since. */
  #reset (from: number, to: number): void {
    const done = this.#hosts[to].reset('dst', subnetOf(from))
      .then(() => {}, this.#failed.reject).finally(() => this.#resets.delete(done))
    this.#resets.add(done)
  }

  /** A process that has not yet entered its namespace is in the machine's, and what is meant for it would be done there. */
  async #checkNamespaces (): Promise<void> {
    const { hosts, outside } = this.#init
    const found = await Promise.all([namespaceOf('self'), ...hosts.map(async ({ pid }) => await namespaceOf(pid))])
    if (new Set([outside, ...found]).size !== hosts.length + 2 || hosts.some(({ namespace }, index) => namespace !== found[index + 1])) {
      throw new Error(`namespaces are not those of a hub and its hosts: ${[outside, ...found].join(', ')}`)
    }
  }
}
