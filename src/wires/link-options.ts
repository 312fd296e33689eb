import { msToNs } from '../core/units.ts'
import type { JitterOptions } from '../sim/jitter.ts'
import type { LinkOptions } from '../sim/network.ts'
import type { QueueOptions } from '../sim/queue.ts'
import type { DuplexOptions } from '../sim/topology.ts'
import type { Duplex, JitterDescription, PathDirection, Queue } from './scenario-link.ts'

/** The simulator's link of a direction that was checked. */
export function linkOptions ({ delayMs, jitter, queue, ...same }: PathDirection): LinkOptions {
  return {
    ...defined(same),
    delayNs: msToNs(delayMs),
    ...(jitter === undefined ? {} : { jitter: jitterOptions(jitter) }),
    ...(queue === undefined ? {} : { queue: queueOptions(queue) })
  }
}

export function duplexOptions ({ forward, backward }: Duplex): DuplexOptions {
  return { forward: linkOptions(forward), ...(backward === undefined ? {} : { backward: linkOptions(backward) }) }
}

export function jitterOptions (jitter: JitterDescription): JitterOptions {
  switch (jitter.distribution) {
    case 'uniform':
      return { distribution: 'uniform', boundNs: msToNs(jitter.boundMs) }
    case 'normal':
      return { distribution: 'normal', deviationNs: msToNs(jitter.deviationMs) }
    case 'pareto':
      return { distribution: 'pareto', scaleNs: msToNs(jitter.scaleMs), shape: jitter.shape }
    default:
      return { distribution: 'empirical', samplesNs: jitter.samplesMs.map(msToNs) }
  }
}

export function queueOptions (queue: Queue): QueueOptions {
  switch (queue.discipline) {
    case 'red':
      return defined(queue)
    case 'codel':
    case 'fq-codel': {
      const { targetMs, intervalMs, ...same } = queue
      return {
        ...defined(same),
        ...(targetMs === undefined ? {} : { targetNs: msToNs(targetMs) }),
        ...(intervalMs === undefined ? {} : { intervalNs: msToNs(intervalMs) })
      }
    }
    default:
      return queue.limitBytes === undefined ? { limitPackets: queue.limitPackets ?? Infinity } : { limitBytes: queue.limitBytes }
  }
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

/** Without what was left out: the simulator's options have no `undefined`. */
function defined<T extends object> (options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>
}
