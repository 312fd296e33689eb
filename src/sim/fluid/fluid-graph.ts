import { TwinwireError } from '../../core/errors.ts'
import { NS_PER_S } from '../../core/units.ts'
import { checkLinkOptions } from '../link-options.ts'
import type { LinkId, LinkOptions, NodeId } from '../link.ts'
import type { NodeOptions } from '../network.ts'
import { Routing } from '../routing.ts'
import { inSeries, LOSSLESS, lossRates } from './loss-rates.ts'
import type { LossRates } from './loss-rates.ts'

/** One direction of a link, as flows see it. */
export interface FluidLink {
  readonly id: LinkId
  readonly from: NodeId
  readonly to: NodeId
  /** Counted in IP bytes; `Infinity` where there is no serialisation. */
  readonly rateBitsPerSecond: number
  readonly delayNs: number
  readonly loss: LossRates
  /** What a drop-tail queue may hold in packets of `packetBytes`; `Infinity` without a limit. */
  bufferPackets(packetBytes: number): number
}

/** All that a flow meets on its way, in this order. */
export interface Route {
  readonly links: readonly FluidLink[]
  /** Those that have a rate. */
  readonly rated: readonly FluidLink[]
  readonly ratedIds: Int32Array
  /** Undefined where no link has a rate. */
  readonly narrowest: FluidLink | undefined
  readonly propagationNs: number
  readonly loss: LossRates
}

/** Nodes and links, with the packet level's options and its routes (least propagation delay, then fewest hops). */
export class FluidGraph {
  readonly links: FluidLink[] = []
  readonly #routing = new Routing()
  readonly #routes = new Map<string, Route>()
  #nodes = 0

  addNode ({ forwards = true }: NodeOptions = {}): NodeId {
    this.#nodes++
    this.#routes.clear()
    return this.#routing.addNode(forwards)
  }

  /**
   * @throws ERR_INVALID_OPTION as the packet level does; ERR_UNSUPPORTED for what a link of flows cannot have: a trace, a
   * policer, jitter, duplication, an MTU, active queue management, scripted losses
   */
  addLink (from: NodeId, to: NodeId, options: LinkOptions): LinkId {
    const path = `link:${from}-${to}`
    this.#checkNode(from, 'from')
    this.#checkNode(to, 'to')
    if (from === to || this.#routing.linkBetween(from, to) >= 0) {
      throw new TwinwireError('ERR_INVALID_OPTION', from === to ? 'a link needs two nodes' : 'there is such a link already', { path })
    }
    checkLinkOptions(options, path)
    checkSupported(options, path)
    const { rateBitsPerSecond = Infinity, delayNs, corruption = 0, loss, queue } = options
    const id = this.#routing.addLink(from, to, delayNs)
    this.links.push({
      id,
      from,
      to,
      rateBitsPerSecond,
      delayNs,
      loss: inSeries([loss === undefined ? LOSSLESS : lossRates(loss, `${path}.loss`), { packets: corruption, episodes: corruption }]),
      bufferPackets: packetBytes => limitOf(queue, packetBytes)
    })
    this.#routes.clear()
    return id
  }

  /** @throws ERR_INVALID_OPTION for nodes that there are not, or that have no way from the one to the other */
  route (from: NodeId, to: NodeId): Route {
    this.#checkNode(from, 'from')
    this.#checkNode(to, 'to')
    const key = `${from}-${to}`
    let route = this.#routes.get(key)
    if (route === undefined) {
      route = routeOver(this.#walk(from, to))
      this.#routes.set(key, route)
    }
    return route
  }

  #walk (from: NodeId, to: NodeId): FluidLink[] {
    const links: FluidLink[] = []
    for (let id = this.#routing.firstHop(from, to); id >= 0; id = this.#routing.nextHop(this.links[id].to, to)) {
      links.push(this.links[id])
      if (this.links[id].to === to) {
        return links
      }
    }
    throw new TwinwireError('ERR_INVALID_OPTION', 'there is no way to the node', { path: 'to', expected: `a node that ${from} reaches`, found: String(to) })
  }

  #checkNode (node: NodeId, path: string): void {
    if (!Number.isInteger(node) || node < 0 || node >= this.#nodes) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no such node', { path, expected: `below ${this.#nodes}`, found: String(node) })
    }
  }
}

/** Time to put a packet of this size on each of the links. */
export function serialisationNs (route: Route, packetBytes: number): number {
  return route.rated.reduce((sum, { rateBitsPerSecond }) => sum + packetBytes * 8 * NS_PER_S / rateBitsPerSecond, 0)
}

/** From the first bit's departure to the last bit's arrival, nothing waiting anywhere. */
export function transitNs (route: Route, packetBytes: number): number {
  return route.propagationNs + serialisationNs(route, packetBytes)
}

function routeOver (links: readonly FluidLink[]): Route {
  const rated = links.filter(({ rateBitsPerSecond }) => rateBitsPerSecond !== Infinity)
  return {
    links,
    rated,
    ratedIds: Int32Array.from(rated, ({ id }) => id),
    narrowest: rated.reduce<FluidLink | undefined>((least, link) => least === undefined || link.rateBitsPerSecond < least.rateBitsPerSecond ? link : least, undefined),
    propagationNs: links.reduce((sum, { delayNs }) => sum + delayNs, 0),
    loss: inSeries(links.map(({ loss }) => loss))
  }
}

/** What there is at the packet level and not here. */
const UNSUPPORTED = ['trace', 'policer', 'jitter', 'duplication', 'mtuBytes'] as const satisfies ReadonlyArray<keyof LinkOptions>

function checkSupported (options: LinkOptions, path: string): void {
  const name = UNSUPPORTED.find(name => options[name] !== undefined)
  if (name !== undefined) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no such link', { path: `${path}.${name}`, expected: 'nothing', found: name })
  }
  if (options.queue !== undefined && 'discipline' in options.queue) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no such queue', { path: `${path}.queue`, expected: 'a drop-tail limit', found: options.queue.discipline })
  }
}

function limitOf (queue: LinkOptions['queue'], packetBytes: number): number {
  if (queue !== undefined && 'limitPackets' in queue && queue.limitPackets !== undefined) {
    return queue.limitPackets
  }
  return queue !== undefined && 'limitBytes' in queue ? queue.limitBytes / packetBytes : Infinity
}
