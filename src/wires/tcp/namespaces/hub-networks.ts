import { checkAllowed } from '../allowed.ts'
import { ChildPool } from '../child-pool.ts'
import { namespacesAllow } from './allows.ts'
import { checkLinks } from './check-links.ts'
import { multiaddrOf } from '../../addresses.ts'
import { addressesOf, CABLE, listenersOf } from './layout.ts'
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
    checkLinks(scenario)
  }

  acquire (request: RunRequest, call: Call): HostNetwork {
    return new HubNetwork(this.#hubs, request, call)
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
  readonly #request: RunRequest
  readonly #call: Call

  constructor (pool: ChildPool<HubCommand>, request: RunRequest, call: Call) {
    this.child = pool.acquire()
    this.#pool = pool
    this.#request = request
    this.#call = call
  }

  async prepare (processes: ReadonlyArray<Child<HostCommand>>): Promise<ReadonlyArray<readonly string[]>> {
    const { scenario, seed } = this.#request
    const entered = await Promise.all(processes.map(async child => {
      const namespace = await this.#call(child, { type: 'namespace' }) as string
      // Only a process that runs has answered.
      return { pid: child.pid ?? 0, namespace }
    }))
    await this.#call(this.child, { type: 'open', hub: { scenario, seed, hosts: entered, outside: await namespaceOf('self') } })
    return scenario.hosts.map((host, index) => listenersOf(index, host))
  }

  get devices (): ReadonlyArray<readonly string[]> {
    return this.#request.scenario.hosts.map(() => [CABLE])
  }

  /** The same to all: dead ones are dead because of where they lead. */
  async addresses (): Promise<AddressTable> {
    const { hosts } = this.#request.scenario
    return { ofAll: new Map(hosts.map((host, index) => [host.name, addressesOf(index, host).map(multiaddrOf)])), seenBy: new Map() }
  }

  release (): void {
    this.#pool.release(this.child)
  }
}
