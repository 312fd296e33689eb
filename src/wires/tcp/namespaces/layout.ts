import { ALL_HOSTS, ipOf, multiaddrOf } from '../../addresses.ts'
import { hostTcpOptions } from '../../scenario.ts'
import type { HostDescription, Scenario } from '../../scenario.ts'

/** The device at a host that all its packets pass, each in its tunnel, and each TCP segment by itself. */
export const CABLE = 'cable'
/** The tunnel's end: the device that a host takes for its card. */
const NET = 'net'
/** VXLAN's port (RFC 7348 section 5), of both ends of a tunnel. */
export const TUNNEL_PORT = 4789
/** What a tunnel puts before an IP packet: its own header and Ethernet's. */
export const TUNNEL_HEADER_BYTES = 8 + 14
/** The address of all hosts' cards, so that none need ask for another's. What it sends is not for it: the hub gives each frame another sender. */
const NET_ADDRESS = '02:00:00:00:00:00'
/** Of both ends of each cable, for the same reason. */
const CABLE_ADDRESSES = { hub: '02:00:00:00:01:00', host: '02:00:00:00:01:01' } as const
/**
 * What a host's card sends at most. The hub's process carries twice that on this project's machines, and its buffer holds what
 * comes in 15 ms.
 */
export const CARD_BITS_PER_SECOND = 100e6
/** What a card sends at once. */
const CARD_BURST_BYTES = 65_536
/** More than TCP ever lets wait at its own host's card. */
const CARD_QUEUE_BYTES = 2 ** 26
/** Room for a full packet with what the tunnel puts before it. */
const CABLE_MTU_BYTES = 1600
const FULL_PACKET_BYTES = 1500

/**
 * What devices, addresses and routes let hosts send packets through the hub, as lines for `ip -batch`. Each host has a cable to
 * the hub, and over it a tunnel: a packet of the host is a datagram to the hub's process, and the other way round.
 *
 *   host: net (VXLAN) over cable -- u<h> :hub
 *
 * A host's addresses are those that the simulator gives it.
 */
export class Layout {
  readonly #hosts: readonly HostDescription[]

  constructor ({ hosts }: Pick<Scenario, 'hosts'>) {
    this.#hosts = hosts
  }

  /** What is made in the hub, given the hosts' processes. */
  hubLines (pids: readonly number[]): string[] {
    return pids.flatMap((pid, host) => [
      `link add u${host} address ${CABLE_ADDRESSES.hub} mtu ${CABLE_MTU_BYTES} type veth peer name ${CABLE} address ${CABLE_ADDRESSES.host} mtu ${CABLE_MTU_BYTES} netns ${pid}`,
      `addr add ${tunnelOf(host).hub}/30 dev u${host}`,
      `link set u${host} up`,
      `neigh add ${tunnelOf(host).host} lladdr ${CABLE_ADDRESSES.host} dev u${host} nud permanent`
    ])
  }

  /** What is then made in the namespace of a host. */
  hostLines (host: number): string[] {
    const tunnel = tunnelOf(host)
    const description = this.#hosts[host]
    const source = sourceOf(host, description)
    return [
      'link set lo up',
      `addr add ${tunnel.host}/30 dev ${CABLE}`,
      // Segments are packets from here on: a queue counts packets as a router's does, not what TCP has lumped for its card.
      `link set ${CABLE} gso_max_segs 1 up`,
      `neigh add ${tunnel.hub} lladdr ${CABLE_ADDRESSES.hub} dev ${CABLE} nud permanent`,
      // Checksums that the kernel leaves to a card would never be computed: it is told to leave them to the tunnel's other end.
      `link add ${NET} address ${NET_ADDRESS} mtu ${FULL_PACKET_BYTES} type vxlan id 1 local ${tunnel.host} remote ${tunnel.hub} dstport ${TUNNEL_PORT} srcport ${TUNNEL_PORT} ${TUNNEL_PORT + 1} nolearning remcsumtx remcsumrx`,
      `link set ${NET} arp off up`,
      ...[...answeringAddresses(host, description), source].filter(isFirst).map(address => `addr add ${address}/32 dev ${NET}`),
      // Namespaces have no congestion control of their own where their machine does not allow it to all its users; routes have.
      `route add ${ALL_HOSTS} dev ${NET} src ${source} congctl ${hostTcpOptions(description).congestion ?? 'cubic'}`
    ]
  }

  /** The same for `tc`: its card is no faster than the hub, so that TCP waits at its own host, as it does at any card, and nothing is lost on the way. */
  cardLines (): string[] {
    const rate = CARD_BITS_PER_SECOND * CABLE_MTU_BYTES / FULL_PACKET_BYTES
    return [`qdisc add dev ${CABLE} root tbf rate ${Math.ceil(rate)}bit burst ${CARD_BURST_BYTES} limit ${CARD_QUEUE_BYTES}`]
  }

  /** Takes all away that was made in the hub, the hosts' ends with it. */
  hubRemovalLines (): string[] {
    return this.#hosts.map((_, host) => `link del u${host}`)
  }

  hostRemovalLines (): string[] {
    return [`link del ${NET}`]
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

/** The two ends of a host's tunnel, in a network that no host of a scenario is in. */
export function tunnelOf (host: number): { readonly hub: string, readonly host: string } {
  const ip = (last: number): string => {
    const number = 4 * host + last
    return `172.${16 + (number >> 16)}.${number >> 8 & 255}.${number & 255}`
  }
  return { hub: ip(1), host: ip(2) }
}

/** All but black holes. */
function answeringAddresses (index: number, host: HostDescription): string[] {
  return addressesOf(index, host).filter((_, position) => host.addresses[position].state !== 'black-hole')
}

/** What a host sends from must be found by all: answers would not find back. No address of a scenario ends in 255. */
function sourceOf (index: number, host: HostDescription): string {
  const position = host.addresses.findIndex(({ state, reachableFrom }) => state !== 'black-hole' && reachableFrom === undefined)
  return ipOf(index, position < 0 ? 254 : position)
}

function isFirst (value: string, index: number, all: readonly string[]): boolean {
  return all.indexOf(value) === index
}
