import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { TwinwireError } from '../../../core/errors.ts'
import type { ChildProcess } from 'node:child_process'

/** It has at most a line to finish. */
const END_LIMIT_MS = 2_000

/**
 * A command (`ip -batch -`, `tc -batch -`) that waits for its lines: starting one takes tens of milliseconds on a busy
 * machine, a line to one that is there does not. It ends at the first line that fails.
 */
export class Batch {
  readonly #command: readonly string[]
  readonly #process: ChildProcess
  readonly #failed = Promise.withResolvers<never>()
  readonly #exited: Promise<unknown>
  #stderr = ''

  constructor (command: readonly string[]) {
    const [file, ...args] = command
    this.#command = command
    // Ctrl-C in a terminal goes to all of a group; this one is to end when it is told, or when its parent is gone.
    this.#process = spawn(file, args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true })
    this.#exited = once(this.#process, 'close').then(([code]) => {
      if (code !== 0) {
        this.#fail(`exit code ${String(code)}`)
      }
    }, (error: Error) => this.#fail(error.message))
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#stderr += text })
    // What was not taken is reported by the exit.
    this.#process.stdin?.on('error', () => {})
    this.#failed.promise.catch(() => {})
  }

  /** Never resolves; rejects with ERR_COMMAND_FAILED when a line has failed. */
  get failed (): Promise<never> {
    return this.#failed.promise
  }

  write (lines: readonly string[]): void {
    this.#process.stdin?.write(`${lines.join('\n')}\n`)
  }

  /** All lines are carried out, or have failed, when it returns. */
  async end (): Promise<void> {
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), END_LIMIT_MS)
    this.#process.stdin?.end()
    await this.#exited
    clearTimeout(limit)
  }

  #fail (how: string): void {
    this.#failed.reject(new TwinwireError('ERR_COMMAND_FAILED', `'${this.#command.join(' ')}' failed`, { found: this.#stderr.trim() || how }))
  }
}
