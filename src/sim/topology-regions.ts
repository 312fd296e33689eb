import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import type { NodeId } from './network.ts'
import type { QueueOptions } from './queue.ts'
import type { NetworkBuilder } from './topology.ts'

/** Where hosts are, how many of them, and how far apart: from libp2p's gossipsub-interop (test-plans, network_graph.py). */
export const REGIONS = ['australia', 'europe', 'east-asia', 'west-asia', 'north-america-east', 'north-america-west', 'south-africa', 'south-america'] as const

export type Region = typeof REGIONS[number]

/** Hosts in a region, of 11,326. */
const WEIGHTS: Readonly<Record<Region, number>> = {
  'australia': 290, 'europe': 5599, 'east-asia': 1059, 'west-asia': 161,
  'north-america-east': 2894, 'north-america-west': 1240, 'south-africa': 47, 'south-america': 36
}

/** One way, from the row's region to the column's; in the order of `REGIONS`. South America to South Africa differs by direction there. */
const ONE_WAY_MS: ReadonlyArray<readonly number[]> = [
  [2, 165, 110, 180, 150, 110, 220, 190],
  [165, 2, 125, 60, 70, 110, 95, 140],
  [110, 125, 4, 110, 140, 100, 175, 175],
  [180, 60, 110, 5, 110, 150, 110, 145],
  [150, 70, 140, 110, 2, 60, 130, 100],
  [110, 110, 100, 150, 60, 2, 160, 100],
  [220, 95, 175, 110, 130, 160, 7, 190],
  [190, 140, 175, 145, 100, 100, 195, 7]
]

/** 20% of all hosts have 1024 Mbit/s each way, 80% have 50. */
const SUPERNODE_SHARE = 0.2
const SUPERNODE_BITS_PER_SECOND = 1024e6
const FULL_NODE_BITS_PER_SECOND = 50e6

/** Where a host is, and what its link carries each way. */
export interface RegionalPlace {
  readonly region: Region
  readonly rateBitsPerSecond: number
}

export interface RegionsOptions {
  readonly hosts: number
  /** Of as many hosts. Absent: drawn, as `drawRegionalPlaces` does. */
  readonly places?: readonly RegionalPlace[]
  /** Of each host's link, each way. Default: no limit. */
  readonly queue?: QueueOptions
}

export interface RegionalHost extends RegionalPlace {
  readonly node: NodeId
}

/** What a packet takes from a host in one region to one in another, or in the same, without its links' serialisation. */
export function oneWayMsBetween (from: Region, to: Region): number {
  return ONE_WAY_MS[REGIONS.indexOf(from)][REGIONS.indexOf(to)]
}

/** Hosts by the regions' shares, and by the shares of the two rates. */
export function drawRegionalPlaces (hosts: number, random: RandomStream): RegionalPlace[] {
  const where = random.fork('region')
  const which = random.fork('bandwidth')
  return Array.from({ length: hosts }, () => ({
    region: REGIONS[drawRegion(where)],
    rateBitsPerSecond: which.next() < SUPERNODE_SHARE ? SUPERNODE_BITS_PER_SECOND : FULL_NODE_BITS_PER_SECOND
  }))
}

/**
 * Hosts spread over eight regions by the regions' shares, each behind a link of its own up and one down. Between regions
 * there is delay only.
 *
 * @throws ERR_INVALID_OPTION
 */
export function regions (network: NetworkBuilder, { hosts: count, places, queue }: RegionsOptions, random: RandomStream): readonly RegionalHost[] {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a count', { path: 'hosts', expected: 'a whole number, 1 or more', found: String(count) })
  }
  if (places !== undefined && places.length !== count) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not as many places as hosts', { path: 'places', expected: String(count), found: String(places.length) })
  }
  // Exits lead to entrances, and entrances to hosts only, so that no packet can take a detour over a third region.
  const exits = REGIONS.map(() => network.addNode())
  const entrances = REGIONS.map(() => network.addNode())
  ONE_WAY_MS.forEach((row, from) => row.forEach((delayMs, to) => network.addLink(exits[from], entrances[to], { delayNs: msToNs(delayMs) })))
  return (places ?? drawRegionalPlaces(count, random)).map(place => {
    const index = REGIONS.indexOf(place.region)
    const node = network.addNode({ forwards: false })
    const access = { rateBitsPerSecond: place.rateBitsPerSecond, delayNs: 0, ...(queue === undefined ? {} : { queue }) }
    network.addLink(node, exits[index], access)
    network.addLink(entrances[index], node, access)
    return { node, ...place }
  })
}

function drawRegion (random: RandomStream): number {
  let left = random.next() * Object.values(WEIGHTS).reduce((total, weight) => total + weight, 0)
  const index = REGIONS.findIndex(region => {
    left -= WEIGHTS[region]
    return left < 0
  })
  return index < 0 ? REGIONS.length - 1 : index
}
