import type { FluidFlow } from './fluid-flow.ts'
import type { FluidLink } from './fluid-graph.ts'
import { shareMaxMin } from './max-min.ts'
import type { SharingProblem } from './max-min.ts'
import { StandingQueues } from './standing-queues.ts'

/** Gives flows their rates, and keeps the queues that go with them. */
export class RateSharing {
  readonly #links: readonly FluidLink[]
  readonly #queues: StandingQueues

  constructor (links: readonly FluidLink[]) {
    this.#links = links
    this.#queues = new StandingQueues(links)
  }

  /** What a packet of the flow waits on its way, as of the last sharing. */
  queueDelayNs (flow: FluidFlow): number {
    return this.#queues.delayNs(flow)
  }

  /**
   * Sets the rates of all flows that send. Queues follow from who is held where, and weights from the queues: found in one
   * step, from a sharing by plain round trips.
   */
  share (flows: readonly FluidFlow[]): void {
    const problem = this.#problemOf(flows)
    let sharing = shareMaxMin(problem)
    if (this.#queues.update(flows, sharing)) {
      this.#queues.weigh(flows, problem)
      sharing = shareMaxMin(problem)
    }
    const { rates } = sharing
    flows.forEach((flow, index) => { flow.rateBitsPerSecond = rates[index] })
  }

  #problemOf (flows: readonly FluidFlow[]): SharingProblem {
    const routeStarts = new Int32Array(flows.length + 1)
    flows.forEach(({ path }, index) => { routeStarts[index + 1] = routeStarts[index] + path.forward.ratedIds.length })
    const routeLinks = new Int32Array(routeStarts[flows.length])
    flows.forEach(({ path }, index) => { routeLinks.set(path.forward.ratedIds, routeStarts[index]) })
    return {
      capacities: Float64Array.from(this.#links, ({ rateBitsPerSecond }) => rateBitsPerSecond),
      routeStarts,
      routeLinks,
      weights: Float64Array.from(flows, ({ path }) => 1 / path.rttNs),
      caps: Float64Array.from(flows, ({ cap }) => cap)
    }
  }
}
