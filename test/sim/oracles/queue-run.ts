import type { ExecutionContext } from 'ava'
import { mean, sampleStandardDeviation } from 'simple-statistics'
import { randomStream } from '../../../src/core/random.ts'
import type { RandomStream } from '../../../src/core/random.ts'
import type { LinkOptions } from '../../../src/sim/link.ts'
import { emptyNetwork, packetOf } from '../packet-tools.ts'

/** A byte takes a microsecond, and packets are of so many bytes in the mean: a mean service of 1 ms, and mu of 1 a ms. */
export const RATE = 8e6
export const MEAN_BYTES = 1000
export const SERVICE_NS = 1e6

/** Draws whole bytes with a mean of `MEAN_BYTES`. */
export type Sizes = (random: RandomStream) => number

export const SIZES = {
  /** Rounded up, because no packet is empty, which adds half a byte to the mean; E[S^2] is 0.05% less than of real numbers. */
  exponential: random => Math.ceil(random.exponential(MEAN_BYTES - 0.5)),
  constant: () => MEAN_BYTES,
  bimodal: random => MEAN_BYTES * (random.next() < 0.75 ? 0.2 : 3.4),
  /** 501 to 1499. */
  uniform: random => 501 + random.integer(999)
} as const satisfies Record<string, Sizes>

/** E[S^2] / E[S]^2 of each. */
export const SECOND_MOMENT = {
  exponential: 2,
  constant: 1,
  bimodal: 0.75 * 0.2 ** 2 + 0.25 * 3.4 ** 2,
  uniform: 1 + (999 ** 2 - 1) / 12 / MEAN_BYTES ** 2
} as const satisfies Record<keyof typeof SIZES, number>

export interface QueueRunOptions {
  readonly load: number
  readonly sizes: keyof typeof SIZES
  /** Looked at, after those that bring the queue from empty to what it is like later. */
  readonly packets: number
  readonly link?: Partial<LinkOptions>
}

/** What a run of packets through one link saw. Times are in mean services. */
export interface QueueRun {
  /** Of those that were delivered. */
  readonly waits: Float64Array
  readonly sojourns: Float64Array
  /** What each packet that came found inside. By PASTA its mean is the mean over time. */
  readonly found: Uint32Array
  readonly dropShare: number
}

/** A Poisson stream of packets through one link. */
export function runQueue ({ load, sizes, packets, link = {} }: QueueRunOptions, random: RandomStream): QueueRun {
  const network = emptyNetwork(random.seed)
  const [from, to] = [network.addNode(), network.addNode()]
  const queue = network.link(network.addLink(from, to, { rateBitsPerSecond: RATE, delayNs: 0, ...link }))
  // An M/M/1 queue forgets its start with the time constant of 1 / (1 - sqrt(r))^2 services; seven of those leave 0.1%.
  const warmUp = Math.ceil(7 / (1 - Math.sqrt(Math.min(load, 0.95))) ** 2)
  const total = warmUp + packets
  const [bytes, sentNs, arrivedNs] = [new Uint32Array(total), new Float64Array(total), new Float64Array(total)]
  const found = new Uint32Array(packets)
  const [gaps, draws] = [random.fork('gaps'), random.fork('sizes')]
  const draw: Sizes = SIZES[sizes]
  let [number, nextNs] = [0, 0]
  const send = network.kernel.define(() => {
    if (number >= warmUp) {
      found[number - warmUp] = queue.held
    }
    bytes[number] = draw(draws)
    sentNs[number] = network.kernel.nowNs
    network.send(packetOf(network, from, to, bytes[number], number))
    if (++number < total) {
      next()
    }
  }, 'event')
  const next = (): void => {
    // Not rounded, so that rounding each instant to a nanosecond does not change the rate.
    nextNs += gaps.exponential(SERVICE_NS / load)
    network.kernel.schedule(Math.floor(nextNs), send, 0)
  }
  network.setReceiver(to, {
    receive (packet) {
      arrivedNs[network.packets.sequence[packet]] = network.kernel.nowNs
      network.packets.release(packet)
    }
  })
  next()
  network.kernel.run()
  network.checkConservation()
  const [waits, sojourns] = [new Float64Array(packets), new Float64Array(packets)]
  let served = 0
  for (let i = warmUp; i < total; i++) {
    // Those that were dropped never arrived.
    if (arrivedNs[i] > 0) {
      sojourns[served] = (arrivedNs[i] - sentNs[i]) / SERVICE_NS
      waits[served] = sojourns[served] - bytes[i] / MEAN_BYTES
      served++
    }
  }
  return { waits: waits.subarray(0, served), sojourns: sojourns.subarray(0, served), found, dropShare: 1 - served / packets }
}

