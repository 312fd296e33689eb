import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import type { LinkOptions } from './network.ts'
import { OPPORTUNITY_BYTES } from './rate-trace.ts'
import type { RateTrace } from './rate-trace.ts'
import type { DuplexOptions } from './topology.ts'

interface CalibratedPath {
  readonly bitsPerSecond: number
  /** Opportunities come as a Poisson process, which is what fitted cellular paths; else evenly. */
  readonly poisson: boolean
  readonly delayMs: number
  readonly loss: number
  readonly queuePackets: number
}

/** Paths of the Internet that Pantheon (Yan et al. 2018, section 5) fitted emulators to, by where they ran. */
const PANTHEON = {
  'nepal-to-aws-india': { bitsPerSecond: 0.57e6, poisson: true, delayMs: 28, loss: 0.0477, queuePackets: 14 },
  'mexico-cellular-to-california': { bitsPerSecond: 2.64e6, poisson: true, delayMs: 88, loss: 0, queuePackets: 130 },
  'brazil-to-colombia-cellular': { bitsPerSecond: 3.04e6, poisson: true, delayMs: 130, loss: 0, queuePackets: 426 },
  'india-to-aws-india': { bitsPerSecond: 100.42e6, poisson: false, delayMs: 27, loss: 0, queuePackets: 173 },
  'korea-to-china': { bitsPerSecond: 77.72e6, poisson: false, delayMs: 51, loss: 0.0006, queuePackets: 94 },
  'california-to-mexico': { bitsPerSecond: 114.68e6, poisson: false, delayMs: 45, loss: 0, queuePackets: 450 }
} as const satisfies Record<string, CalibratedPath>

export type PantheonPath = keyof typeof PANTHEON

export const PANTHEON_PATHS = Object.keys(PANTHEON) as readonly PantheonPath[]

/** Long enough for a run of minutes not to see it repeat often; ten times that changes nothing in the mean. */
const POISSON_TRACE_MS = 60_000

/**
 * One of Pantheon's calibrated paths: loss and the drop-tail queue on the way forward, the same rate and delay on the way
 * back. A Poisson rate draws its trace from `random`.
 *
 * @throws ERR_INVALID_OPTION for another name
 */
export function pantheonPath (name: PantheonPath, random: RandomStream): DuplexOptions {
  if (!Object.hasOwn(PANTHEON, name)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no such path', { path: 'name', expected: nearestName(name, PANTHEON_PATHS) ?? PANTHEON_PATHS.join(', '), found: show(name) })
  }
  const path: CalibratedPath = PANTHEON[name]
  const rate = (direction: string): Partial<LinkOptions> => path.poisson
    ? { trace: poissonTrace(path.bitsPerSecond, random.fork(`${name}/${direction}`)) }
    : { rateBitsPerSecond: path.bitsPerSecond }
  const delayNs = msToNs(path.delayMs)
  return {
    forward: {
      ...rate('forward'), delayNs, queue: { limitPackets: path.queuePackets },
      ...(path.loss === 0 ? {} : { loss: { model: 'bernoulli', probability: path.loss } })
    },
    backward: { ...rate('backward'), delayNs }
  }
}

/** Opportunities as a Poisson process of this mean rate, over a minute. */
export function poissonTrace (bitsPerSecond: number, random: RandomStream): RateTrace {
  const meanGapMs = OPPORTUNITY_BYTES * 8 / bitsPerSecond * 1e3
  const instants: number[] = []
  for (let atMs = random.exponential(meanGapMs); atMs < POISSON_TRACE_MS; atMs += random.exponential(meanGapMs)) {
    instants.push(Math.floor(atMs))
  }
  // The last instant is the period: without this one it would be a little less than a minute, and the rate a little more.
  instants.push(POISSON_TRACE_MS)
  return { opportunitiesMs: Uint32Array.from(instants) }
}
