import { Child } from './child.ts'

/**
 * Child processes of one kind, kept between runs because starting one (importing and warming up libp2p) takes a second.
 */
export class ChildPool<Command> {
  readonly #module: string
  readonly #within: readonly string[]
  readonly #idle: Array<Child<Command>> = []
  readonly #all = new Set<Child<Command>>()

  /** As a `Child` takes them. */
  constructor (module: string, within: readonly string[] = []) {
    this.#module = module
    this.#within = within
  }

  /** An idle process, or a new one; `fresh`: a new one. */
  acquire ({ fresh = false }: { readonly fresh?: boolean } = {}): Child<Command> {
    for (let child = fresh ? undefined : this.#idle.pop(); child !== undefined; child = this.#idle.pop()) {
      if (child.alive) {
        return child
      }
      this.#all.delete(child)
    }
    const child = new Child<Command>(this.#module, this.#within)
    this.#all.add(child)
    return child
  }

  /** Takes a process back. One whose state is not known is to be killed first. */
  release (child: Child<Command>): void {
    child.release()
    if (child.alive) {
      this.#idle.push(child)
    } else {
      this.#all.delete(child)
    }
  }

  async stop (): Promise<void> {
    await Promise.all([...this.#all].map(async child => await child.kill()))
    this.#all.clear()
    this.#idle.length = 0
  }
}
