import { ALL_HOSTS, ipOf, multiaddrOf } from '../../addresses.ts'
import { pairKey } from '../../scenario-references.ts'
import { hostTcpOptions } from '../../scenario.ts'
import type { HostDescription, PathDescription, Scenario } from '../../scenario.ts'

/**
 * What devices, addresses and routes make a scenario's hosts and paths, as lines for `ip -batch`. All of a run stands in a
 * namespace of its own, the hub, or has its other end there. Path k is two cables to the hosts and one between, which is
 * where it is slow, held together by two bridges:
 *
 *   from: p<k> -- lh<k> [left<k>] lm<k> -- rm<k> [right<k>] rh<k> -- p<k> :to
 *
 * What goes forward waits at lm<k> and propagates at rh<k>, what comes back at rm<k> and lh<k>. It is the hub that has
 * them, because a host's own queue would tell its TCP to wait (small queues), which no router does.
 *
 * A host's addresses are those that the simulator gives it, on the device `nowhere`: a cable to the hub that ends there,
 * and the way to all that no path leads to.
 */
export class Layout {
  readonly #hosts: readonly HostDescription[]
  readonly #paths: ReadonlyArray<{ readonly from: number, readonly to: number }>
  /** The index of a pair's path. */
  readonly #joins: ReadonlyMap<string, number>

  constructor ({ hosts, paths }: Pick<Scenario, 'hosts' | 'paths'>) {
    const indexes = new Map(hosts.map(({ name }, index) => [name, index]))
    this.#hosts = hosts
    this.#paths = paths.map(({ from, to }) => ({ from: indexes.get(from) ?? 0, to: indexes.get(to) ?? 0 }))
    this.#joins = new Map(paths.map(({ from, to }, index) => [pairKey(from, to), index]))
  }

  /** What is made in the hub, given the hosts' processes. */
  hubLines (pids: readonly number[]): string[] {
    return [
      ...pids.flatMap((pid, host) => [`link add x${host} type veth peer name nowhere netns ${pid}`, `link set x${host} up`]),
      ...this.#paths.flatMap(({ from, to }, path) => {
        const { left, right, leftHost, rightHost, leftMiddle, rightMiddle } = devicesOf(path)
        return [
          // A bridge that looks into multicast reports its memberships (IGMP) to the hosts, whose packets are counted.
          ...[left, right].flatMap(bridge => [`link add ${bridge} type bridge mcast_snooping 0`, `link set ${bridge} up`]),
          `link add ${leftHost} type veth peer name p${path} netns ${pids[from]} address ${cardOf(path, from < to)}`,
          `link add ${rightHost} type veth peer name p${path} netns ${pids[to]} address ${cardOf(path, to < from)}`,
          `link add ${leftMiddle} type veth peer name ${rightMiddle}`,
          ...[leftHost, leftMiddle].map(device => `link set ${device} master ${left} up`),
          ...[rightHost, rightMiddle].map(device => `link set ${device} master ${right} up`)
        ]
      })
    ]
  }

  /** What is then made in the namespace of a host. */
  hostLines (host: number): string[] {
    return [
      'link set lo up',
      'link set nowhere arp off up',
      ...[...addressesOf(host, this.#hosts[host]), sourceOf(host, this.#hosts[host])].filter(isFirst).map(address => `addr add ${address}/32 dev nowhere`),
      `route add ${ALL_HOSTS} dev nowhere ${this.#manner(host)}`,
      ...this.#peersOf(host).flatMap(({ peer, path }) => [
        // A segment is a packet from the start: a queue counts packets as a router's does, not what the kernel has lumped.
        `link set p${path} gso_max_segs 1 up`,
        // The first packet is not to wait for a question and its answer.
        ...reachableOf(peer, this.#hosts[peer], this.#hosts[host]).map(address => `neigh add ${address} lladdr ${cardOf(path, peer < host)} dev p${path} nud permanent`),
        ...this.routeLines(host, peer, 'path')
      ])
    ]
  }

  /** What all packets of a host pass, those to nobody included. */
  hostDevices (host: number): string[] {
    return ['nowhere', ...this.#peersOf(host).map(({ path }) => `p${path}`)]
  }

  /** How a host reaches another: through the path that joins them, or into nowhere, where nothing is answered. */
  routeLines (from: number, to: number, way: 'path' | 'nowhere'): string[] {
    const device = way === 'nowhere' ? 'nowhere' : `p${this.pathBetween(from, to)}`
    return reachableOf(to, this.#hosts[to], this.#hosts[from]).map(address => `route replace ${address}/32 dev ${device} ${this.#manner(from)}`)
  }

  /** Takes all away that was made, the hosts' ends with the hub's. */
  removalLines (): string[] {
    return [
      ...this.#hosts.map((_, host) => `link del x${host}`),
      ...this.#paths.flatMap((_, path) => {
        const { left, right, leftHost, rightHost, leftMiddle } = devicesOf(path)
        return [leftHost, rightHost, leftMiddle, left, right].map(device => `link del ${device}`)
      })
    ]
  }

  pathBetween (a: number, b: number): number | undefined {
    return this.#joins.get(pairKey(this.#hosts[a].name, this.#hosts[b].name))
  }

  #peersOf (host: number): Array<{ readonly peer: number, readonly path: number }> {
    return this.#paths.flatMap(({ from, to }, path) => from === host ? [{ peer: to, path }] : to === host ? [{ peer: from, path }] : [])
  }

  /** Namespaces have no congestion control of their own where their machine does not allow it to all its users; routes have. */
  #manner (host: number): string {
    return `src ${sourceOf(host, this.#hosts[host])} congctl ${hostTcpOptions(this.#hosts[host]).congestion ?? 'cubic'}`
  }
}

