import { RecentMap } from '../recent-map.ts'
import { RateWindow } from './rate-window.ts'
import type { TrafficClass } from '../traffic-class.ts'

/** Bytes since the start, and rates over the last 1, 10 and 60 seconds, in bit/s. */
export interface Rates {
  readonly bytes: number
  readonly over1s: number
  readonly over10s: number
  readonly over60s: number
}

/** Seen from this node. */
export type Direction = 'upload' | 'download'

/** Peers that are metered singly: of more, those not heard of for longest are forgotten. About 2 MB. */
const MAXIMUM_PEERS = 1024
/** Protocols that are metered singly: the first so many. What comes of others is one, `other`. */
const MAXIMUM_PROTOCOLS = 64
export const OTHER_PROTOCOLS = 'other'

/** Counts what is sent and received, by class, by peer and by protocol. Constant memory for each, and no timer. */
export class BandwidthMeter {
  readonly #classes: Readonly<Record<Direction, Record<TrafficClass, RateMeter>>> = { upload: ofEachClass(), download: ofEachClass() }
  readonly #peers: Readonly<Record<Direction, RecentMap<RateMeter>>> = { upload: new RecentMap(MAXIMUM_PEERS), download: new RecentMap(MAXIMUM_PEERS) }
  readonly #protocols: Readonly<Record<Direction, Map<string, RateMeter>>> = { upload: new Map(), download: new Map() }

  /** So many bytes of a class went to a peer, or came from it. */
  count (nowMs: number, direction: Direction, trafficClass: TrafficClass, peer: string, bytes: number): void {
    this.#classes[direction][trafficClass].add(nowMs, bytes)
    this.#peers[direction].obtain(peer, createMeter).add(nowMs, bytes)
  }

  /** Apart from `count`, because one batch carries messages of several protocols. */
  countProtocol (nowMs: number, direction: Direction, protocol: string, bytes: number): void {
    const protocols = this.#protocols[direction]
    const name = protocols.has(protocol) || protocols.size < MAXIMUM_PROTOCOLS ? protocol : OTHER_PROTOCOLS
    let meter = protocols.get(name)
    if (meter === undefined) {
      meter = new RateMeter()
      protocols.set(name, meter)
    }
    meter.add(nowMs, bytes)
  }

  /** Of all peers and protocols. */
  byClass (nowMs: number, direction: Direction): Record<TrafficClass, Rates> {
    const { urgent, normal, bulk } = this.#classes[direction]
    return { urgent: urgent.rates(nowMs), normal: normal.rates(nowMs), bulk: bulk.rates(nowMs) }
  }

  /** Zero of a peer that is not remembered. */
  ofPeer (nowMs: number, direction: Direction, peer: string): Rates {
    return this.#peers[direction].peek(peer)?.rates(nowMs) ?? NONE
  }

  /** Where there are too many, the rest as `other`. */
  byProtocol (nowMs: number, direction: Direction): Map<string, Rates> {
    return new Map([...this.#protocols[direction]].map(([protocol, meter]) => [protocol, meter.rates(nowMs)]))
  }
}

const NONE: Rates = { bytes: 0, over1s: 0, over10s: 0, over60s: 0 }

class RateMeter {
  readonly #over1s = new RateWindow(1_000)
  readonly #over10s = new RateWindow(10_000)
  readonly #over60s = new RateWindow(60_000)
  #bytes = 0

  add (nowMs: number, bytes: number): void {
    this.#bytes += bytes
    this.#over1s.add(nowMs, bytes)
    this.#over10s.add(nowMs, bytes)
    this.#over60s.add(nowMs, bytes)
  }

  rates (nowMs: number): Rates {
    return {
      bytes: this.#bytes,
      over1s: this.#over1s.bitsPerSecond(nowMs),
      over10s: this.#over10s.bitsPerSecond(nowMs),
      over60s: this.#over60s.bitsPerSecond(nowMs)
    }
  }
}

const createMeter = (): RateMeter => new RateMeter()

function ofEachClass (): Record<TrafficClass, RateMeter> {
  return { urgent: new RateMeter(), normal: new RateMeter(), bulk: new RateMeter() }
}
