import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { formatSpan } from './format-span.ts'
import { SUMMARY_DATA } from './summary.ts'

interface EarlierSummary {
  /** Absent where it is older than this field. */
  readonly tookSeconds?: number
  readonly experiments: ReadonlyArray<{ readonly name: string, readonly tookSeconds: number }>
}

/**
 * How long several experiments take together, from what they took when the pages were made: the sum of their times, less
 * the part of it that went side by side then.
 */
export class WholeEstimate {
  readonly #startMs = systemClock.now()
  readonly #expectedMs: number
  /** Of each of them a time is known. */
  readonly #complete: boolean

  private constructor (expectedMs: number, complete: boolean) {
    this.#expectedMs = expectedMs
    this.#complete = complete
  }

  /** Nothing is known where there are no pages: an estimate is no reason to fail. */
  static async of (pages: string, names: readonly string[]): Promise<WholeEstimate> {
    try {
      const { experiments, tookSeconds = Infinity } = JSON.parse(await readFile(join(pages, SUMMARY_DATA), 'utf8')) as EarlierSummary
      const times = new Map(experiments.map(experiment => [experiment.name, experiment.tookSeconds]))
      const ofAll = experiments.reduce((sum, experiment) => sum + experiment.tookSeconds, 0)
      const ofThese = names.reduce((sum, name) => sum + (times.get(name) ?? 0), 0)
      return new WholeEstimate(ofThese * Math.min(1, tookSeconds / ofAll) * 1000, names.every(name => times.has(name)))
    } catch {
      return new WholeEstimate(0, false)
    }
  }

  /** To follow what is under way; empty where nothing is known. */
  get left (): string {
    const leftMs = this.#expectedMs - (systemClock.now() - this.#startMs)
    return !(leftMs > 0) ? '' : `, all done in ${this.#complete ? 'about' : 'more than'} ${formatSpan(leftMs)}`
  }
}
