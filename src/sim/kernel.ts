import { TwinwireError } from '../core/errors.ts'
import { TraceHash } from '../core/trace-hash.ts'
import type { EventLog } from './event-log.ts'
import { EventQueue } from './event-queue.ts'
import { EventTable, MAX_PENDING } from './event-table.ts'
import { LoggedTraceHash } from './logged-trace-hash.ts'
import type { OutsideWork } from './outside-work.ts'

/** A kind of event, from `Kernel.define`. */
export type Operation = number

/** An event of one's own, from `Kernel.reserve`. */
export type Alarm = number

/** A pending event, for `cancel`. Never reused for another event within a run; never negative. */
export type EventId = number

export interface KernelOptions {
  /**
   * The most events that may be pending at once, up to 2^26; 2^24 by default (half a gigabyte), which is far beyond any
   * scenario that ends. A limit, so that one whose queue grows without end fails instead of filling the machine.
   */
  readonly maxPending?: number
  /** What `runAsync` waits for before the clock advances, beside promises. */
  readonly outside?: OutsideWork
  /** Is told of each event that the digest is made of. Absent: nobody is, and it costs nothing. */
  readonly eventLog?: EventLog
}

const DEFAULT_MAX_PENDING = 2 ** 24
const LAST_NS = Number.MAX_SAFE_INTEGER

/** Kept from the beginning: in a thread that lives in virtual time the global function is not what it was. */
const nextTurn = setImmediate

/** So many events at one instant, and more, are a loop that takes no time. A power of two: it is looked for that often. */
const STANDSTILL_EVENTS = 2 ** 22

// The queue is swept once cancelled events outnumber the pending ones, so that sweeping costs each cancellation the same
// small amount; below this number it is not worth while.
const SWEEP_MINIMUM = 4096

/**
 * The discrete-event kernel: orders events by (time, sequence of scheduling), and is the only thing that moves the clock.
 * Time is an integer count of nanoseconds, up to 2^53 - 1.
 *
 * An event is an operation (an integer, defined once for each kind of event) and an integer argument, so that
 * scheduling one allocates nothing.
 */
export class Kernel {
  /** Virtual time. Read-only to all others. */
  nowNs = 0
  /** Events dispatched so far. */
  dispatched = 0

  readonly #operations: Array<(argument: number) => void> = []
  readonly #names: string[] = []
  /** That of the operation -1 first, then of -2 and so on. */
  readonly #watches: Array<(argument: number) => void> = []
  #watchesPending = 0
  readonly #hash: TraceHash
  readonly #outside: OutsideWork | undefined
  readonly #table: EventTable
  readonly #queue: EventQueue
  /** When it was last looked whether time goes on. */
  #checkedNs = -1
  #woken = false
  #running = false

