import test from 'ava'
import * as fc from 'fast-check'
import { Kernel } from '../../src/sim/kernel.ts'

/** An event of the model: its argument is its sequence number, or that of its alarm. */
interface Planned {
  readonly atNs: number
  readonly sequence: number
  readonly alarm?: number
}

type Step =
  | { readonly kind: 'schedule', readonly delayNs: number }
  | { readonly kind: 'cancel', readonly which: number }
  | { readonly kind: 'run', readonly forNs: number }
  | { readonly kind: 'set', readonly alarm: number, readonly delayNs: number }
  | { readonly kind: 'clear', readonly alarm: number }
  | { readonly kind: 'due' }

/**
 * From the same instant over nanoseconds to the better part of an hour; small numbers make ties. The 2000 events that a
 * comparison may schedule and its 300 runs, one after the other, end before the kernel's time does: 2300 x 3e12 < 2^53.
 */
const delayNs = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 39 }).map(exponent => Math.floor(2 ** (exponent + 2))),
  fc.integer({ min: 0, max: 2000 }),
  fc.integer({ min: 0, max: 4e12 })
)
const schedule = fc.record({ kind: fc.constant('schedule' as const), delayNs })
const cancel = fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() })
const alarm = fc.nat({ max: 4 })
const set = fc.record({ kind: fc.constant('set' as const), alarm, delayNs })
const clear = fc.record({ kind: fc.constant('clear' as const), alarm })
const run = fc.record({ kind: fc.constant('run' as const), forNs: delayNs })
const due = fc.constant({ kind: 'due' as const })
const step: fc.Arbitrary<Step> = fc.oneof({ weight: 12, arbitrary: schedule }, { weight: 4, arbitrary: cancel }, { weight: 2, arbitrary: run }, { weight: 1, arbitrary: due })
/** What an event does when it is dispatched. */
const reaction = fc.array(fc.oneof(schedule, cancel, set, clear, due), { maxLength: 4 })

/** Does to a kernel and to an unsorted list the same, and throws where they differ. */
class Comparison {
  readonly #kernel = new Kernel()
  readonly #planned = new Map<number, Planned>()
  /** By sequence; -1 for an alarm's. */
  readonly #ids: number[] = []
  readonly #reactions: readonly Step[][]
  readonly #operation: number
  readonly #alarms: readonly number[]
  #reacted = 0
  // So many of the longest delays, one after the other, with those of 300 runs, end before 2^53.
  #allowed = 1500

  constructor (reactions: readonly Step[][]) {
    this.#reactions = reactions
    this.#operation = this.#kernel.define(sequence => this.#onEvent(sequence), 'event')
    const rings = this.#kernel.define(index => this.#onEvent(index, index), 'event')
    this.#alarms = [0, 1, 2, 3, 4].map(index => this.#kernel.reserve(rings, index))
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
        same(kernel.cancel(this.#ids[sequence]), this.#ids[sequence] >= 0 && this.#planned.delete(sequence), 'cancel')
      }
    } else if (step.kind === 'set') {
      if (--this.#allowed >= 0) {
        this.#forget(step.alarm)
        const planned = { atNs: kernel.nowNs + step.delayNs, sequence: this.#ids.length, alarm: step.alarm }
        this.#planned.set(planned.sequence, planned)
        this.#ids.push(-1)
        kernel.set(this.#alarms[step.alarm], planned.atNs)
      }
    } else if (step.kind === 'clear') {
      same(kernel.isSet(this.#alarms[step.alarm]), this.#forget(step.alarm), 'set')
      kernel.clear(this.#alarms[step.alarm])
    } else if (step.kind === 'due') {
      same(kernel.dueNs, this.#next()?.atNs ?? Infinity, 'when the next is due')
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
    const ids = this.#ids.filter(id => id >= 0)
    same(new Set(ids).size, ids.length, 'ids differ')
  }

  #onEvent (argument: number, alarm?: number): void {
    const next = this.#next()
    same(argument, next?.alarm ?? next?.sequence, 'order')
    same(alarm, next?.alarm, 'alarm')
    same(this.#kernel.nowNs, next?.atNs, 'time')
    this.#planned.delete(next?.sequence ?? -1)
    for (const step of this.#reactions[this.#reacted++ % this.#reactions.length]) {
      this.apply(step)
    }
  }

  /** Takes an alarm's event out of the model; false where there was none. */
  #forget (alarm: number): boolean {
    for (const planned of this.#planned.values()) {
      if (planned.alarm === alarm) {
        return this.#planned.delete(planned.sequence)
      }
    }
    return false
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

test('bursts put in while the run waits before its next event come out as from a sorted list', t => {
  const burst = fc.integer({ min: 0, max: 40 }).chain(exponent => fc.array(
    fc.integer({ min: 0, max: 2 ** exponent }).map(delayNs => ({ kind: 'schedule' as const, delayNs })), { minLength: 40, maxLength: 120, size: 'max' }
  ))
  fc.assert(fc.property(fc.array(fc.tuple(burst, run, fc.array(cancel, { maxLength: 60 })), { minLength: 2, maxLength: 8 }), rounds => {
    const comparison = new Comparison([[]])
    for (const [events, pause, cancels] of rounds) {
      for (const next of [...events, pause, ...cancels]) {
        comparison.apply(next)
      }
    }
    comparison.end()
  }), { numRuns: 150 })
  t.pass()
})
