import { checkAllowed } from '../allowed.ts'
import { ChildPool } from '../child-pool.ts'
import { namespacesAllow } from './allows.ts'
import { multiaddrOf } from '../../addresses.ts'
import { addressesOf, Layout, listenersOf } from './layout.ts'
import { inspectMachine } from './machine.ts'
import { namespaceOf, WITHIN_NAMESPACE } from './namespace.ts'
import type { Scenario } from '../../scenario.ts'
import type { RunRequest } from '../../wire.ts'
import type { Child } from '../child.ts'
import type { AddressTable, Call, HostNetwork, HostNetworks } from '../host-networks.ts'
import type { HostCommand, HubCommand } from '../messages.ts'
import type { Kernel } from './machine.ts'

/**
 * Hosts in network namespaces, joined by a hub: one more process for each run. A namespace is its process's and is kept
 * with it; addresses and devices are made for each run.
 */
export class HubNetworks implements HostNetworks {
  readonly hosts = new ChildPool<HostCommand>('host-process', WITHIN_NAMESPACE)
  readonly #hubs = new ChildPool<HubCommand>('namespaces/hub-process', WITHIN_NAMESPACE)
  #kernel: Promise<Kernel> | undefined

  async checkMachine (): Promise<void> {
    await this.#inspect()
  }

  async check (scenario: Scenario): Promise<void> {
    checkAllowed(scenario, namespacesAllow(await this.#inspect()))
  }

  acquire ({ scenario }: RunRequest, call: Call): HostNetwork {
    return new HubNetwork(this.#hubs, scenario, call)
  }

  async stop (): Promise<void> {
    await Promise.all([this.hosts.stop(), this.#hubs.stop()])
  }

  async #inspect (): Promise<Kernel> {
    this.#kernel ??= inspectMachine()
    return await this.#kernel
  }
}

class HubNetwork implements HostNetwork {
  readonly label = 'the hub'
  readonly child: Child<HubCommand>
  readonly #pool: ChildPool<HubCommand>
  readonly #scenario: Scenario
  readonly #call: Call

  constructor (pool: ChildPool<HubCommand>, scenario: Scenario, call: Call) {
    this.child = pool.acquire()
    this.#pool = pool
    this.#scenario = scenario
    this.#call = call
  }

  async prepare (processes: ReadonlyArray<Child<HostCommand>>): Promise<ReadonlyArray<readonly string[]>> {
    const { hosts, paths, faults } = this.#scenario
    const entered = await Promise.all(processes.map(async child => {
      const namespace = await this.#call(child, { type: 'namespace' }) as string
      // Only a process that runs has answered.
      return { pid: child.pid ?? 0, namespace }
    }))
    await this.#call(this.child, { type: 'open', hub: { scenario: { hosts, paths, faults }, hosts: entered, outside: await namespaceOf('self') } })
    return hosts.map((host, index) => listenersOf(index, host))
  }

  get devices (): ReadonlyArray<readonly string[]> {
    const layout = new Layout(this.#scenario)
    return this.#scenario.hosts.map((_, host) => layout.hostDevices(host))
  }

  /** The same to all: dead ones are dead because of where they lead. */
  async addresses (): Promise<AddressTable> {
    const { hosts } = this.#scenario
    return { ofAll: new Map(hosts.map((host, index) => [host.name, addressesOf(index, host).map(multiaddrOf)])), seenBy: new Map() }
  }

  release (): void {
    this.#pool.release(this.child)
  }
}
