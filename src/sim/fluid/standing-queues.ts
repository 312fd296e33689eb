import { NS_PER_S } from '../../core/units.ts'
import type { FluidFlow } from './fluid-flow.ts'
import type { FluidLink } from './fluid-graph.ts'
import { UNHELD } from './max-min.ts'
import type { Sharing, SharingProblem } from './max-min.ts'
import { sawtooth } from './sawtooth.ts'
import { lossFor, meanWindow } from './window-law.ts'

/**
 * What long transfers do to the links that hold them: fill their queues, and lose packets there. Both decide in what
 * proportion flows share a link, since all of them meet the same queue and the same loss.
 */
export class StandingQueues {
  readonly #links: readonly FluidLink[]
  /** Mean time in the queue of each link, and the share of packets that it drops. */
  #delayNs = new Float64Array(0)
  #loss = new Float64Array(0)
  /** Of the flows that each link holds: how many, and sums over them. */
  #held = new Int32Array(0)
  #rttSumNs = new Float64Array(0)
  #lossSum = new Float64Array(0)
  #receiveSumBytes = new Float64Array(0)
  #controllers: Array<FluidFlow['congestion'] | undefined> = []

  constructor (links: readonly FluidLink[]) {
    this.#links = links
  }

  /** All that waits along a flow's route. */
  delayNs ({ path: { forward: { ratedIds } } }: FluidFlow): number {
    let sum = 0
    for (let hop = 0; hop < ratedIds.length; hop++) {
      sum += this.#delayNs[ratedIds[hop]] ?? 0
    }
    return sum
  }

  /** Finds the queues that go with a sharing; answers whether there are any. */
  update (flows: readonly FluidFlow[], { rates, bottlenecks }: Sharing): boolean {
    this.#reset()
    for (let i = 0; i < flows.length; i++) {
      const flow = flows[i]
      const link = bottlenecks[i] === UNHELD ? loneLink(flow) : bottlenecks[i]
      if (link === UNHELD || flow.inSlowStart) {
        continue
      }
      this.#held[link]++
      this.#rttSumNs[link] += flow.path.rttNs
      this.#receiveSumBytes[link] += flow.path.mostWindowBytes
      if (flow.congestion !== 'bbr') {
        const rttS = flow.path.rttNs / NS_PER_S
        this.#lossSum[link] += lossFor(flow.congestion, rates[i] * rttS / flow.path.packetBits, rttS)
      }
      // Next to Reno, CUBIC is as fast as Reno or faster: the queue moves as Reno's does.
      this.#controllers[link] = this.#controllers[link] === 'reno' ? 'reno' : flow.congestion
    }
    let any = false
    for (let link = 0; link < this.#held.length; link++) {
      if (this.#held[link] > 0) {
        this.#loss[link] = this.#lossSum[link] / this.#held[link]
        this.#delayNs[link] = this.#standingNs(link, flows[0].path.packetBits)
        any = true
      }
    }
    return any
  }

  /**
   * In what proportion flows share links: by the rate of each one's controller at the loss and with the queues of all full
   * links on its way. Over contiguous columns, because ten thousand flows are weighed at each change.
   */
  weigh (flows: readonly FluidFlow[], { routeStarts, routeLinks, weights }: SharingProblem): void {
    for (let i = 0; i < flows.length; i++) {
      const { congestion, path: { rttNs } } = flows[i]
      let [loss, queueNs] = [0, 0]
      for (let hop = routeStarts[i]; hop < routeStarts[i + 1]; hop++) {
        const link = routeLinks[hop]
        queueNs += this.#delayNs[link]
        loss += this.#loss[link]
      }
      const rttS = (rttNs + queueNs) / NS_PER_S
      if (congestion === 'bbr') {
        weights[i] = 1
      } else {
        weights[i] = loss > 0 ? meanWindow(congestion, loss, rttS) / rttS : 1 / rttS
      }
    }
  }

  #standingNs (id: number, packetBits: number): number {
    const { rateBitsPerSecond } = this.#links[id]
    const rttS = this.#rttSumNs[id] / this.#held[id] / NS_PER_S
    const pipe = rateBitsPerSecond * rttS / packetBits
    const buffer = this.#links[id].bufferPackets(packetBits / 8)
    return this.#standingPackets(id, { pipe, buffer, rttS }, packetBits) * packetBits / rateBitsPerSecond * NS_PER_S
  }

  #standingPackets (id: number, bottleneck: { readonly pipe: number, readonly buffer: number, readonly rttS: number }, packetBits: number): number {
    const { pipe, buffer } = bottleneck
    const congestion = this.#controllers[id] ?? 'reno'
    if (congestion === 'bbr') {
      // One flow drains the queue that it makes; several overestimate their shares, up to two pipes in flight (Hock et al. 2017).
      return this.#held[id] === 1 ? 0 : Math.min(buffer, pipe)
    }
    // Without a limit windows grow until the receivers' hold them.
    const windows = this.#receiveSumBytes[id] * 8 / packetBits
    return windows < pipe + buffer ? Math.max(0, windows - pipe) : sawtooth(congestion, bottleneck).meanQueue
  }

  #reset (): void {
    const count = this.#links.length
    if (this.#delayNs.length !== count) {
      this.#delayNs = new Float64Array(count)
      this.#loss = new Float64Array(count)
      this.#held = new Int32Array(count)
      this.#rttSumNs = new Float64Array(count)
      this.#lossSum = new Float64Array(count)
      this.#receiveSumBytes = new Float64Array(count)
      this.#controllers = Array.from({ length: count }, () => undefined)
      return
    }
    this.#delayNs.fill(0)
    this.#loss.fill(0)
    this.#held.fill(0)
    this.#rttSumNs.fill(0)
    this.#lossSum.fill(0)
    this.#receiveSumBytes.fill(0)
    this.#controllers.fill(undefined)
  }
}

/** Where a flow waits that is held by what it makes of its narrowest link. */
function loneLink ({ path: { fillsBottleneck, forward } }: FluidFlow): number {
  return fillsBottleneck && forward.narrowest !== undefined ? forward.narrowest.id : UNHELD
}
