import { TwinwireError } from '../core/errors.ts'
import { msToNs } from '../core/units.ts'
import type { LatencyMatrix } from './matrix.ts'
import type { LinkId, LinkOptions, NodeId, PacketNetwork } from './network.ts'

/** A network that is being built, of packets or of flows. */
export type NetworkBuilder = Pick<PacketNetwork, 'addNode' | 'addLink'>

/** Both directions of a link. */
export interface DuplexOptions {
  readonly forward: LinkOptions
  /** Absent: like `forward`. */
  readonly backward?: LinkOptions
}

export interface DuplexLink {
  readonly forward: LinkId
  readonly backward: LinkId
}

/** Joins two nodes in both directions; `forward` is from `a` to `b`. */
export function connect (network: NetworkBuilder, a: NodeId, b: NodeId, { forward, backward = forward }: DuplexOptions): DuplexLink {
  return { forward: network.addLink(a, b, forward), backward: network.addLink(b, a, backward) }
}

export interface DumbbellOptions {
  readonly pairs: number
  /** Each sender's link, from the sender to its router, and each receiver's, from its router to the receiver. */
  readonly access: DuplexOptions
  /** From the senders' router to the receivers'. */
  readonly bottleneck: DuplexOptions
}

export interface Dumbbell {
  /** The n-th sender is meant to talk to the n-th receiver. */
  readonly senders: readonly NodeId[]
  readonly receivers: readonly NodeId[]
  readonly bottleneck: DuplexLink
}

/**
 * Pairs of hosts that share one link in the middle.
 *
 * @throws ERR_INVALID_OPTION
 */
export function dumbbell (network: NetworkBuilder, { pairs, access, bottleneck }: DumbbellOptions): Dumbbell {
  checkCount(pairs, 'pairs')
  const left = network.addNode()
  const right = network.addNode()
  const middle = connect(network, left, right, bottleneck)
  const senders: NodeId[] = []
  const receivers: NodeId[] = []
  for (let i = 0; i < pairs; i++) {
    senders.push(network.addNode({ forwards: false }))
    receivers.push(network.addNode({ forwards: false }))
    connect(network, senders[i], left, access)
    connect(network, right, receivers[i], access)
  }
  return { senders, receivers, bottleneck: middle }
}

export interface StarOptions {
  readonly leaves: number
  /** Each leaf's link, from the leaf to the hub. */
  readonly access: DuplexOptions
}

export interface Star {
  readonly hub: NodeId
  readonly leaves: readonly NodeId[]
}

/**
 * Hosts around a router.
 *
 * @throws ERR_INVALID_OPTION
 */
export function star (network: NetworkBuilder, { leaves: count, access }: StarOptions): Star {
  checkCount(count, 'leaves')
  const hub = network.addNode()
  const leaves: NodeId[] = []
  for (let i = 0; i < count; i++) {
    const leaf = network.addNode({ forwards: false })
    connect(network, leaf, hub, access)
    leaves.push(leaf)
  }
  return { hub, leaves }
}

export interface ParkingLotOptions {
  /** Links in the row. */
  readonly hops: number
  readonly access: DuplexOptions
  /** Each link of the row; `forward` in the long flow's direction. */
  readonly hop: DuplexOptions
}

export interface ParkingLot {
  /** Of the flow over all links. */
  readonly source: NodeId
  readonly sink: NodeId
  /** The n-th flow enters before the n-th link and leaves behind it. */
  readonly crossSources: readonly NodeId[]
  readonly crossSinks: readonly NodeId[]
  readonly hops: readonly DuplexLink[]
}

/**
 * Links in a row, each shared by one long flow and a short flow of its own.
 *
 * @throws ERR_INVALID_OPTION
 */
export function parkingLot (network: NetworkBuilder, { hops: count, access, hop }: ParkingLotOptions): ParkingLot {
  checkCount(count, 'hops')
  const routers = Array.from({ length: count + 1 }, () => network.addNode())
  const hops = routers.slice(1).map((router, index) => connect(network, routers[index], router, hop))
  const sender = (router: NodeId): NodeId => {
    const node = network.addNode({ forwards: false })
    connect(network, node, router, access)
    return node
  }
  const receiver = (router: NodeId): NodeId => {
    const node = network.addNode({ forwards: false })
    connect(network, router, node, access)
    return node
  }
  return {
    source: sender(routers[0]),
    sink: receiver(routers[count]),
    crossSources: routers.slice(0, count).map(sender),
    crossSinks: routers.slice(1).map(receiver),
    hops
  }
}

/**
 * A host for each row of a latency matrix, in its order. Every packet takes the direct way, also where a detour over a
 * third host would be faster: measured latencies break the triangle inequality, and hosts do not forward.
 *
 * With `access`, all that a host sends passes one link of its own (`forward`), and all that it receives another
 * (`backward`), whoever is at the other end; their delay comes on top of the matrix's.
 */
export function latencyMesh (network: NetworkBuilder, { oneWayMs }: LatencyMatrix, access?: DuplexOptions): readonly NodeId[] {
  const hosts = oneWayMs.map(() => network.addNode({ forwards: false }))
  // Exits lead to entrances, and entrances to their host only, so that no packet can take a detour.
  const exits = access === undefined ? hosts : hosts.map(host => exitOf(network, host, access.forward))
  const entrances = access === undefined ? hosts : hosts.map(host => entranceOf(network, host, access.backward ?? access.forward))
  oneWayMs.forEach((row, from) => {
    row.forEach((delayMs, to) => {
      if (from !== to) {
        network.addLink(exits[from], entrances[to], { delayNs: msToNs(delayMs) })
      }
    })
  })
  return hosts
}

function exitOf (network: NetworkBuilder, host: NodeId, options: LinkOptions): NodeId {
  const router = network.addNode()
  network.addLink(host, router, options)
  return router
}

function entranceOf (network: NetworkBuilder, host: NodeId, options: LinkOptions): NodeId {
  const router = network.addNode()
  network.addLink(router, host, options)
  return router
}

function checkCount (count: number, path: string): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a count', { path, expected: 'a whole number, 1 or more', found: String(count) })
  }
}
