/** What can be on a roster: it remembers where. Of one roster at a time. */
export interface Listed {
  /** The roster's own. */
  place: number
}

/**
 * A set of what is under way now, in no order. Not a `Set`: one that is filled and emptied over and over is made anew each
 * time it grows or shrinks, and what it ever held then lives until the next full collection (see `AttemptMap`).
 */
export class Roster<Member extends Listed> {
  readonly #members: Member[] = []

  get size (): number {
    return this.#members.length
  }

  add (member: Member): void {
    member.place = this.#members.length
    this.#members.push(member)
  }

  /** Does nothing where it is not on it, or no more. */
  delete (member: Member): void {
    const { place } = member
    const last = this.#members.at(-1)
    if (last !== undefined && this.#members[place] === member) {
      this.#members[place] = last
      last.place = place
      this.#members.pop()
    }
  }

  /** Those that are on it now. */
  members (): Member[] {
    return [...this.#members]
  }
}