export const REPLICATIONS = 20
/** Student's t with 19 degrees of freedom, its quantile of 99.95%: a two-sided interval of 99.9%. */
const STUDENT_T = 3.883
/** For loads up to 0.8. */
const RELATIVE_ERROR = 0.03

/** Figures of independent runs. */
export function replicate<Figures> (claim: string, options: QueueRunOptions, figures: (run: QueueRun) => Figures): Figures[] {
  return Array.from({ length: REPLICATIONS }, (_, index) => figures(runQueue(options, randomStream(`${claim}, replication ${index}`))))
}

/** Packets in each replication with which half of the interval's width is the relative error, where n packets have 1/n of this variance. */
function packetsWith (relativeVariance: number, relativeError: number): number {
  return Math.ceil(relativeVariance * (STUDENT_T / relativeError) ** 2 / REPLICATIONS)
}

/**
 * Packets in each replication with which half of the interval's width is the relative error that is allowed, so that the
 * one rule is about as strict as the other. n times the relative variance of the mean wait of n customers tends to
 * (2 + 5r - 4r^2 + r^3) / (r (1 - r)^2) in M/M/1 (Daley 1968); with services of another variation it changes as the mean
 * wait does, with (1 + c^2) / 2 (in heavy traffic: Whitt 1989, "Planning queueing simulations").
 */
export function packetsFor (load: number, secondMoment: number, relativeError = RELATIVE_ERROR): number {
  const relativeVariance = (2 + 5 * load - 4 * load ** 2 + load ** 3) / (load * (1 - load) ** 2) * secondMoment / 2
  return packetsWith(relativeVariance, relativeError)
}

/**
 * As `packetsFor`, for the share that an M/M/1/K system drops. n times the relative variance of the share of time in which
 * it is full, P, is 2 times the sum of F_i^2 / p_i over the states i < K, p_i being their shares and F_i the sum of those up
 * to i (Whitt 1992, "Asymptotic formulas for Markov processes", of a birth and death process); what comes in that time is
 * Poisson's, which adds 1 / P.
 */
export function packetsForDrops (load: number, places: number): number {
  const weights = Array.from({ length: places + 1 }, (_, state) => load ** state)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let [below, sum] = [0, 0]
  for (const weight of weights.slice(0, places)) {
    below += weight / total
    sum += below ** 2 * total / weight
  }
  return packetsWith(2 * sum + total / weights[places], RELATIVE_ERROR)
}

/** The pass rule of a queueing oracle: theory inside the 99.9% interval of the replications' mean, and at most 3% off. */
export function expectTheory (t: ExecutionContext, samples: readonly number[], theory: number, what = '', relativeError = RELATIVE_ERROR): void {
  const found = mean([...samples])
  const halfWidth = STUDENT_T * sampleStandardDeviation([...samples]) / Math.sqrt(samples.length)
  t.true(Math.abs(found - theory) <= halfWidth, `${what} ${found} ± ${halfWidth} does not contain ${theory}`)
  t.true(Math.abs(found / theory - 1) <= relativeError, `${what} ${found} is more than ${relativeError * 100}% off ${theory}`)
}
