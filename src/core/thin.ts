/** A step function: each value holds from its time until the next one's. Times ascend. */
export interface Steps {
  readonly times: readonly number[]
  readonly values: readonly number[]
}

/** Of each slice that are kept: the least value, the greatest and the last. */
const KEPT = 3

/**
 * The same function in at most `limit` points (3 or more): its span is cut into slices of one width, of each of which the
 * least, the greatest and the last value are kept at their own times. So no spike is lost, and what holds between slices
 * is right.
 */
export function thin (steps: Steps, limit: number): Steps {
  const { times, values } = steps
  if (times.length <= limit) {
    return steps
  }
  const slices = Math.floor(limit / KEPT)
  const fromMs = times[0]
  const width = (times[times.length - 1] - fromMs) / slices
  const kept = { times: [] as number[], values: [] as number[] }
  for (let start = 0; start < times.length;) {
    const slice = sliceOf(times[start], fromMs, width, slices)
    let [least, greatest, last] = [start, start, start]
    while (last + 1 < times.length && sliceOf(times[last + 1], fromMs, width, slices) === slice) {
      last++
      least = values[last] < values[least] ? last : least
      greatest = values[last] > values[greatest] ? last : greatest
    }
    let previous = -1
    // They ascend, and some may be the same.
    for (const index of [Math.min(least, greatest), Math.max(least, greatest), last]) {
      if (index !== previous) {
        kept.times.push(times[index])
        kept.values.push(values[index])
        previous = index
      }
    }
    start = last + 1
  }
  return kept
}

function sliceOf (time: number, from: number, width: number, slices: number): number {
  return width === 0 ? 0 : Math.min(slices - 1, Math.floor((time - from) / width))
}

/**
 * Takes a step function of any length in bounded memory. Whenever it has grown to four times what is wanted of it, it is
 * thinned to twice that, which leaves every spike.
 */
export class StepRecorder {
  readonly #limit: number
  #times: number[] = []
  #values: number[] = []

  /** @param limit points that are wanted in the end; 3 or more */
  constructor (limit: number) {
    this.#limit = limit
  }

  /** The value from now on. The same again changes nothing. */
  add (time: number, value: number): void {
    const { length } = this.#values
    if (length > 0 && this.#values[length - 1] === value) {
      return
    }
    if (length >= 4 * this.#limit) {
      const thinned = thin(this.steps, 2 * this.#limit)
      this.#times = [...thinned.times]
      this.#values = [...thinned.values]
    }
    this.#times.push(time)
    this.#values.push(value)
  }

  /** All that is kept, perhaps more than the limit. */
  get steps (): Steps {
    return { times: this.#times, values: this.#values }
  }
}
