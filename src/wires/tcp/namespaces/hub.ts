import { ALL_HOSTS } from '../../addresses.ts'
import { Faults } from './faults.ts'
import { directionsOf, Layout } from './layout.ts'
import { Namespace, namespaceOf } from './namespace.ts'
import { propagationLines, queueLines } from './shaping.ts'
import type { Scenario } from '../../scenario.ts'

export interface HubInit {
  readonly scenario: Pick<Scenario, 'hosts' | 'paths' | 'faults'>
  /** Processes of the hosts, in the scenario's order, each with the network namespace that it says it is in. */
  readonly hosts: ReadonlyArray<{ readonly pid: number, readonly namespace: string }>
  /** Of the machine: nothing is ever to be changed there. */
  readonly outside: string
}

/**
 * Joins hosts in network namespaces as the paths of a scenario would. Whole connections go from kernel to kernel over
 * links that are devices of the hub's process, whose namespace (and all devices with it) ends when the process does.
 */
export class Hub {
  readonly #init: HubInit
  readonly #layout: Layout
  readonly #hub = new Namespace(process.pid)
  readonly #hosts: readonly Namespace[]
  /** From when the devices are there; undefined where nothing is to happen. */
  #faults: Faults | undefined
  #opened = false

  constructor (init: HubInit) {
    this.#init = init
    this.#layout = new Layout(init.scenario)
    this.#hosts = init.hosts.map(({ pid }) => new Namespace(pid))
  }

  /** @throws ERR_COMMAND_FAILED */
  async open (): Promise<void> {
    const pids = this.#init.hosts.map(({ pid }) => pid)
    await this.#checkNamespaces()
    this.#opened = true
    await Promise.all([this.#hub, ...this.#hosts].map(async namespace => await namespace.prepare()))
    await this.#hub.ip(this.#layout.hubLines(pids))
    await Promise.all(this.#hosts.map(async (namespace, host) => await namespace.ip(this.#layout.hostLines(host))))
    await this.#hub.tc(this.#init.scenario.paths.flatMap((description, path) => {
      return Object.values(directionsOf(path, description)).flatMap(({ direction, waitsAt, propagatesAt }) => {
        return [...queueLines(waitsAt, direction), ...propagationLines(propagatesAt, direction)]
      })
    }))
    if (this.#init.scenario.faults.length > 0) {
      this.#faults = new Faults({ scenario: this.#init.scenario, layout: this.#layout, hub: this.#hub, hosts: this.#hosts })
    }
  }

  /** Lets the faults happen. Never settles, but to reject with ERR_COMMAND_FAILED where one cannot be brought about. */
  async begin (zeroMs: number): Promise<never> {
    return await (this.#faults?.begin(zeroMs) ?? new Promise<never>(() => {}))
  }

  /** Resets all connections between hosts and takes all devices away. */
  async close (): Promise<void> {
    await this.#faults?.stop()
    // Otherwise nothing was made, and whose namespaces these are is not known.
    if (this.#opened) {
      // Of the scenario's addresses only: a process may be warming up over its loopback for the run after this one.
      await Promise.all(this.#hosts.map(async namespace => await namespace.reset('dst', ALL_HOSTS)))
      await this.#hub.ip(this.#layout.removalLines())
    }
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
