import seedrandom from 'seedrandom'

/**
 * A deterministic stream of random numbers. Each component forks its own by a label, so that adding a component, or
 * drawing once more in one, shifts no other.
 */
export interface RandomStream {
  /** The path of labels from the run's seed to this stream: all that is needed to make it again. */
  readonly seed: string
  /** Uniform in [0, 1), 32 bits. */
  next(): number
  /** A stream of its own, the same for the same label however much was drawn from this one. */
  fork(label: string): RandomStream
  /** Uniform in [minimum, maximum). */
  uniform(minimum: number, maximum: number): number
  /** Uniform over the integers 0 to bound - 1. */
  integer(bound: number): number
  /** Exponential with the given mean. */
  exponential(mean: number): number
  /** Normal (Box-Muller, one value a call). */
  normal(mean: number, deviation: number): number
  /** Fisher-Yates, in place; returns its argument. */
  shuffle<T>(items: T[]): T[]
}

/** The root stream of a run. The generator is seedrandom's Alea (Baagøe): fast, period about 2^116. */
export function randomStream (seed: string | number): RandomStream {
  return new AleaStream(String(seed))
}

class AleaStream implements RandomStream {
  readonly seed: string
  readonly next: () => number

  constructor (seed: string) {
    this.seed = seed
    this.next = seedrandom.alea(seed)
  }

  fork (label: string): RandomStream {
    // A length before the label keeps 'a/b' + 'c' apart from 'a' + 'b/c'.
    return new AleaStream(`${this.seed}/${label.length}:${label}`)
  }

  uniform (minimum: number, maximum: number): number {
    return minimum + (maximum - minimum) * this.next()
  }

  integer (bound: number): number {
    return Math.floor(this.next() * bound)
  }

  exponential (mean: number): number {
    return -mean * Math.log(1 - this.next())
  }

  normal (mean: number, deviation: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next())
  }

  shuffle<T> (items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const swapped = items[i]
      items[i] = items[j]
      items[j] = swapped
    }
    return items
  }
}
