import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import * as fc from 'fast-check'
import { defaultLogger } from '@libp2p/logger'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import { Histogram } from '../../../src/optim/metrics/histogram.ts'
import { registerMetrics } from '../../../src/optim/metrics/libp2p-metrics.ts'
import type { MetricFamily } from '../../../src/optim/metrics/family.ts'
import type { MetricsRegistration } from '../../../src/optim/metrics/libp2p-metrics.ts'
import type { MetricsRegistry } from '../../../src/optim/port.ts'

/** One node's metrics, as an application configures them; without `preserve` they clear the process' metrics. */
function nodeMetrics (registry: Registry, preserve = false): MetricsRegistry {
  return prometheusMetrics({ registry, collectDefaultMetrics: false, preserveExistingMetrics: preserve })({ logger: defaultLogger() })
}

/** Lines of Prometheus' text that begin so, by what stands before the value. */
async function scraped (registry: Registry, prefix: string): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter(line => line.startsWith(prefix))
  return Object.fromEntries(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

interface FakeNetwork {
  level: number
  count: number
  readonly levels: Map<string, number>
  readonly counts: Map<string, number>
  readonly histogram: Histogram
}

function fakeNetwork (): FakeNetwork {
  return { level: 0, count: 0, levels: new Map(), counts: new Map(), histogram: new Histogram([0.5, 1]) }
}

function familiesOf (network: FakeNetwork, prefix: string): MetricFamily[] {
  return [
    { name: `${prefix}_level`, help: 'A level.', type: 'gauge', value: () => network.level },
    { name: `${prefix}_count`, help: 'A count.', type: 'counter', value: () => network.count },
    { name: `${prefix}_levels`, help: 'Levels.', type: 'gauge', label: 'kind', samples: () => network.levels },
    { name: `${prefix}_counts`, help: 'Counts.', type: 'counter', label: 'kind', samples: () => network.counts },
    { name: `${prefix}_histogram`, help: 'A histogram.', type: 'histogram', histogram: network.histogram }
  ]
}

test.serial('Prometheus exports each type under its name; a second reading counts nothing twice', async t => {
  const registry = new Registry()
  const network = fakeNetwork()
  const registration = registerMetrics(nodeMetrics(registry), familiesOf(network, 'one'))
  Object.assign(network, { level: 3, count: 5 })
  network.levels.set('a', 2)
  network.counts.set('a b"c', 7)
  network.histogram.observe(0.75)
  const expected = {
    one_level: 3,
    one_count_total: 5,
    'one_levels{kind="a"}': 2,
    'one_counts_total{kind="a b\\"c"}': 7,
    'one_histogram_bucket{le="0.5"}': 0,
    'one_histogram_bucket{le="1"}': 1,
    'one_histogram_bucket{le="+Inf"}': 1,
    one_histogram_sum: 0.75,
    one_histogram_count: 1
  }
  t.deepEqual(await scraped(registry, 'one_'), expected)
  t.deepEqual(await scraped(registry, 'one_'), expected)
  registration.stop()
})

test.serial('two networks of a process are added up; one that is stopped leaves its counts and none of its levels', async t => {
  const registry = new Registry()
  const [first, second] = [fakeNetwork(), fakeNetwork()]
  const registrations = [
    registerMetrics(nodeMetrics(registry), familiesOf(first, 'two')),
    registerMetrics(nodeMetrics(registry, true), familiesOf(second, 'two'))
  ]
  Object.assign(first, { level: 1, count: 10 })
  Object.assign(second, { level: 2, count: 20 })
  first.levels.set('a', 4)
  second.counts.set('a', 5)
  first.histogram.observe(1)
  second.histogram.observe(2)
  const both = await scraped(registry, 'two_')
  t.like(both, { two_level: 3, two_count_total: 30, 'two_levels{kind="a"}': 4, 'two_counts_total{kind="a"}': 5, two_histogram_count: 2, two_histogram_sum: 3 })
  // Counted between the last reading and the end.
  first.count = 11
  registrations[0].stop()
  // And what comes after it is nobody's.
  first.count = 100
  first.histogram.observe(1)
  t.deepEqual(await scraped(registry, 'two_'), { ...both, two_level: 2, two_count_total: 31, 'two_levels{kind="a"}': 0 })
  // Stopping again does nothing.
  registrations.forEach(registration => registration.stop())
  registrations.forEach(registration => registration.stop())
  t.like(await scraped(registry, 'two_'), { two_level: 0, two_count_total: 31 })
})

test.serial('a network after one that was stopped counts on', async t => {
  const registry = new Registry()
  const metrics = nodeMetrics(registry)
  for (const expected of [5, 10]) {
    const network = fakeNetwork()
    const registration = registerMetrics(metrics, familiesOf(network, 'again'))
    Object.assign(network, { level: 1, count: 5 })
    network.histogram.observe(0.1)
    t.like(await scraped(registry, 'again_'), { again_level: 1, again_count_total: expected, again_histogram_count: expected / 5 })
    registration.stop()
  }
})

test.serial("metrics that another node's cleared are exported again with the next network, from what was not read yet", async t => {
  const cleared = new Registry()
  const first = fakeNetwork()
  const registrations = [registerMetrics(nodeMetrics(cleared), familiesOf(first, 'cleared'))]
  first.count = 3
  t.like(await scraped(cleared, 'cleared_'), { cleared_count_total: 3 })
  const registry = new Registry()
  registrations.push(registerMetrics(nodeMetrics(registry), familiesOf(fakeNetwork(), 'cleared')))
  first.count = 4
  first.level = 1
  t.like(await scraped(registry, 'cleared_'), { cleared_level: 1, cleared_count_total: 1 })
  registrations.forEach(registration => registration.stop())
})

test.serial('a network that was stopped is not held', async t => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const registry = new Registry()
  const metrics = nodeMetrics(registry)
  const forgotten = await (async () => {
    const network = fakeNetwork()
    const registration = registerMetrics(metrics, familiesOf(network, 'held'))
    await registry.metrics()
    collectGarbage()
    registration.stop()
    return { network: new WeakRef(network), registration }
  })()
  // A WeakRef holds its target until the turn that made it has ended.
  await new Promise(setImmediate)
  collectGarbage()
  t.is(forgotten.network.deref(), undefined)
  t.truthy(forgotten.registration)
})

