import { checkAllowed } from './allowed.ts'
import { checkRateOfConnections } from './loopback-allows.ts'
import { ChildPool } from './child-pool.ts'
import { RELAY_ALLOWS } from './relay-allows.ts'
import type { Scenario } from '../scenario.ts'
import type { RunRequest } from '../wire.ts'
import type { Child } from './child.ts'
import type { AddressTable, Call, HostNetwork, HostNetworks } from './host-networks.ts'
import type { HostCommand, OpenedHost, RelayCommand } from './messages.ts'
import type { RelayedAddress } from './relay.ts'

const ANY_PORT = ['/ip4/127.0.0.1/tcp/0']

/** Hosts on loopback, joined by a relay: one more process for each run. */
export class RelayNetworks implements HostNetworks {
  readonly hosts = new ChildPool<HostCommand>('host-process')
  readonly #relays = new ChildPool<RelayCommand>('relay-process')

  /** Every machine has loopback. */
  async checkMachine (): Promise<void> {}

  async check (scenario: Scenario): Promise<void> {
    checkAllowed(scenario, RELAY_ALLOWS)
    checkRateOfConnections(scenario)
  }

  acquire (request: RunRequest, call: Call): HostNetwork {
    return new RelayNetwork(this.#relays, request, call)
  }

  async stop (): Promise<void> {
    await Promise.all([this.hosts.stop(), this.#relays.stop()])
  }
}

class RelayNetwork implements HostNetwork {
  readonly label = 'the relay'
  readonly child: Child<RelayCommand>
  readonly #pool: ChildPool<RelayCommand>
  readonly #request: RunRequest
  readonly #call: Call

  constructor (pool: ChildPool<RelayCommand>, request: RunRequest, call: Call) {
    this.child = pool.acquire()
    this.#pool = pool
    this.#request = request
    this.#call = call
  }

  async prepare (hosts: ReadonlyArray<Child<HostCommand>>): Promise<ReadonlyArray<readonly string[]>> {
    const { scenario: { paths, faults }, seed } = this.#request
    await this.#call(this.child, { type: 'open', relay: { paths, faults, seed } })
    return hosts.map(() => ANY_PORT)
  }

  /** A port of the relay stands for each address of each host, as each other host sees it. */
  async addresses (opened: readonly OpenedHost[]): Promise<AddressTable> {
    const { hosts } = this.#request.scenario
    const seen = hosts.map(({ name: from }) => hosts.map(({ name: to, addresses }, index): RelayedAddress[] => {
      return from === to ? [] : addresses.map(({ state, reachableFrom }) => ({
        from, to, state: reachableFrom?.includes(from) === false ? 'black-hole' : state, targetPort: opened[index].port ?? 0
      }))
    }))
    const ports = await this.#call(this.child, { type: 'listen', addresses: seen.flat(2) }) as number[]
    const next = ports.values()
    return seen.map(row => row.map(addresses => addresses.map(() => `/ip4/127.0.0.1/tcp/${next.next().value}`)))
  }

  release (): void {
    this.#pool.release(this.child)
  }
}
