/**
 * An abort signal that is made only for who looks at it, and so is the error that it is aborted with, whose stack is the
 * dearest part of a small request. Most handlers look at neither.
 */
export class LazySignal {
  #controller: AbortController | undefined
  #reason: (() => Error) | undefined

  get signal (): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) {
        this.#controller.abort(this.#reason())
      }
    }
    return this.#controller.signal
  }

  get aborted (): boolean {
    return this.#reason !== undefined
  }

  /** The first reason counts. */
  abort (reason: () => Error): void {
    if (this.#reason === undefined) {
      this.#reason = reason
      this.#controller?.abort(reason())
    }
  }
}
