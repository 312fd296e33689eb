import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { TwinwireError } from '../core/errors.ts'
import type { UnitKey } from '../experiment/unit.ts'
import { runError } from '../wires/wire.ts'
import type { CliContext } from './context.ts'
import type { LoadedProgram } from './verify-program.ts'
import type { VerifiedRun, VerifyMessage, VerifyTask } from './verify-task.ts'

/** One of the two processes that are held beside each other. */
export interface Side {
  /** The Node that it runs on: its binary and its version. */
  readonly nodePath: string
  readonly nodeVersion: string
  readonly program: LoadedProgram
  /** How many runs at a time. */
  readonly jobs: number
}

/** What both are to run. */
export type SharedTask = Pick<VerifyTask, 'experiment' | 'parameters' | 'units' | 'eventLog'>

/**
 * Runs all units in a process that has run nothing before, and ends it.
 *
 * @param onFinished gets each unit with the real time that it took
 * @returns what became of the units, in their order: those that the process did not live to finish, or that were cut
 * short by the context's signal, have an error
 */
export async function runSide (side: Side, shared: SharedTask, { machinery, signal }: CliContext, onFinished: (unit: UnitKey, run: VerifiedRun, tookMs: number) => void): Promise<VerifiedRun[]> {
  const task: VerifyTask = {
    ...shared,
    experimentsDirectory: side.program.experimentsDirectory.href,
    simWorker: side.program.simWorker.href,
    jobs: side.jobs,
    unitLimitMs: machinery.unitLimitMs,
    graceMs: machinery.graceMs
  }
  const child = fork(side.program.entry, {
    execPath: side.nodePath,
    execArgv: [],
    // What roles print is no result.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc']
  })
  const complaint = new Complaint(child.stderr)
  const kill = (): void => { child.kill() }
  signal.addEventListener('abort', kill)
  const runs = new Map<number, VerifiedRun>()
  child.on('message', ({ unit, tookMs, ...run }: VerifyMessage) => {
    runs.set(unit, run)
    onFinished(shared.units[unit], run, tookMs)
    if (runs.size === shared.units.length) {
      child.disconnect()
    }
  })
  try {
    // Where it cannot be sent, the process has died, which is seen below.
    child.send(task, () => {})
    if (signal.aborted) {
      kill()
    }
    const [[code, killedBy]] = await Promise.all([once(child, 'exit'), complaint.whole])
    const died = new TwinwireError('ERR_PROCESS_DIED', 'the process ended before this run was over', {
      found: `${killedBy ?? `exit code ${code}`}${complaint.line}`
    })
    return shared.units.map((_, index) => runs.get(index) ?? { error: runError(died) })
  } finally {
    signal.removeEventListener('abort', kill)
    child.kill()
  }
}

/** What a process says on its standard error. */
class Complaint {
  /** When nothing more will come. */
  readonly whole: Promise<void>
  #text = ''

  constructor (stderr: Readable | null) {
    stderr?.setEncoding('utf8').on('data', (chunk: string) => { this.#text = (this.#text + chunk).slice(-10_000) })
    this.whole = stderr === null ? Promise.resolve() : finished(stderr)
  }

  /** The line that says most, behind a colon; nothing where there is none. */
  get line (): string {
    const line = this.#text.split('\n').find(line => /^\s*\[?\w*Error\b/.test(line))
    return line === undefined ? '' : `: ${line.trim()}`
  }
}