/** The addresses of a host, in the scenario's order; its index is its place among the hosts. */
export function addressesOf (index: number, { addresses }: HostDescription): string[] {
  return addresses.map((_, position) => ipOf(index, position))
}

/** The multiaddrs at which a host's node listens. At a refused address there is a host, but nobody who listens. */
export function listenersOf (index: number, host: HostDescription): string[] {
  return addressesOf(index, host).filter((_, position) => host.addresses[position].state === 'reachable').map(multiaddrOf)
}

export interface PathDevices {
  readonly left: string
  readonly right: string
  readonly leftHost: string
  readonly rightHost: string
  readonly leftMiddle: string
  readonly rightMiddle: string
}

export function devicesOf (path: number): PathDevices {
  return { left: `left${path}`, right: `right${path}`, leftHost: `lh${path}`, rightHost: `rh${path}`, leftMiddle: `lm${path}`, rightMiddle: `rm${path}` }
}

/** The directions of a path: where each waits and where it propagates. */
export function directionsOf (path: number, { forward, backward = forward }: PathDescription): Record<'forward' | 'backward', { readonly direction: typeof forward, readonly waitsAt: string, readonly propagatesAt: string }> {
  const { leftHost, rightHost, leftMiddle, rightMiddle } = devicesOf(path)
  return {
    forward: { direction: forward, waitsAt: leftMiddle, propagatesAt: rightHost },
    backward: { direction: backward, waitsAt: rightMiddle, propagatesAt: leftHost }
  }
}

/** Where packets of another find it: all but black holes and what is hidden from that one, and what it sends from. */
function reachableOf (index: number, host: HostDescription, from: HostDescription): string[] {
  const answering = addressesOf(index, host).filter((_, position) => {
    const { state, reachableFrom } = host.addresses[position]
    return state !== 'black-hole' && reachableFrom?.includes(from.name) !== false
  })
  return [...answering, sourceOf(index, host)].filter(isFirst)
}

/** What a host sends from must be found by all: answers would not find back. No address of a scenario ends in 255. */
function sourceOf (index: number, host: HostDescription): string {
  const position = host.addresses.findIndex(({ state, reachableFrom }) => state !== 'black-hole' && reachableFrom === undefined)
  return ipOf(index, position < 0 ? 254 : position)
}

/** A card of a path: of its host with the lower index, or the other. The first byte says that it was given locally. */
function cardOf (path: number, ofLower: boolean): string {
  const bytes = [2, 0, path >> 16 & 255, path >> 8 & 255, path & 255, ofLower ? 0 : 1]
  return bytes.map(byte => byte.toString(16).padStart(2, '0')).join(':')
}

function isFirst (value: string, index: number, all: readonly string[]): boolean {
  return all.indexOf(value) === index
}
