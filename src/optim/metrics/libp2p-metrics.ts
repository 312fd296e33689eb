import type { MetricsRegistry } from '../port.ts'
import type { HistogramFamily, LabelledFamily, MetricFamily, ScalarFamily } from './family.ts'

/** Ends a registration: nothing of the network is held or read any more. */
export interface MetricsRegistration {
  /** Once is enough; again does nothing. */
  stop(): void
}

/**
 * Registers the families in libp2p's metrics, from where `@libp2p/prometheus-metrics` exports them under the same names.
 *
 * Its metrics are the process's, and a name that exists is not registered again. So whatever registration of a name came
 * first reports the sum over all networks of the process: levels are added, and so are counts. A network that was stopped
 * leaves its counts and none of its levels. Histograms are forwarded to libp2p's, observation by observation, since
 * libp2p's can be fed in no other way.
 */
export function registerMetrics (registry: MetricsRegistry, families: readonly MetricFamily[]): MetricsRegistration {
  const ends = families.map(family => {
    if (family.type === 'histogram') {
      return registerHistogram(registry, family)
    }
    const shared = sharedNumbers(family)
    if ('value' in family) {
      registerScalar(registry, family, shared)
    } else {
      registerLabelled(registry, family, shared)
    }
    return shared.add(() => 'value' in family ? [[UNLABELLED, family.value()]] : family.samples())
  })
  return {
    stop () {
      for (const end of ends.splice(0)) {
        end()
      }
    }
  }
}

function registerScalar (registry: MetricsRegistry, { name, help, type }: ScalarFamily, shared: SharedNumbers): void {
  const calculate = (): number => shared.read().get(UNLABELLED) ?? 0
  if (type === 'counter') {
    registry.registerCounter(`${name}_total`, { help, calculate })
  } else {
    registry.registerMetric(name, { help, calculate })
  }
}

function registerLabelled (registry: MetricsRegistry, { name, help, type, label }: LabelledFamily, shared: SharedNumbers): void {
  const calculate = (): Record<string, number> => Object.fromEntries(shared.read())
  if (type === 'counter') {
    registry.registerCounterGroup(`${name}_total`, { help, label, calculate })
  } else {
    registry.registerMetricGroup(name, { help, label, calculate })
  }
}

function registerHistogram (registry: MetricsRegistry, { name, help, histogram }: HistogramFamily): () => void {
  histogram.forwardTo(registry.registerHistogram(name, { help, buckets: [...histogram.bounds] }))
  return () => histogram.forwardTo(undefined)
}

/** The label of a number that has none. */
const UNLABELLED = ''

type Samples = () => Iterable<readonly [label: string, value: number]>

/** One metric of the process, and the networks that contribute to it. */
interface SharedNumbers {
  /** What is to be reported, by label. */
  read(): ReadonlyMap<string, number>
  /** Adds what one network contributes, until the answer is called. */
  add(samples: Samples): () => void
}

/** Levels are reported as they are; such that are gone are 0, or Prometheus' client would go on reporting the last. */
class SharedLevels implements SharedNumbers {
  readonly #networks = new Set<Samples>()
  readonly #reported = new Set<string>()

  read (): ReadonlyMap<string, number> {
    const levels = new Map(Array.from(this.#reported, label => [label, 0]))
    for (const samples of this.#networks) {
      addAll(levels, samples())
    }
    for (const label of levels.keys()) {
      this.#reported.add(label)
    }
    return levels
  }

  add (samples: Samples): () => void {
    this.#networks.add(samples)
    return () => this.#networks.delete(samples)
  }
}

/** Counts are reported as what came to them since they were last read: that is what libp2p adds to its counter. */
class SharedCounts implements SharedNumbers {
  /** What each network had counted when it was last read. */
  readonly #networks = new Map<Samples, Map<string, number>>()
  /** Of networks that were stopped since. */
  #unread = new Map<string, number>()

  read (): ReadonlyMap<string, number> {
    const counts = this.#unread
    this.#unread = new Map()
    for (const [samples, last] of this.#networks) {
      addNews(counts, samples, last)
    }
    return counts
  }

  add (samples: Samples): () => void {
    this.#networks.set(samples, new Map())
    return () => {
      addNews(this.#unread, samples, this.#networks.get(samples) ?? new Map())
      this.#networks.delete(samples)
    }
  }
}

/** By name: what Prometheus' client keeps for a process' life, its other half must keep as well. */
const processNumbers = new Map<string, SharedNumbers>()

function sharedNumbers ({ name, type }: ScalarFamily | LabelledFamily): SharedNumbers {
  let shared = processNumbers.get(name)
  if (shared === undefined) {
    shared = type === 'counter' ? new SharedCounts() : new SharedLevels()
    processNumbers.set(name, shared)
  }
  return shared
}

function addAll (sums: Map<string, number>, samples: Iterable<readonly [label: string, value: number]>): void {
  for (const [label, value] of samples) {
    sums.set(label, (sums.get(label) ?? 0) + value)
  }
}

function addNews (sums: Map<string, number>, samples: Samples, last: Map<string, number>): void {
  for (const [label, value] of samples()) {
    sums.set(label, (sums.get(label) ?? 0) + value - (last.get(label) ?? 0))
    last.set(label, value)
  }
}
