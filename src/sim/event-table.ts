import { TwinwireError } from '../core/errors.ts'

// The cells of a slot: generation, operation, argument, and the next free slot. Together in one line of the cache,
// because they are met together.
const CELLS = 4
const OPERATION = 1
const ARGUMENT = 2
const NEXT_FREE = 3
const NONE = -1

// An id is generation * SLOTS + slot, and must stay an exact integer: 26 + 27 bits.
const SLOTS = 2 ** 26
const LAST_GENERATION = 2 ** 27 - 1

/** The most events that can be pending at once: what an id has room for. */
export const MAX_PENDING = SLOTS

/**
 * The pending events: what each is to do, in a slot that is reused as soon as the event was dispatched or cancelled. A
 * slot counts the events that it has held (its generation), so that the id of one is never taken for another's.
 */
export class EventTable {
  /** Events in the table. */
  pending = 0

  #cells = new Int32Array(0)
  #capacity = 0
  #free = NONE
  readonly #limit: number

  constructor (limit: number) {
    this.#limit = limit
  }

  /** The slot that holds the event from now on. @throws ERR_EVENT_LIMIT where as many are pending as may be */
  add (operation: number, argument: number): number {
    if (this.#free === NONE) {
      this.#grow()
    }
    const slot = this.#free
    const cells = this.#cells
    const cell = slot * CELLS
    this.#free = cells[cell + NEXT_FREE]
    cells[cell + OPERATION] = operation
    cells[cell + ARGUMENT] = argument
    this.pending++
    return slot
  }

  /** The event is over: its id is void, its slot free. */
  remove (slot: number): void {
    this.pending--
    this.#release(slot)
  }

  /** Whether the event of this id, which may be any number, is in the table: in the slot `slotOf(id)`. */
  has (id: number): boolean {
    const slot = slotOf(id)
    return slot < this.#capacity && this.idOf(slot) === id
  }

  idOf (slot: number): number {
    return this.#cells[slot * CELLS] * SLOTS + slot
  }

  operationOf (slot: number): number {
    return this.#cells[slot * CELLS + OPERATION]
  }

  argumentOf (slot: number): number {
    return this.#cells[slot * CELLS + ARGUMENT]
  }

  #release (slot: number): void {
    const cells = this.#cells
    const cell = slot * CELLS
    const generation = cells[cell] + 1
    cells[cell] = generation
    // A slot that has counted to its end is given up: 16 bytes for every 134 million events.
    if (generation < LAST_GENERATION) {
      cells[cell + NEXT_FREE] = this.#free
      this.#free = slot
    }
  }

  #grow (): void {
    const before = this.#capacity
    if (before === this.#limit) {
      throw new TwinwireError('ERR_EVENT_LIMIT', 'too many events are pending: what schedules them does not end', {
        expected: `at most ${this.#limit} (option maxPending)`
      })
    }
    const capacity = Math.min(Math.max(1024, before * 2), this.#limit)
    const cells = new Int32Array(capacity * CELLS)
    cells.set(this.#cells)
    this.#cells = cells
    this.#capacity = capacity
    for (let slot = capacity - 1; slot >= before; slot--) {
      this.#release(slot)
    }
  }
}

export function slotOf (id: number): number {
  return id & (SLOTS - 1)
}
