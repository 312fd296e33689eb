import { randomStream } from '../src/core/random.ts'
import type { RandomStream } from '../src/core/random.ts'
import { NS_PER_MS } from '../src/core/units.ts'
import { Kernel } from '../src/sim/kernel.ts'
import type { EventId, Operation } from '../src/sim/kernel.ts'
import { NS3, print, repeat, userSeconds } from './measurement.ts'
import type { Measurement } from './measurement.ts'

/**
 * What each event does besides scheduling its successor. `cancel`: one in three takes another pending event back and
 * schedules it anew. `timer`: each cancels a timer an hour away and sets it again, by its id. `alarm`: the same with an
 * alarm, which is how links and TCP do it.
 */
type HoldKind = 'plain' | 'cancel' | 'timer' | 'alarm'

const KINDS: readonly HoldKind[] = ['plain', 'cancel', 'timer', 'alarm']
/** The best that ns-3 does with any of its schedulers, without cancelling anything: with its heap. */
const NS3_EVENTS_PER_SECOND: Readonly<Record<number, number>> = { 1e3: 10e6, 1e5: 4e6, 1e6: 2.1e6 }
const PENDING: readonly number[] = [1e3, 1e5, 1e6]
const MEAN_DELAY_NS = 10 * NS_PER_MS
const HOUR_NS = 3.6e12
const EVENTS = 2e6
const REPETITIONS = 5

/** The hold model: `pending` events, each of which schedules one more after an exponential delay. */
function hold (pending: number, kind: HoldKind): Measurement {
  return repeat(`hold-${kind}`, { pending }, REPETITIONS, () => {
    const model = new HoldModel(pending, kind, randomStream('hold'))
    // Every first event is over, and the code compiled, before the clock starts.
    model.run(Math.max(pending, EVENTS / 4))
    const before = model.kernel.dispatched
    const cpuSeconds = userSeconds(() => { model.run(EVENTS) })
    return { cpuSeconds, events: model.kernel.dispatched - before, result: { digest: model.kernel.digest() } }
  }, { name: `${NS3}, best scheduler`, perCpuSecond: NS3_EVENTS_PER_SECOND[pending] })
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
    this.#timers = new Float64Array(kind === 'timer' || kind === 'alarm' ? pending : 0)
    this.#timeout = kernel.define(() => {}, 'timeout')
    this.#next = kernel.define({
      plain: (index: number) => { this.#hold(index) },
      cancel: (index: number) => { this.#holdAndCancel(index) },
      timer: (index: number) => { this.#holdAndRearm(index) },
      alarm: (index: number) => { this.#holdAndSet(index) }
    }[kind], 'hold')
    for (let index = 0; index < pending; index++) {
      const id = kernel.schedule(Math.round(random.exponential(MEAN_DELAY_NS)), this.#next, index)
      if (kind === 'cancel') {
        this.#ids[index] = id
      } else if (kind === 'timer') {
        this.#timers[index] = kernel.schedule(HOUR_NS, this.#timeout, index)
      } else if (kind === 'alarm') {
        this.#timers[index] = kernel.reserve(this.#timeout, index)
        kernel.set(this.#timers[index], HOUR_NS)
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

  #holdAndSet (index: number): void {
    const kernel = this.kernel
    kernel.set(this.#timers[index], kernel.nowNs + HOUR_NS)
    this.#hold(index)
  }
}

// The small ones first, so that the peak resident size is each one's own.
for (const pending of PENDING) {
  for (const kind of KINDS) {
    print(hold(pending, kind))
  }
}
