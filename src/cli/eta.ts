import type { UnitKey } from '../experiment/unit.ts'
import type { Stage } from './stages.ts'

export interface Remaining {
  readonly timeMs: number
  /** False while a stage has yet to finish its first unit: then `timeMs` covers the other stages only. */
  readonly complete: boolean
}

/**
 * How long the rest will take: for each unit left, the mean time of its stage's finished units of the same case (where
 * there is none yet, of any case), times what it weighs, divided by what may run at a time.
 */
export class Eta {
  readonly #stages = new Map<string, StageTimes>()

  constructor (stages: readonly Stage[] = []) {
    this.add(stages)
  }

  /**
   * More units: of a stage that there is already where wire, capacity and group are the same, so that what its units took
   * is known.
   *
   * @param group what tells apart stages whose units take other times, such as the experiment's name
   */
  add (stages: readonly Stage[], group = ''): void {
    for (const stage of stages) {
      const key = `${stage.wire} ${stage.capacity} ${group}`
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
    let timeMs = 0
    let complete = true
    for (const stage of this.#stages.values()) {
      const left = stage.remainingMs()
      timeMs += left ?? 0
      complete &&= left !== undefined
    }
    return { timeMs, complete }
  }
}

class StageTimes {
  readonly units = new Set<UnitKey>()
  readonly #byCase = new Map<string, { count: number, totalMs: number }>()
  readonly #stage: Pick<Stage, 'capacity' | 'weightOf'>
  #count = 0
  #totalMs = 0

  constructor (stage: Pick<Stage, 'capacity' | 'weightOf'>) {
    this.#stage = stage
  }

  add (units: readonly UnitKey[]): void {
    for (const unit of units) {
      this.units.add(unit)
    }
  }

  finished (unit: UnitKey, tookMs: number): void {
    const ofCase = this.#byCase.get(unit.case) ?? { count: 0, totalMs: 0 }
    this.#byCase.set(unit.case, { count: ofCase.count + 1, totalMs: ofCase.totalMs + tookMs })
    this.#count++
    this.#totalMs += tookMs
    this.units.delete(unit)
  }

  remainingMs (): number | undefined {
    if (this.units.size === 0) {
      return 0
    }
    if (this.#count === 0) {
      return undefined
    }
    let workMs = 0
    let weight = 0
    for (const unit of this.units) {
      const { count, totalMs } = this.#byCase.get(unit.case) ?? { count: this.#count, totalMs: this.#totalMs }
      workMs += this.#stage.weightOf(unit) * totalMs / count
      weight += this.#stage.weightOf(unit)
    }
    return workMs / Math.min(this.#stage.capacity, weight)
  }
}
