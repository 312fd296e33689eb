import { CommanderError } from 'commander'
import { TwinwireError } from '../core/errors.ts'
import type { RunTurns } from '../wires/tcp.ts'
import type { CliContext } from './context.ts'
import { ownVersion } from './environment.ts'
import type { Machinery } from './execute.ts'
import { Interruption } from './interruption.ts'
import { ExitCode } from './options.ts'
import { createProgram } from './program.ts'

/** Real runs of both networks may go side by side. */
let turns: RunTurns | undefined

/** The wires as they ship. */
const shippedMachinery: Machinery = {
  experimentsDirectory: new URL('../../experiments/', import.meta.url),
  simWorker: new URL(import.meta.url.endsWith('.ts') ? 'sim-worker.ts' : 'sim-worker.js', import.meta.url),
  // libp2p takes longer to load than a simulation to run.
  async createStackWire (options) {
    const { StackWire } = await import('../wires/stack.ts')
    return new StackWire(options)
  },
  async createTcpWire (network = 'relay') {
    const { RunTurns, TcpWire } = await import('../wires/tcp.ts')
    turns ??= new RunTurns()
    const wire = new TcpWire({ network, turns })
    await wire.checkMachine()
    return wire
  },
  unitLimitMs: 600_000,
  graceMs: 5_000
}

/** Carries out the process's command line and sets its exit code. */
export async function runFromCommandLine (machinery: Machinery = shippedMachinery): Promise<void> {
  const interrupt = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    const interruption = new Interruption(signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT')
    if (interrupt.signal.aborted) {
      process.exit(interruption.exitCode)
    }
    interrupt.abort(interruption)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const { stdout, stderr } = process
  stdout.on('error', ignoreClosedPipe)
  stderr.on('error', ignoreClosedPipe)
  process.exitCode = await runCommand(process.argv.slice(2), {
    stdout, stderr, machinery, signal: interrupt.signal, workingDirectory: process.cwd(), environment: process.env
  })
  process.off('SIGINT', onSignal)
  process.off('SIGTERM', onSignal)
}

/** Who reads our output may have enough of it (`| head`): what was asked for is done all the same, and its results are kept. */
function ignoreClosedPipe (error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') {
    throw error
  }
}

/**
 * Carries out one command.
 *
 * @param args without the programme's own name
 * @returns the exit code; what was wrong with the command is a line on stderr by then
 */
export async function runCommand (args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = ExitCode.ok
  const program = createProgram(context, await ownVersion(), code => { exitCode = code })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    const reported = error instanceof CommanderError ? badUse(error) : error
    if (reported === undefined) {
      // Help or the version, which commander has written.
      return error instanceof CommanderError && error.exitCode === 0 ? ExitCode.ok : ExitCode.badUse
    }
    if (!(reported instanceof TwinwireError)) {
      throw reported
    }
    context.stderr.write(`error [${reported.code}]: ${reported.message}\n`)
    if (reported instanceof Interruption) {
      return reported.exitCode
    }
    return reported.code === 'ERR_EXPERIMENT_LOAD' ? ExitCode.failed : ExitCode.badUse
  }
}

/** Commander's complaint as one of ours; undefined where it is none. */
function badUse ({ code, message }: CommanderError): TwinwireError | undefined {
  if (/^commander\.(help|helpDisplayed|version)$/.test(code)) {
    return undefined
  }
  const text = message.replace(/^error: /, '')
  const suggestion = /\s*\(Did you mean (.*)\?\)$/.exec(text)
  const complaint = suggestion === null ? text : text.slice(0, suggestion.index)
  const unknown = code === 'commander.unknownOption' || code === 'commander.unknownCommand'
  return new TwinwireError(unknown ? 'ERR_UNKNOWN_OPTION' : 'ERR_INVALID_OPTION', complaint, {
    path: 'command line', expected: suggestion?.[1] ?? 'what --help shows'
  })
}
