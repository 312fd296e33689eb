import { fork } from 'node:child_process'
import { once } from 'node:events'
import { multiaddr } from '@multiformats/multiaddr'
import type { ChildProcess } from 'node:child_process'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Setup } from './nodes.ts'

/** Asks for the processor's time so far. */
export interface Question {
  readonly id: number
}

export type Answer = { readonly addresses: readonly string[] } | { readonly id: number, readonly cpuMicroseconds: number }

/** The process that serves. */
export class Server {
  /** In the order of its set-ups. */
  readonly addresses: readonly Multiaddr[]
  readonly #process: ChildProcess
  #nextId = 1

  private constructor (child: ChildProcess, addresses: readonly string[]) {
    this.#process = child
    this.addresses = addresses.map(address => multiaddr(address))
  }

  /** Resolves when it listens. */
  static async start (setups: readonly Setup[]): Promise<Server> {
    const child = fork(new URL('./server.ts', import.meta.url), setups, { serialization: 'advanced' })
    const answer = await answerOf(child, message => 'addresses' in message)
    return new Server(child, 'addresses' in answer ? answer.addresses : [])
  }

  /** User and system, since it began. */
  async cpuMicroseconds (): Promise<number> {
    const id = this.#nextId++
    const answered = answerOf(this.#process, message => 'id' in message && message.id === id)
    this.#process.send({ id } satisfies Question)
    const answer = await answered
    return 'id' in answer ? answer.cpuMicroseconds : NaN
  }

  async stop (): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill()
    await exited
  }
}

async function answerOf (child: ChildProcess, isIt: (answer: Answer) => boolean): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the server ended with ${code}`))
    const onMessage = (message: unknown): void => {
      if (isIt(message as Answer)) {
        child.off('message', onMessage)
        child.off('exit', onExit)
        resolve(message as Answer)
      }
    }
    child.on('message', onMessage)
    child.on('exit', onExit)
  })
}
