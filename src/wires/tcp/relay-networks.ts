import { checkAllowed } from './allowed.ts'
import { checkRateOfConnections } from './loopback-allows.ts'
import { ChildPool } from './child-pool.ts'
import { checkOpenFiles } from './open-files.ts'
import { RELAY_ALLOWS } from './relay-allows.ts'
import { checkFreezes } from './shared-processes.ts'
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
    checkFreezes(scenario)
    await checkOpenFiles(scenario)
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

  /**
   * A port of the relay stands for each address of each host, as each host sees it that a path joins to it; and one, a
   * black hole, as all others see it.
   */
  async addresses (opened: readonly OpenedHost[]): Promise<AddressTable> {
    const { hosts, paths } = this.#request.scenario
    const byName = new Map(hosts.map((host, index) => [host.name, { host, targetPort: opened[index].port ?? 0 }]))
    const seen: Array<{ readonly from?: string, readonly to: string, readonly addresses: RelayedAddress[] }> = []
    for (const [from, to] of paths.flatMap(({ from, to }) => [[from, to], [to, from]])) {
      const { host: { addresses }, targetPort } = byName.get(to)!
      seen.push({
        from,
        to,
        addresses: addresses.map(({ state, reachableFrom }) => ({ from, to, state: reachableFrom?.includes(from) === false ? 'black-hole' : state, targetPort }))
      })
    }
    for (const { name: to, addresses } of hosts) {
      seen.push({ to, addresses: addresses.map(() => ({ from: to, to, state: 'black-hole', targetPort: 0 })) })
    }
    const ports = await this.#call(this.child, { type: 'listen', hosts: seen.map(({ addresses }) => addresses) }) as number[][]
    const ofAll = new Map<string, readonly string[]>()
    const seenBy = new Map<string, Map<string, readonly string[]>>(hosts.map(({ name }) => [name, new Map()]))
    for (const [index, { from, to }] of seen.entries()) {
      const multiaddrs = ports[index].map(port => `/ip4/127.0.0.1/tcp/${port}`)
      const told = from === undefined ? ofAll : seenBy.get(from)!
      told.set(to, multiaddrs)
    }
    return { ofAll, seenBy }
  }

  release (): void {
    this.#pool.release(this.child)
  }
}
