import test from 'ava'
import * as fc from 'fast-check'
import { Kernel } from '../../src/sim/kernel.ts'

/** An event of the model: its argument is its sequence number. */
interface Planned {
  readonly atNs: number
  readonly sequence: number
}

type Step =
  | { readonly kind: 'schedule', readonly delayNs: number }
  | { readonly kind: 'cancel', readonly which: number }
  | { readonly kind: 'run', readonly forNs: number }

/**
 * From the same instant over nanoseconds to the better part of an hour; small numbers make ties. The 2000 events that a
 * comparison may schedule and its 300 runs, one after the other, end before the kernel's time does: 2300 x 3e12 < 2^53.
 */
const delayNs = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 39 }).map(exponent => Math.floor(2 ** (exponent + 2))),
  fc.integer({ min: 0, max: 2000 }),
  fc.integer({ min: 0, max: 3e12 })
)
const schedule = fc.record({ kind: fc.constant('schedule' as const), delayNs })
const cancel = fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() })
const run = fc.record({ kind: fc.constant('run' as const), forNs: delayNs })
const step: fc.Arbitrary<Step> = fc.oneof({ weight: 6, arbitrary: schedule }, { weight: 2, arbitrary: cancel }, { weight: 1, arbitrary: run })
/** What an event does when it is dispatched. */
const reaction = fc.array(fc.oneof(schedule, cancel), { maxLength: 4 })

/** Does to a kernel and to an unsorted list the same, and throws where they differ. */
class Comparison {
  readonly #kernel = new Kernel()
  readonly #planned = new Map<number, Planned>()
  readonly #ids: number[] = []
  readonly #reactions: readonly Step[][]
  readonly #operation: number
  #reacted = 0
  #allowed = 2000

  constructor (reactions: readonly Step[][]) {
    this.#reactions = reactions
    this.#operation = this.#kernel.define(sequence => this.#onEvent(sequence))
  }

  apply (step: Step): void {
    const kernel = this.#kernel
    if (step.kind === 'schedule') {
      if (--this.#allowed >= 0) {
        const planned = { atNs: kernel.nowNs + step.delayNs, sequence: this.#ids.length }
        this.#planned.set(planned.sequence, planned)
        this.#ids.push(kernel.schedule(planned.atNs, this.#operation, planned.sequence))
      }
    } else if (step.kind === 'cancel') {
      if (this.#ids.length > 0) {
        const sequence = step.which % this.#ids.length
        same(kernel.cancel(this.#ids[sequence]), this.#planned.delete(sequence), 'cancel')
      }
    } else {
      const untilNs = kernel.nowNs + step.forNs
      kernel.run(untilNs)
      same(kernel.nowNs, untilNs, 'clock')
      const next = this.#next()
      same(next === undefined || next.atNs > untilNs, true, 'nothing due is left')
    }
    same(kernel.pending, this.#planned.size, 'pending')
  }

  /** Runs until nothing is left. */
  end (): void {
    this.#kernel.run()
    same(this.#planned.size, 0, 'all dispatched')
    same(this.#kernel.pending, 0, 'none pending')
    same(new Set(this.#ids).size, this.#ids.length, 'ids differ')
  }

  #onEvent (sequence: number): void {
    const next = this.#next()
    same(sequence, next?.sequence, 'order')
    same(this.#kernel.nowNs, next?.atNs, 'time')
    this.#planned.delete(sequence)
    for (const step of this.#reactions[this.#reacted++ % this.#reactions.length]) {
      this.apply(step)
    }
  }

  #next (): Planned | undefined {
    let first: Planned | undefined
    // A map keeps the order of insertion, which is that of sequence: the first of equals stays.
    for (const planned of this.#planned.values()) {
      if (first === undefined || planned.atNs < first.atNs) {
        first = planned
      }
    }
    return first
  }
}

function same (actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) {
    throw new Error(`${what}: expected ${String(expected)}, found ${String(actual)}`)
  }
}

test('whatever is scheduled, cancelled and run, events come out as from a sorted list', t => {
  fc.assert(fc.property(
    fc.array(step, { minLength: 1, maxLength: 300, size: 'max' }), fc.array(reaction, { minLength: 1, maxLength: 20, size: 'max' }),
    (steps, reactions) => {
      const comparison = new Comparison(reactions)
      for (const step of steps) {
        comparison.apply(step)
      }
      comparison.end()
    }
  ), { numRuns: 150 })
  t.pass()
})

test('bursts that fill an active run, within nanoseconds and across an hour, come out as from a sorted list', t => {
  const burst = (spanNs: number): fc.Arbitrary<Step[]> => fc.array(
    fc.integer({ min: 0, max: spanNs }).map(delayNs => ({ kind: 'schedule' as const, delayNs })), { minLength: 150, maxLength: 250, size: 'max' }
  )
  const bursts = fc.oneof(burst(3), burst(5000), burst(1e6), burst(3.6e12))
  fc.assert(fc.property(bursts, bursts, reaction, (first, second, rest) => {
    // The first burst's first event makes the second: into the run that is being dispatched.
    const comparison = new Comparison([second, rest, []])
    for (const step of first) {
      comparison.apply(step)
    }
    comparison.end()
  }), { numRuns: 60 })
  t.pass()
})