/** What Prometheus' client does with what is calculated, in a few lines: levels are kept, counts added; names are registered once. */
class ToyPrometheus implements MetricsRegistry {
  readonly values = new Map<string, number>()
  readonly #collect = new Map<string, () => void>()

  registerMetric (name: string, { calculate }: { calculate: () => number }): void {
    this.#once(name, () => this.values.set(name, calculate()))
  }

  registerCounter (name: string, { calculate }: { calculate: () => number }): void {
    this.#once(name, () => this.values.set(name, (this.values.get(name) ?? 0) + calculate()))
  }

  registerMetricGroup (name: string, { calculate }: { calculate: () => Record<string, number> }): void {
    this.#once(name, () => Object.entries(calculate()).forEach(([label, value]) => this.values.set(`${name} ${label}`, value)))
  }

  registerCounterGroup (name: string, { calculate }: { calculate: () => Record<string, number> }): void {
    this.#once(name, () => Object.entries(calculate()).forEach(([label, value]) => this.values.set(`${name} ${label}`, (this.values.get(`${name} ${label}`) ?? 0) + value)))
  }

  registerHistogram (name: string): { observe(value: number): void } {
    return { observe: value => void this.values.set(name, (this.values.get(name) ?? 0) + value) }
  }

  scrape (): void {
    this.#collect.forEach(collect => collect())
  }

  #once (name: string, collect: () => void): void {
    if (!this.#collect.has(name)) {
      this.#collect.set(name, collect)
    }
  }
}

test('whenever it is read, and whoever comes and goes: levels are those of the networks there are, counts those of all there were', t => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('start' as const) }),
    fc.record({ kind: fc.constant('stop' as const), which: fc.nat(3) }),
    fc.record({ kind: fc.constant('count' as const), which: fc.nat(3), label: fc.constantFrom('a', 'b', '__proto__'), by: fc.nat(5) }),
    fc.record({ kind: fc.constant('level' as const), which: fc.nat(3), label: fc.constantFrom('a', 'b', '__proto__'), to: fc.nat(5) }),
    fc.record({ kind: fc.constant('read' as const) })
  )
  let run = 0
  fc.assert(fc.property(fc.array(action, { maxLength: 20 }), actions => {
    // Names are the process's: each run has its own.
    const prefix = `run${run++}`
    const prometheus = new ToyPrometheus()
    const alive: Array<{ network: FakeNetwork, registration: MetricsRegistration }> = []
    const counts = new Map<string, number>()
    const checked = (): void => {
      prometheus.scrape()
      const sums = new Map<string, number>()
      alive.forEach(({ network }) => network.levels.forEach((level, label) => sums.set(label, (sums.get(label) ?? 0) + level)))
      for (const label of ['a', 'b', '__proto__']) {
        t.is(prometheus.values.get(`${prefix}_levels ${label}`) ?? 0, sums.get(label) ?? 0)
        t.is(prometheus.values.get(`${prefix}_counts_total ${label}`) ?? 0, counts.get(label) ?? 0)
      }
      t.is(prometheus.values.get(`${prefix}_level`) ?? 0, alive.reduce((sum, { network }) => sum + network.level, 0))
    }
    for (const step of actions) {
      const one = 'which' in step ? alive[step.which] : undefined
      if (step.kind === 'start') {
        const network = fakeNetwork()
        alive.push({ network, registration: registerMetrics(prometheus, familiesOf(network, prefix)) })
      } else if (step.kind === 'read') {
        checked()
      } else if (one === undefined) {
        continue
      } else if (step.kind === 'stop') {
        one.registration.stop()
        alive.splice(alive.indexOf(one), 1)
      } else if (step.kind === 'count') {
        one.network.counts.set(step.label, (one.network.counts.get(step.label) ?? 0) + step.by)
        counts.set(step.label, (counts.get(step.label) ?? 0) + step.by)
      } else {
        one.network.levels.set(step.label, step.to)
        one.network.level = step.to
      }
    }
    checked()
    alive.forEach(({ registration }) => registration.stop())
  }), { numRuns: 10_000 })
})
