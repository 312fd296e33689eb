import type { UnitKey } from '../experiment/unit.ts'
import type { Room } from './in-turn.ts'
import type { Stage } from './stages.ts'

export interface Remaining {
  readonly timeMs: number
  /** False while there are units of which nothing is known, as none like them has finished: then `timeMs` leaves them out. */
  readonly complete: boolean
}

/**
 * How long the rest will take: for each unit left, the mean time of its stage's finished units of the same case (where
 * there is none yet, of any that weigh as much). Those that share the machine take as much of it as they weigh, and as long
 * as the longest of them at least; those that have it alone come one after the other.
 */
export class Eta {
  readonly #stages = new Map<string, StageTimes>()

  constructor (stages: readonly Stage[] = []) {
    this.add(stages)
  }

  /** More units: of a stage that there is already where wire and capacity are the same, so that what its units took is known. */
  add (stages: readonly Stage[]): void {
    for (const stage of stages) {
      const key = `${stage.wire} ${stage.capacity}`
      const known = this.#stages.get(key) ?? new StageTimes(stage)
      known.add(stage.units)
      this.#stages.set(key, known)
    }
  }

  /** To be told of each unit that finished, and of the real time that it took. */
  finished (unit: UnitKey, tookMs: number): void {
    [...this.#stages.values()].find(stage => stage.units.has(unit))?.finished(unit, tookMs)
  }

  remaining (): Remaining {
    const stages = [...this.#stages.values()].map(stage => stage.remaining())
    return { timeMs: stages.reduce((sum, { timeMs }) => sum + timeMs, 0), complete: stages.every(({ complete }) => complete) }
  }
}

interface Times {
  count: number
  totalMs: number
}

class StageTimes {
  readonly units = new Set<UnitKey>()
  readonly #byCase = new Map<string, Times>()
  readonly #byWeight = new Map<number, Times>()
  readonly #room: Room<UnitKey>

  constructor (room: Room<UnitKey>) {
    this.#room = room
  }

  add (units: readonly UnitKey[]): void {
    for (const unit of units) {
      this.units.add(unit)
    }
  }

  finished (unit: UnitKey, tookMs: number): void {
    note(this.#byCase, unit.case, tookMs)
    note(this.#byWeight, this.#room.weightOf(unit), tookMs)
    this.units.delete(unit)
  }

  remaining (): Remaining {
    const { capacity, weightOf } = this.#room
    let aloneMs = 0
    let sharedMs = 0
    let longestMs = 0
    let complete = true
    for (const unit of this.units) {
      const weight = weightOf(unit)
      const times = this.#byCase.get(unit.case) ?? this.#byWeight.get(weight)
      if (times === undefined) {
        complete = false
        continue
      }
      const meanMs = times.totalMs / times.count
      if (weight < capacity) {
        sharedMs += weight * meanMs
        longestMs = Math.max(longestMs, meanMs)
      } else {
        aloneMs += meanMs
      }
    }
    return { timeMs: aloneMs + Math.max(longestMs, sharedMs / capacity), complete }
  }
}

function note<Key> (times: Map<Key, Times>, key: Key, tookMs: number): void {
  const known = times.get(key) ?? { count: 0, totalMs: 0 }
  known.count++
  known.totalMs += tookMs
  times.set(key, known)
}
