import type { UnitKey } from '../experiment/unit.ts'
import type { Stage } from './stages.ts'

export interface Remaining {
  readonly timeMs: number
  /** False while there are units of which nothing is known, as none like them has finished: then `timeMs` leaves them out. */
  readonly complete: boolean
}

/**
 * How long the rest will take: for each unit left, the mean time of its stage's finished units of the same case (in a stage
 * of several experiments: with the same limit, too; where there is none yet, of any that weigh as much). They take as much of the stage's capacity as they weigh, and as long as the longest
 * of them at least.
 */
export class Eta {
  readonly #stages: StageTimes[] = []

  constructor (stages: readonly Stage[] = []) {
    this.add(stages)
  }

  /** More units: in virtual time, of a stage that there is already on the wire, so that what its units took is known. */
  add (stages: readonly Stage[]): void {
    for (const stage of stages) {
      let times = this.#stages.find(({ wire }) => wire === stage.wire && wire !== 'tcp')
      if (times === undefined) {
        times = new StageTimes(stage)
        this.#stages.push(times)
      }
      times.add(stage.units)
    }
  }

  /** To be told of each unit that finished, and of the real time that it took. */
  finished (unit: UnitKey, tookMs: number): void {
    this.#stages.find(stage => stage.units.has(unit))?.finished(unit, tookMs)
  }

  remaining (): Remaining {
    const stages = this.#stages.map(stage => stage.remaining())
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
  readonly #stage: Stage

  constructor (stage: Stage) {
    this.#stage = stage
  }

  get wire (): Stage['wire'] {
    return this.#stage.wire
  }

  add (units: readonly UnitKey[]): void {
    for (const unit of units) {
      this.units.add(unit)
    }
  }

  finished (unit: UnitKey, tookMs: number): void {
    note(this.#byCase, this.#caseOf(unit), tookMs)
    note(this.#byWeight, this.#stage.weightOf(unit), tookMs)
    this.units.delete(unit)
  }

  #caseOf (unit: UnitKey): string {
    return `${unit.case} ${this.#stage.scenarioLimitMsOf?.(unit)}`
  }

  remaining (): Remaining {
    const { capacity, weightOf } = this.#stage
    let weightedMs = 0
    let longestMs = 0
    let complete = true
    for (const unit of this.units) {
      const weight = weightOf(unit)
      const times = this.#byCase.get(this.#caseOf(unit)) ?? this.#byWeight.get(weight)
      if (times === undefined) {
        complete = false
        continue
      }
      const meanMs = times.totalMs / times.count
      weightedMs += weight * meanMs
      longestMs = Math.max(longestMs, meanMs)
    }
    return { timeMs: Math.max(longestMs, weightedMs / capacity), complete }
  }
}

function note<Key> (times: Map<Key, Times>, key: Key, tookMs: number): void {
  const known = times.get(key) ?? { count: 0, totalMs: 0 }
  known.count++
  known.totalMs += tookMs
  times.set(key, known)
}