  /**
   * @param table a fresh one, where a test wants one whose slots wear out sooner
   * @throws ERR_INVALID_OPTION where `maxPending` is no integer from 1 to 2^26
   */
  constructor ({ maxPending = DEFAULT_MAX_PENDING, outside, eventLog }: KernelOptions = {}, table = new EventTable(maxPending)) {
    if (!Number.isInteger(maxPending) || maxPending < 1 || maxPending > MAX_PENDING) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'the kernel cannot hold as many events', {
        path: 'maxPending', expected: `an integer from 1 to ${MAX_PENDING}`, found: String(maxPending)
      })
    }
    this.#hash = eventLog === undefined ? new TraceHash() : new LoggedTraceHash(eventLog, operation => this.#names[operation])
    this.#outside = outside
    this.#table = table
    this.#queue = new EventQueue(table)
  }

  /**
   * Registers what to do for one kind of event. Define operations once a component class or instance, never an event.
   *
   * @param name what happens, in a few words that stay the same from run to run, for those who read of events: with the
   * argument behind it, `link arrival 5`. No part of the digest.
   */
  define (handler: (argument: number) => void, name: string): Operation {
    this.#names.push(name)
    return this.#operations.push(handler) - 1
  }

  /**
   * As `define`, for events of one who only looks on: they are no part of what happens, so that neither the digest nor
   * `dispatched` knows of them, a run is the same with them and without, and one without end is over when only they are left.
   */
  defineWatch (handler: (argument: number) => void): Operation {
    return -this.#watches.push(handler)
  }

  /** Events scheduled and neither dispatched nor cancelled. */
  get pending (): number {
    return this.#table.pending
  }

  /**
   * When the next event is due, `Infinity` where none is pending: for who lets virtual time pass with another clock. Takes time
   * for each event that lies near, so that it is not for a run of millions.
   */
  get dueNs (): number {
    return this.#queue.earliestNs()
  }

  /**
   * `atNs` is an integer, now or later; `argument` a 32-bit integer. An event scheduled for now, inside an event,
   * comes after all others of this instant.
   *
   * @throws ERR_EVENT_LIMIT where `maxPending` events are pending, or `atNs` is beyond the end of time; a plain error (a bug)
   * where it is not a time
   */
  schedule (atNs: number, operation: Operation, argument: number): EventId {
    if (!(atNs >= this.nowNs && atNs <= LAST_NS && Math.floor(atNs) === atNs)) {
      throw invalidTime(atNs, this.nowNs)
    }
    const table = this.#table
    const slot = table.add(operation, argument)
    if (operation < 0) {
      this.#watchesPending++
    }
    this.#queue.put(atNs, slot, table.generationOf(slot))
    return table.idOf(slot)
  }

  /** False where the event has been dispatched or cancelled already. */
  cancel (id: EventId): boolean {
    const slot = this.#table.find(id)
    if (slot < 0) {
      return false
    }
    this.#drop(slot)
    return true
  }

  /**
   * An event for whoever has one at a time, always the same: setting it again and again costs less than scheduling events,
   * and there is no id to keep. Reserve alarms once an instance, and `release` them where instances come and go.
   */
  reserve (operation: Operation, argument: number): Alarm {
    return this.#table.reserve(operation, argument)
  }

  /** Schedules the alarm's event as `schedule` does, instead of the one that may be pending. */
  set (alarm: Alarm, atNs: number): void {
    if (!(atNs >= this.nowNs && atNs <= LAST_NS && Math.floor(atNs) === atNs)) {
      throw invalidTime(atNs, this.nowNs)
    }
    const table = this.#table
    if (table.isArmed(alarm)) {
      this.clear(alarm)
    }
    if (table.isWorn(alarm)) {
      this.#queue.sweep()
      table.renew(alarm)
    }
    this.#queue.put(atNs, alarm, table.arm(alarm))
  }

  isSet (alarm: Alarm): boolean {
    return this.#table.isArmed(alarm)
  }

  /** Cancels the alarm's event; does nothing where none is pending. */
  clear (alarm: Alarm): void {
    if (this.#table.isArmed(alarm)) {
      this.#drop(alarm)
    }
  }

  /** Clears the alarm and gives it up. */
  release (alarm: Alarm): void {
    this.clear(alarm)
    this.#table.release(alarm)
  }

  /**
   * To be called by whoever, inside an event, settles a promise or calls code that may await: `runAsync` then lets
   * promises run before the next event.
   */
  wake (): void {
    this.#woken = true
  }

  /**
   * Dispatches events up to and including `untilNs`, then sets the clock to it (or leaves it at the last event's time
   * where `untilNs` is infinite). What an event throws ends the run; that event counts as dispatched, and all others stay.
   *
   * @throws ERR_TIME_STANDS_STILL where millions of events follow each other at one instant
   */
  run (untilNs = Infinity): void {
    this.#start(untilNs)
    try {
      this.#dispatch(untilNs, false)
      if (untilNs !== Infinity) {
        this.nowNs = untilNs
      }
    } finally {
      this.#running = false
    }
  }

  /**
   * Like `run`, but lets promises run, and outside work be done, before the clock may advance whenever an event woke them,
   * and stops as soon as `finished` answers true (asked each time after promises ran).
   *
   * @throws ERR_DEADLOCK where no event is left and `finished` is still false
   */
  async runAsync (finished: () => boolean, untilNs = Infinity): Promise<void> {
    this.#start(untilNs)
    this.#attend(true)
    try {
      await new Promise<void>((resolve, reject) => this.#afterPromises(finished, untilNs, resolve, reject))
    } finally {
      this.#attend(false)
      this.#running = false
    }
  }

  /** Hash over every event dispatched: time, operation and argument. */
  digest (): string {
    return this.#hash.digest()
  }

  #attend (attended: boolean): void {
    if (this.#outside !== undefined) {
      this.#outside.attended = attended
    }
  }

  /**
   * Goes on when all promise jobs, and those that they start, have run, which is before the next turn of the event loop.
   * Events are dispatched in the turn itself and not in a promise's continuation, so that after each that woke somebody Node
   * does what it does between two timers: first the callbacks of `process.nextTick`, then promise jobs.
   */
  #afterPromises (finished: () => boolean, untilNs: number, resolve: () => void, reject: (error: unknown) => void): void {
    const step = (): void => {
      try {
        if (this.#outside?.pending === true) {
          this.#outside.next().then(() => { nextTurn(step) }, reject)
        } else if (finished() || this.#isOver(untilNs, finished)) {
          resolve()
        } else {
          nextTurn(step)
        }
      } catch (error) {
        reject(error)
      }
    }
    nextTurn(step)
  }

  /** Dispatches up to the first event that woke somebody; true where there is none. */
  #isOver (untilNs: number, finished: () => boolean): boolean {
    this.#woken = false
    this.#dispatch(untilNs, true)
    if (this.#woken) {
      return false
    }
    if (untilNs !== Infinity) {
      this.nowNs = untilNs
    } else if (!finished()) {
      throw new TwinwireError('ERR_DEADLOCK', `no event is left at ${this.nowNs / 1e6} ms, and something still waits`)
    }
    return true
  }

  #drop (slot: number): void {
    const table = this.#table
    const queue = this.#queue
    if (table.operationOf(slot) < 0) {
      this.#watchesPending--
    }
    table.remove(slot)
    queue.stale++
    if (queue.stale > SWEEP_MINIMUM && queue.stale > table.pending) {
      queue.sweep()
    }
  }

  #start (untilNs: number): void {
    if (this.#running) {
      throw new TwinwireError('ERR_INVALID_STATE', 'the kernel is running already')
    }
    if (!(untilNs >= this.nowNs)) {
      throw new Error(`cannot run until ${untilNs} ns, before now (${this.nowNs} ns)`)
    }
    this.#running = true
  }

  /** A loop of events that takes no time would never let go of the process. */
  #checkProgress (): void {
    if (this.nowNs === this.#checkedNs) {
      throw new TwinwireError('ERR_TIME_STANDS_STILL', `events go on and on at ${this.nowNs / 1e6} ms`, {
        expected: `fewer than ${STANDSTILL_EVENTS} at one instant: a delay or a rate somewhere on their way`, found: 'more'
      })
    }
    this.#checkedNs = this.nowNs
  }

  #dispatch (untilNs: number, stopWhenWoken: boolean): void {
    const table = this.#table
    const queue = this.#queue
    const operations = this.#operations
    const hash = this.#hash
    for (;;) {
      if (this.#watchesPending === table.pending && untilNs === Infinity) {
        // Nothing is left, or only those who look on: they would do so for ever.
        return
      }
      const slot = queue.take(untilNs)
      if (slot < 0) {
        return
      }
      const atNs = queue.takenNs
      const operation = table.operationOf(slot)
      const argument = table.argumentOf(slot)
      table.remove(slot)
      this.nowNs = atNs
      if (operation < 0) {
        this.#watchesPending--
        this.#watches[-1 - operation](argument)
        if (this.#woken && stopWhenWoken) {
          return
        }
        continue
      }
      if ((++this.dispatched & (STANDSTILL_EVENTS - 1)) === 0) {
        this.#checkProgress()
      }
      hash.mixEvent(atNs, operation, argument)
      operations[operation](argument)
      if (this.#woken && stopWhenWoken) {
        return
      }
    }
  }
}

function invalidTime (atNs: number, nowNs: number): Error {
  return atNs > LAST_NS
    ? new TwinwireError('ERR_EVENT_LIMIT', 'an event beyond the end of virtual time', { expected: `at most ${LAST_NS} ns, 104 days`, found: `${atNs} ns` })
    : new Error(`event scheduled at ${atNs} ns: expected an integer, not before now (${nowNs} ns)`)
}
