import { randomStream } from '../src/core/random.ts'
import type { RandomStream } from '../src/core/random.ts'
import { NS_PER_MS } from '../src/core/units.ts'
import { Kernel } from '../src/sim/kernel.ts'
import type { EventId, Operation } from '../src/sim/kernel.ts'

/** One case's figures, to be set beside another simulator's. */
export interface BenchResult {
  readonly name: string
  readonly parameters: Readonly<Record<string, number>>
  /** CPU time of the median repetition. */
  readonly cpuSeconds: number
  /** Events dispatched in one repetition. */
  readonly events: number
  readonly eventsPerCpuSecond: number
  /** The process's highest resident size so far, earlier cases included. */
  readonly peakResidentBytes: number
  /** The kernel's digest after the last repetition: the same for the same parameters. */
  readonly result: string
}

/**
 * What each event does besides scheduling its successor. `cancel`: one in three takes another pending event back and
 * schedules it anew. `timer`: each cancels a timer an hour away and sets it again, as TCP does with every segment.
 */
export type HoldKind = 'plain' | 'cancel' | 'timer'

const KINDS: readonly HoldKind[] = ['plain', 'cancel', 'timer']
const PENDING: readonly number[] = [1e3, 1e5, 1e6]
const MEAN_DELAY_NS = 10 * NS_PER_MS
const HOUR_NS = 3.6e12
const EVENTS = 2e6
const REPETITIONS = 5

/** The hold model: `pending` events, each of which schedules one more after an exponential delay. */
export function hold (pending: number, kind: HoldKind = 'plain'): BenchResult {
  const seconds: number[] = []
  let events = 0
  let result = ''
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const model = new HoldModel(pending, kind, randomStream('hold'))
    // Every first event is over, and the code compiled, before the clock starts.
    model.run(Math.max(pending, EVENTS / 4))
    const eventsBefore = model.kernel.dispatched
    const before = process.cpuUsage()
    model.run(EVENTS)
    const { user, system } = process.cpuUsage(before)
    seconds.push((user + system) / 1e6)
    events = model.kernel.dispatched - eventsBefore
    result = model.kernel.digest()
  }
  const cpuSeconds = seconds.toSorted((a, b) => a - b)[Math.floor(REPETITIONS / 2)]
  return {
    name: `hold-${kind}`,
    parameters: { pending },
    cpuSeconds,
    events,
    eventsPerCpuSecond: events / cpuSeconds,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    result
  }
}

/** All cases; the small ones first, so that the peak resident size is each one's own. */
export function * holdCases (): Generator<BenchResult> {
  for (const pending of PENDING) {
    for (const kind of KINDS) {
      yield hold(pending, kind)
    }
  }
}

class HoldModel {
  readonly kernel = new Kernel()
  readonly #pending: number
  // Drawing is not what is measured: delays come from a table, which stays in the cache.
  readonly #delaysNs: Float64Array
  readonly #ids: Float64Array
  readonly #timers: Float64Array
  readonly #next: Operation
  readonly #timeout: Operation
  #drawn = 0

  constructor (pending: number, kind: HoldKind, random: RandomStream) {
    const kernel = this.kernel
    this.#pending = pending
    this.#delaysNs = Float64Array.from({ length: 8192 }, () => Math.round(random.exponential(MEAN_DELAY_NS)))
    this.#ids = new Float64Array(kind === 'cancel' ? pending : 0)
    this.#timers = new Float64Array(kind === 'timer' ? pending : 0)
    this.#timeout = kernel.define(() => {})
    this.#next = kernel.define({
      plain: (index: number) => { this.#hold(index) },
      cancel: (index: number) => { this.#holdAndCancel(index) },
      timer: (index: number) => { this.#holdAndRearm(index) }
    }[kind])
    for (let index = 0; index < pending; index++) {
      const id = kernel.schedule(Math.round(random.exponential(MEAN_DELAY_NS)), this.#next, index)
      if (kind === 'cancel') {
        this.#ids[index] = id
      } else if (kind === 'timer') {
        this.#timers[index] = kernel.schedule(HOUR_NS, this.#timeout, index)
      }
    }
  }

  /** Lets about so many events happen. */
  run (events: number): void {
    this.kernel.run(this.kernel.nowNs + Math.round(events * MEAN_DELAY_NS / this.#pending))
  }

  #hold (index: number): EventId {
    const delayNs = this.#delaysNs[this.#drawn++ & 8191]
    return this.kernel.schedule(this.kernel.nowNs + delayNs, this.#next, index)
  }

  #holdAndCancel (index: number): void {
    const ids = this.#ids
    ids[index] = this.#hold(index)
    if ((this.#drawn & 3) === 0) {
      // Scattered over all (Knuth's multiplicative hash).
      const other = (Math.imul(this.#drawn, 0x9e3779b1) >>> 0) % this.#pending
      this.kernel.cancel(ids[other])
      ids[other] = this.#hold(other)
    }
  }

  #holdAndRearm (index: number): void {
    const kernel = this.kernel
    kernel.cancel(this.#timers[index])
    this.#timers[index] = kernel.schedule(kernel.nowNs + HOUR_NS, this.#timeout, index)
    this.#hold(index)
  }
}

if (import.meta.main) {
  const json = process.argv.includes('--json')
  for (const result of holdCases()) {
    const { name, parameters, eventsPerCpuSecond, peakResidentBytes } = result
    console.log(json
      ? JSON.stringify(result)
      : `${name.padEnd(12)} ${String(parameters.pending).padStart(8)} pending ${(eventsPerCpuSecond / 1e6).toFixed(1).padStart(6)} M events/s ${(peakResidentBytes / 2 ** 20).toFixed(0).padStart(5)} MiB peak`)
  }
}
