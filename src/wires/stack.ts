import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { show, TwinwireError } from '../core/errors.ts'
import type { StackOptions } from './stack/stack-peers.ts'
import type { Scenario } from './scenario.ts'
import type { RunOutcome, RunRequest, Wire } from './wire.ts'
import { runError } from './wire.ts'

export type { StackOptions } from './stack/stack-peers.ts'

/** What a thread is asked to run: plain data. */
export interface StackTask extends Omit<RunRequest, 'rolesModule' | 'signal'> {
  /** A URL. */
  readonly rolesModule: string
  readonly options: StackOptions
}

/** Source and build differ in their extension. */
const THREAD = new URL(`./stack/stack-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

const EXIT_LIMIT_MS = 500
/** Real time in which a run that is cut short says what it has recorded. */
const INTERRUPT_GRACE_MS = 3_000
/** Of a thread that has ended. */
const GONE = -1

/**
 * The whole of js-libp2p, unmodified, over simulated TCP in virtual time. Each run has a thread of its own, which lives in
 * virtual time from before libp2p is loaded: timers, dates, chance and keys are the run's. Runs with the same request do
 * the same, event by event; the outcome's trace hash proves it.
 */
export class StackWire implements Wire {
  readonly name = 'stack'
  readonly #options: StackOptions
  readonly #threads = new Set<Worker>()

  constructor (options: StackOptions = {}) {
    this.#options = options
  }

  async run ({ rolesModule, signal, ...request }: RunRequest): Promise<RunOutcome> {
    checkFreezes(request.scenario)
    const task: StackTask = { ...request, rolesModule: rolesModule.href, options: this.#options }
    const thread = new Worker(THREAD, { workerData: task, stdout: true, execArgv: [] })
    this.#threads.add(thread)
    // Results go to this process's standard output; what a role prints is not among them.
    thread.stdout.on('data', (chunk: Buffer) => process.stderr.write(chunk))
    try {
      return await outcomeOf(thread, signal)
    } finally {
      this.#threads.delete(thread)
      await ended(thread)
    }
  }

  /** Ends the runs under way. */
  async stop (): Promise<void> {
    await Promise.all([...this.#threads].map(async thread => await thread.terminate()))
  }
}

/**
 * All hosts of a run share its thread and its timers: to hold back what one of them is sent, and not its timers, would be
 * half of a freeze.
 *
 * @throws ERR_UNSUPPORTED
 */
function checkFreezes ({ faults }: Scenario): void {
  const index = faults.findIndex(({ kind }) => kind === 'freeze')
  if (index >= 0) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'hosts that share a thread cannot be frozen one by one', {
      path: `scenario.faults[${index}]`, expected: 'no freeze on the stack wire', found: show(faults[index])
    })
  }
}

/** A thread that is done ends by itself, when what it printed has been told; one that has begun what does not end is ended. */
async function ended (thread: Worker): Promise<void> {
  const limit = new AbortController()
  const exited = once(thread, 'exit', { signal: limit.signal }).catch(() => {})
  const timer = setTimeout(() => limit.abort(), EXIT_LIMIT_MS)
  if (thread.threadId !== GONE) {
    await exited
  }
  clearTimeout(timer)
  limit.abort()
  await thread.terminate()
}

async function outcomeOf (thread: Worker, signal: AbortSignal | undefined): Promise<RunOutcome> {
  let grace: NodeJS.Timeout | undefined
  const { promise, resolve } = Promise.withResolvers<RunOutcome>()
  const interrupt = (): void => {
    thread.postMessage('interrupt')
    // A role that never lets go of its thread does not hear of it.
    grace = setTimeout(() => resolve({ events: [], interrupted: true }), INTERRUPT_GRACE_MS)
  }
  if (signal?.aborted === true) {
    interrupt()
  }
  signal?.addEventListener('abort', interrupt, { once: true })
  const fail = (error: unknown): void => resolve({ events: [], interrupted: false, error: runError(error) })
  thread.once('message', resolve)
  // What no promise and no handler has caught: a listener of a role that throws, say.
  thread.once('error', fail)
  thread.once('exit', code => fail(new TwinwireError('ERR_HOST_DIED', `the run's thread ended with code ${code}`)))
  try {
    return await promise
  } finally {
    clearTimeout(grace)
    signal?.removeEventListener('abort', interrupt)
  }
}
