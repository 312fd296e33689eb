import { fork } from 'node:child_process'
import { once } from 'node:events'
import { TwinwireError } from '../../core/errors.ts'
import type { ChildProcess } from 'node:child_process'
import type { RecordedEvent } from '../../core/recorder.ts'
import type { ChildMessage } from './messages.ts'

/** Why a command to a child failed: the code is a `TwinwireError`'s, a system error's, or the name of a libp2p error. */
export class ChildFailure extends Error {
  readonly code: string

  constructor (code: string, message: string) {
    super(message)
    this.name = 'ChildFailure'
    this.code = code
  }
}

export interface ChildUse {
  /** What the child is in this run, for messages: `host server`. */
  readonly label: string
  readonly onEvents: (events: readonly RecordedEvent[]) => void
  /** The process died of itself. */
  readonly onDeath: (error: ChildFailure) => void
}

/** A child process that serves run after run, seen from the wire. */
export class Child<Command> {
  readonly #process: ChildProcess
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>()
  #use: ChildUse | undefined
  #nextId = 0
  #alive = true

  /**
   * @param module path of a module from this one's folder, without its extension
   * @param within a command that Node and its arguments are put behind, and that becomes Node: `unshare --net --`
   */
  constructor (module: string, within: readonly string[] = []) {
    // Source and build differ in their extension, and the child is of the same kind as its parent.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const [execPath, ...execArgv] = [...within, process.execPath]
    this.#process = fork(new URL(`./${module}.${extension}`, import.meta.url), {
      execPath,
      execArgv,
      serialization: 'advanced',
      // Its memory and its time are measured: whether another has compiled the same before must not be seen in them.
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
      // Results go to this process's standard output; what a role prints is not among them.
      stdio: ['ignore', 2, 2, 'ipc']
    })
    this.#process.on('message', (message: ChildMessage) => this.#receive(message))
    this.#process.on('exit', (code, signal) => this.#exited(code, signal))
    // A process that could not be started has no exit.
    this.#process.on('error', () => {
      if (this.#process.pid === undefined) {
        this.#exited(null, null)
      }
    })
  }

  get alive (): boolean {
    return this.#alive
  }

  /** Undefined where the process could not be started. */
  get pid (): number | undefined {
    return this.#process.pid
  }

  /** Begins a use; `release` ends it. */
  use (use: ChildUse): void {
    this.#use = use
  }

  release (): void {
    this.#use = undefined
  }

  /**
   * The child's answer.
   *
   * @throws ChildFailure with what the child threw, or ERR_HOST_DIED
   */
  async call (command: Command): Promise<unknown> {
    if (!this.#alive) {
      throw this.#died('has ended')
    }
    const id = this.#nextId++
    const answer = Promise.withResolvers<unknown>()
    this.#pending.set(id, answer)
    // A channel that closes under a message is reported by the exit that follows.
    this.#process.send({ id, command }, () => {})
    return await answer.promise
  }

  async kill (): Promise<void> {
    if (this.#alive) {
      this.#use = undefined
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGKILL')
      await exited
    }
  }

  #receive (message: ChildMessage): void {
    if (message.type === 'events') {
      this.#use?.onEvents(message.events)
      return
    }
    const answer = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.type === 'answer') {
      answer?.resolve(message.value)
    } else {
      answer?.reject(new ChildFailure(message.code, message.message))
    }
  }

  #exited (code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#alive) {
      return
    }
    this.#alive = false
    const how = signal === null ? code === null ? 'could not be started' : `exited with code ${code}` : `was ended by ${signal}`
    const error = this.#died(how)
    for (const answer of this.#pending.values()) {
      answer.reject(error)
    }
    this.#pending.clear()
    this.#use?.onDeath(error)
  }

  #died (how: string): ChildFailure {
    const { code, message } = new TwinwireError('ERR_HOST_DIED', `the process of ${this.#use?.label ?? 'no run'} ${how}`)
    return new ChildFailure(code, message)
  }
}
