/** Who may use which links, and what they have. Plain columns, so that ten thousand flows are shared out in milliseconds. */
export interface SharingProblem {
  /** Of each link, in any unit of rate; 0 for a link that is down. */
  readonly capacities: Float64Array
  /** Each flow's links, of flow f those at `routeStarts[f]` up to `routeStarts[f + 1]`, none of them twice. */
  readonly routeStarts: Int32Array
  readonly routeLinks: Int32Array
  /** Above 0: flows that share a link grow in this proportion. */
  readonly weights: Float64Array
  /** What a flow can use at most; `Infinity` where nothing but links holds it. */
  readonly caps: Float64Array
}

export interface Sharing {
  /** Of each flow; `Infinity` where neither a link nor a cap holds it. */
  readonly rates: Float64Array
  /** The link that holds each flow; -1 where its cap does, or nothing. */
  readonly bottlenecks: Int32Array
}

/** Held by no link. */
export const UNHELD = -1

/**
 * Weighted max-min fair rates by progressive filling (Bertsekas and Gallager, Data Networks, 2nd edition, 6.5.2): the level
 * rate/weight of all flows rises together; where a link is full its flows stay where they are, and where a flow has what it
 * can use it alone. No flow could then have more without taking from one whose level is no higher.
 *
 * Levels at which links fill only rise as flows are taken out below them, so that a heap of these levels may be out of date
 * and is put right where it matters: O((hops + links) log links), hops counted over all flows.
 */
export function shareMaxMin (problem: SharingProblem): Sharing {
  const { capacities, routeStarts, routeLinks, weights, caps } = problem
  const flows = weights.length
  const rates = new Float64Array(flows).fill(Infinity)
  const bottlenecks = new Int32Array(flows).fill(UNHELD)
  const links = new LinkLoads(problem)
  const heap = new LevelHeap(capacities.length + flows)
  for (let link = 0; link < capacities.length; link++) {
    if (links.growing[link] > 0) {
      heap.add(links.levelOf(link), link)
    }
  }
  for (let flow = 0; flow < flows; flow++) {
    if (caps[flow] !== Infinity) {
      heap.add(caps[flow] / weights[flow], capacities.length + flow)
    }
  }
  heap.order()
  let unsettled = flows
  const settle = (flow: number, rate: number, bottleneck: number): void => {
    unsettled--
    rates[flow] = rate
    bottlenecks[flow] = bottleneck
    for (let hop = routeStarts[flow]; hop < routeStarts[flow + 1]; hop++) {
      links.take(routeLinks[hop], rate, weights[flow])
    }
  }
  while (unsettled > 0 && heap.size > 0 && heap.leastLevel !== Infinity) {
    const id = heap.leastId
    if (id >= capacities.length) {
      heap.removeLeast()
      const flow = id - capacities.length
      if (rates[flow] === Infinity) {
        settle(flow, caps[flow], UNHELD)
      }
    } else if (links.growing[id] === 0) {
      heap.removeLeast()
    } else {
      const level = links.levelOf(id)
      if (level > heap.leastLevel) {
        heap.raiseLeast(level)
      } else {
        heap.removeLeast()
        for (let i = links.flowStarts[id]; i < links.flowStarts[id + 1]; i++) {
          const flow = links.flows[i]
          if (rates[flow] === Infinity) {
            settle(flow, level * weights[flow], id)
          }
        }
      }
    }
  }
  return { rates, bottlenecks }
}

/** What is left of each link, for how many flows that still grow. */
class LinkLoads {
  /** Flows of each link that are not settled. */
  readonly growing: Int32Array
  /** The flows of a link stand at `flowStarts[link]` up to `flowStarts[link + 1]`. */
  readonly flowStarts: Int32Array
  readonly flows: Int32Array
  readonly #left: Float64Array
  readonly #weight: Float64Array

  constructor ({ capacities, routeStarts, routeLinks, weights }: SharingProblem) {
    const count = capacities.length
    this.growing = new Int32Array(count)
    this.flowStarts = new Int32Array(count + 1)
    this.flows = new Int32Array(routeLinks.length)
    this.#left = capacities.slice()
    this.#weight = new Float64Array(count)
    for (let flow = 0; flow < weights.length; flow++) {
      for (let hop = routeStarts[flow]; hop < routeStarts[flow + 1]; hop++) {
        this.growing[routeLinks[hop]]++
        this.#weight[routeLinks[hop]] += weights[flow]
      }
    }
    for (let link = 0; link < count; link++) {
      this.flowStarts[link + 1] = this.flowStarts[link] + this.growing[link]
    }
    const next = this.flowStarts.slice()
    for (let flow = 0; flow < weights.length; flow++) {
      for (let hop = routeStarts[flow]; hop < routeStarts[flow + 1]; hop++) {
        this.flows[next[routeLinks[hop]]++] = flow
      }
    }
  }

  /** The level of its growing flows at which the link is full. */
  levelOf (link: number): number {
    return Math.max(0, this.#left[link]) / this.#weight[link]
  }

  take (link: number, rate: number, weight: number): void {
    this.growing[link]--
    this.#left[link] -= rate
    this.#weight[link] -= weight
  }
}

/** A binary heap of levels, each with a number; the lower number first where levels are equal. */
class LevelHeap {
  size = 0
  readonly #levels: Float64Array
  readonly #ids: Int32Array

  constructor (capacity: number) {
    this.#levels = new Float64Array(capacity)
    this.#ids = new Int32Array(capacity)
  }

  get leastLevel (): number {
    return this.#levels[0]
  }

  get leastId (): number {
    return this.#ids[0]
  }

  /** Before `order`. */
  add (level: number, id: number): void {
    this.#levels[this.size] = level
    this.#ids[this.size++] = id
  }

  order (): void {
    for (let i = (this.size >> 1) - 1; i >= 0; i--) {
      this.#sink(i, this.#levels[i], this.#ids[i])
    }
  }

  removeLeast (): void {
    this.size--
    this.#sink(0, this.#levels[this.size], this.#ids[this.size])
  }

  raiseLeast (level: number): void {
    this.#sink(0, level, this.#ids[0])
  }

  #sink (from: number, level: number, id: number): void {
    const levels = this.#levels
    const ids = this.#ids
    let i = from
    for (;;) {
      let child = 2 * i + 1
      if (child + 1 < this.size && (levels[child + 1] < levels[child] || (levels[child + 1] === levels[child] && ids[child + 1] < ids[child]))) {
        child++
      }
      if (child >= this.size || levels[child] > level || (levels[child] === level && ids[child] > id)) {
        break
      }
      levels[i] = levels[child]
      ids[i] = ids[child]
      i = child
    }
    levels[i] = level
    ids[i] = id
  }
}
