import type { Scenario } from '../scenario.ts'
import type { RunRequest } from '../wire.ts'
import type { Child } from './child.ts'
import type { ChildPool } from './child-pool.ts'
import type { HostCommand, NetworkCommand, OpenedHost } from './messages.ts'

/**
 * How the tcp wire joins real peers. `relay`: over loopback, through a process that passes their bytes on. `namespaces`:
 * each in a Linux network namespace of its own, whose packets cross the simulator's links in real time.
 */
export type TcpNetwork = 'relay' | 'namespaces'

/** One way of joining hosts: the processes that it needs, kept between runs. */
export interface HostNetworks {
  /** What hosts run in. */
  readonly hosts: ChildPool<HostCommand>
  /** @throws ERR_UNSUPPORTED where this machine has no such network */
  checkMachine(): Promise<void>
  /** @throws ERR_UNSUPPORTED also for a scenario that it cannot bring about */
  check(scenario: Scenario): Promise<void>
  /** For one run, which makes all its calls through `call`. */
  acquire(request: RunRequest, call: Call): HostNetwork
  /** Ends every process. */
  stop(): Promise<void>
}

/** Calls a process, unless the run is over by then: it may be another run's. */
export type Call = <Command>(child: Child<Command>, command: Command) => Promise<unknown>

/** What joins the hosts of one run. Hosts are given and named in the scenario's order. */
export interface HostNetwork {
  /** For messages: `the relay`. */
  readonly label: string
  readonly child: Child<NetworkCommand>
  /** Before there are nodes; hosts that share a process are given the same. Answers the multiaddrs at which each host's is to listen. */
  prepare(hosts: ReadonlyArray<Child<HostCommand>>): Promise<ReadonlyArray<readonly string[]>>
  /** The devices that all packets of each host pass; absent where nobody sees packets. */
  readonly devices?: ReadonlyArray<readonly string[]>
  /** When the nodes listen. */
  addresses(opened: readonly OpenedHost[]): Promise<AddressTable>
  /** Returns the process, which may be dead. */
  release(): void
}

/** Where hosts are reached: multiaddrs without peer ids, by the names of hosts. */
export interface AddressTable {
  /** By the host that is dialled: what they are told of it who are told nothing else. */
  readonly ofAll: ReadonlyMap<string, readonly string[]>
  /** By the host that dials, then by the host that is dialled. */
  readonly seenBy: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>
}
