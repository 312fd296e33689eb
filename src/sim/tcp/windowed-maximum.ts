/** The largest of the values of the latest `length` rounds; of each round only what may yet be the largest is kept. */
export class WindowedMaximum {
  readonly #length: number
  /** Rounds ascending, values descending. */
  readonly #rounds: number[] = []
  readonly #values: number[] = []

  constructor (length: number) {
    this.#length = length
  }

  /** 0 before the first. */
  get value (): number {
    return this.#values.length === 0 ? 0 : this.#values[0]
  }

  add (round: number, value: number): void {
    const rounds = this.#rounds
    const values = this.#values
    while (values.length > 0 && values[values.length - 1] <= value) {
      values.pop()
      rounds.pop()
    }
    values.push(value)
    rounds.push(round)
    while (rounds[0] <= round - this.#length) {
      rounds.shift()
      values.shift()
    }
  }
}
