import type { RecordedEvent } from '../../core/recorder.ts'
import type { Scenario } from '../scenario.ts'
import type { RunParameters } from '../wire.ts'
import type { AddressTable } from './host-networks.ts'
import type { HubInit } from './namespaces/hub.ts'
import type { RelayInit, RelayedAddress } from './relay.ts'

// What the wire and its child processes say to each other. A process that is warm serves one run after another: `open` begins
// one, `close` ends it and leaves nothing of it behind.

export type HostCommand =
  /** Answered with the name of the network namespace that the process is in: `net:[4026532008]`. */
  | { readonly type: 'namespace' }
  /** Answered when the process is ready to measure; not before `namespace`, for until then it may have no loopback. */
  | { readonly type: 'warm-up', readonly rolesModule: string }
  /** Answered with an `OpenedHost` for each host. */
  | { readonly type: 'open', readonly run: HostsInit }
  | { readonly type: 'set-up', readonly peers: PeerTable }
  /** Answered when all roles have returned. */
  | { readonly type: 'start', readonly zeroMs: number }
  | { readonly type: 'close' }

export type RelayCommand =
  | { readonly type: 'open', readonly relay: RelayInit }
  /** Answered with the ports of each host's addresses. */
  | { readonly type: 'listen', readonly hosts: ReadonlyArray<readonly RelayedAddress[]> }
  | NetworkCommand

export type HubCommand =
  /** Answered when all hosts are joined. */
  | { readonly type: 'open', readonly hub: HubInit }
  | NetworkCommand

/** What every process that joins hosts understands. */
export type NetworkCommand =
  /** Rejected when the network fails. A relay answers at once, a hub when the run is over. */
  | { readonly type: 'start', readonly zeroMs: number }
  /** When all roles have returned. Answered with a hub's `PacketLateness`; rejected where the network was not what the scenario says. */
  | { readonly type: 'end' }
  | { readonly type: 'close' }

/** The hosts of one process. What they have in common is said once: a process may have many, of a scenario of a thousand. */
export interface HostsInit {
  readonly hosts: readonly HostInit[]
  readonly rolesModule: string
  readonly scenario: Scenario
  readonly seed: string
  readonly parameters: RunParameters
}

export interface HostInit {
  readonly name: string
  readonly role: string
  /** Multiaddrs. */
  readonly listen: readonly string[]
  /** The devices that all its packets pass, each one; absent where nobody sees packets. */
  readonly devices?: readonly string[]
}

/** Of the answer to `open`. */
export interface OpenedHost {
  readonly peerId: string
  /** Of the first address at which it listens; undefined where it listens nowhere. */
  readonly port: number | undefined
}

/** Who there is, as the hosts of one process see it. */
export interface PeerTable {
  /** By name: the peer ids of all hosts of the scenario. */
  readonly ids: ReadonlyMap<string, string>
  readonly addresses: AddressTable
}

export interface Request<Command> {
  readonly id: number
  readonly command: Command
}

/** From a child: the answer to a request, or events as they are recorded. */
export type ChildMessage =
  | { readonly type: 'answer', readonly id: number, readonly value: unknown }
  | { readonly type: 'failure', readonly id: number, readonly code: string, readonly message: string }
  | { readonly type: 'events', readonly events: readonly RecordedEvent[] }
