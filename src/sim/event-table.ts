import { TwinwireError } from '../core/errors.ts'

// The cells of a slot: generation, operation, argument, and the next free slot. Together in one line of the cache,
// because they are met together.
const CELLS = 4
const OPERATION = 1
const ARGUMENT = 2
const NEXT_FREE = 3
const NONE = -1
/** In place of the next free slot, of a slot that is reserved. */
const RESERVED = -2

// An id is generation * SLOTS + slot, and must stay an exact integer: 26 + 27 bits.
const SLOTS = 2 ** 26
const LAST_GENERATION = 2 ** 27 - 1
/** Reserved slots have no ids, and count further: up to here, and then from `LAST_GENERATION + 1` on. An even number. */
const LAST_ARMED = 2 ** 30

/** The most events that can be pending at once: what an id has room for. */
export const MAX_PENDING = SLOTS

/**
 * The pending events: what each is to do, in a slot that is reused as soon as the event was dispatched or cancelled. A
 * slot counts the events that it has held (its generation), so that one is never taken for another.
 *
 * A slot can be reserved for whoever has one event at a time, always the same: it is armed and disarmed in place.
 */
export class EventTable {
  /** Events in the table. */
  pending = 0

  #cells = new Int32Array(0)
  #capacity = 0
  #free = NONE
  readonly #limit: number
  readonly #lastArmed: number

  /** `lastArmed` is where a reserved slot has counted to its end: an even number, at most the default. */
  constructor (limit: number, lastArmed = LAST_ARMED) {
    this.#limit = limit
    this.#lastArmed = lastArmed
  }

  /** The slot that holds the event from now on. @throws ERR_EVENT_LIMIT where as many are pending as may be */
  add (operation: number, argument: number): number {
    this.#makeRoom()
    return this.#take(operation, argument, NONE)
  }

  /** The event is over, dispatched or cancelled: its generation is void, its slot free or no longer armed. */
  remove (slot: number): void {
    this.pending--
    this.#end(slot)
  }

  /** A slot for one event at a time, not armed: its generation is even then, and odd while it is. */
  reserve (operation: number, argument: number): number {
    const slot = this.#take(operation, argument, RESERVED)
    this.#cells[slot * CELLS] = (this.generationOf(slot) + 1) & ~1
    return slot
  }

  /** Gives a reserved slot back, which must not be armed. */
  release (slot: number): void {
    this.#cells[slot * CELLS + NEXT_FREE] = NONE
    this.#end(slot)
  }

  isArmed (slot: number): boolean {
    return (this.#cells[slot * CELLS] & 1) === 1
  }

  /** A reserved slot, not armed, holds its event from now on: its generation. @throws ERR_EVENT_LIMIT as `add` */
  arm (slot: number): number {
    this.#makeRoom()
    return ++this.#cells[slot * CELLS]
  }

  /** Whether a reserved slot has counted to its end: it is to be renewed before it is armed again. */
  isWorn (slot: number): boolean {
    return this.#cells[slot * CELLS] === this.#lastArmed
  }

  /** Lets a reserved slot that is not armed count anew. Nobody may hold any of its generations. */
  renew (slot: number): void {
    this.#cells[slot * CELLS] = LAST_GENERATION + 1
  }

  /** The id of the event in a slot. */
  idOf (slot: number): number {
    return this.#cells[slot * CELLS] * SLOTS + slot
  }

  /** The slot of the event of this id, which may be any number; -1 where it is over. */
  find (id: number): number {
    const slot = id & (SLOTS - 1)
    return slot < this.#capacity && this.idOf(slot) === id ? slot : NONE
  }

  generationOf (slot: number): number {
    return this.#cells[slot * CELLS]
  }

  /** Whether a slot that there is still holds the event of this generation. */
  holds (slot: number, generation: number): boolean {
    return this.#cells[slot * CELLS] === generation
  }

  operationOf (slot: number): number {
    return this.#cells[slot * CELLS + OPERATION]
  }

  argumentOf (slot: number): number {
    return this.#cells[slot * CELLS + ARGUMENT]
  }

  #makeRoom (): void {
    if (this.pending >= this.#limit) {
      throw new TwinwireError('ERR_EVENT_LIMIT', 'too many events are pending: what schedules them does not end', {
        expected: `at most ${this.#limit} (option maxPending)`
      })
    }
    this.pending++
  }

  #take (operation: number, argument: number, mark: number): number {
    if (this.#free === NONE) {
      this.#grow()
    }
    const slot = this.#free
    const cells = this.#cells
    const cell = slot * CELLS
    this.#free = cells[cell + NEXT_FREE]
    cells[cell + OPERATION] = operation
    cells[cell + ARGUMENT] = argument
    cells[cell + NEXT_FREE] = mark
    return slot
  }

  #end (slot: number): void {
    const cells = this.#cells
    const cell = slot * CELLS
    const generation = cells[cell] + 1
    cells[cell] = generation
    // A slot that has counted to its end is given up: 16 bytes for every 134 million events.
    if (cells[cell + NEXT_FREE] !== RESERVED && generation < LAST_GENERATION) {
      cells[cell + NEXT_FREE] = this.#free
      this.#free = slot
    }
  }

  #grow (): void {
    const before = this.#capacity
    if (before === SLOTS) {
      throw new TwinwireError('ERR_EVENT_LIMIT', 'no slot is left for an event', { expected: `at most ${SLOTS}, reserved ones included` })
    }
    const capacity = Math.min(Math.max(1024, before * 2), SLOTS)
    const cells = new Int32Array(capacity * CELLS)
    cells.set(this.#cells)
    this.#cells = cells
    this.#capacity = capacity
    for (let slot = capacity - 1; slot >= before; slot--) {
      // Not 0, lest 0 be an id.
      cells[slot * CELLS] = 1
      cells[slot * CELLS + NEXT_FREE] = this.#free
      this.#free = slot
    }
  }
}
