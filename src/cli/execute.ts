import { once } from 'node:events'
import { sleep, systemClock, timeoutSignal } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import type { LoadedExperiment } from '../experiment/registry.ts'
import { runUnit } from '../experiment/run-unit.ts'
import type { UnitKey, UnitResult } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { TcpNetwork } from '../wires/tcp/host-networks.ts'
import type { StackOptions } from '../wires/stack.ts'
import { runError } from '../wires/wire.ts'
import type { RunParameters, Wire, WireName } from '../wires/wire.ts'
import { inTurn } from './in-turn.ts'
import type { SimThreads } from './sim-task.ts'
import type { Stage } from './stages.ts'

/** What brings units to life; tests put their own in its place. */
export interface Machinery {
  readonly experimentsDirectory: URL
  /** A module whose default export takes a `SimTask` and returns its `UnitResult`. */
  readonly simWorker: URL
  createStackWire(options?: StackOptions): Promise<Wire>
  /**
   * @param network default: `relay`
   * @throws ERR_UNSUPPORTED where this machine has no such network
   */
  createTcpWire(network?: TcpNetwork): Promise<Wire>
  /**
   * Real time after which a unit is given up: it hangs. Real peers have it beside what their scenario may take, for the
   * processes of all runs that share the machine are started, and warmed up, in turn.
   */
  readonly unitLimitMs: number
  /** Real time that a wire has to end a run that was cut short; then nobody waits for it any more. */
  readonly graceMs: number
}

export interface PlayerOptions {
  readonly loaded: LoadedExperiment
  readonly parameters: RunParameters
  readonly machinery: Machinery
  /** Where simulations run; whoever made them stops them, when none is to come. */
  readonly simThreads: SimThreads
  /** Units under way are dropped. */
  readonly signal: AbortSignal
  /** The one of the units in virtual time whose events are written to a file, as in `RunRequest`. */
  readonly eventLog?: { readonly unit: UnitKey, readonly path: string }
  /** Whether the result of a simulation has its course. Default: none has. */
  readonly records?: (unit: UnitKey) => boolean
  /** Told of each unit that came to its end, well or not; `tookMs` is real time. */
  onFinished(unit: UnitKey, result: UnitResult, tookMs: number): void
}

export interface ExecuteOptions extends PlayerOptions {
  readonly stages: readonly Stage[]
}

/** Runs all stages, one after the other; but for the threads of simulations no thread, process or socket is left when it returns. */
export async function execute (options: ExecuteOptions): Promise<void> {
  for (const wire of WIRES) {
    const stages = options.stages.filter(stage => stage.wire === wire)
    if (stages.length === 0 || options.signal.aborted) {
      continue
    }
    const player = await createPlayer(wire, options)
    try {
      for (const stage of stages) {
        await inTurn(stage.units, stage, options.signal, async unit => await player.play(unit, stage))
      }
    } finally {
      await player.stop()
    }
  }
}

/** Plays units of one experiment on one wire. */
export interface Player {
  /** Tells `onFinished` of the unit, unless that was dropped because all is being cut short. */
  play(unit: UnitKey, stage: Stage): Promise<void>
  stop(): Promise<void>
}

/** @throws what a wire that cannot be made throws */
export async function createPlayer (wire: WireName, options: PlayerOptions): Promise<Player> {
  const runner = await createRunner(wire, options)
  return {
    async play (unit, { scenarioLimitMsOf }) {
      const startedMs = systemClock.now()
      const limitMs = options.machinery.unitLimitMs + (scenarioLimitMsOf?.(unit) ?? 0)
      const result = await runWithin(limitMs, options, unit, runner)
      if (result !== undefined) {
        options.onFinished(unit, result, systemClock.now() - startedMs)
      }
    },
    stop: async () => await runner.stop()
  }
}

interface Runner {
  /** Settles soon after the signal aborts, or never where the unit hangs. */
  run(unit: UnitKey, signal: AbortSignal): Promise<UnitResult>
  stop(): Promise<void>
}

async function createRunner (wire: WireName, options: PlayerOptions): Promise<Runner> {
  if (wire === 'sim') {
    return simRunner(options)
  }
  const { machinery } = options
  return wireRunner(options, await (wire === 'stack' ? machinery.createStackWire() : machinery.createTcpWire()))
}

function simRunner ({ loaded, parameters, simThreads, eventLog, records }: PlayerOptions): Runner {
  return {
    run: async (unit, signal) => await simThreads.run({
      experiment: loaded.experiment.name,
      experimentsDirectory: new URL('.', loaded.rolesModule).href,
      parameters,
      unit,
      ...(eventLog?.unit === unit ? { eventLog: eventLog.path } : {}),
      ...(records?.(unit) === true ? { course: true } : {})
    }, signal),
    async stop () {}
  }
}

/** For wires that run each unit in threads or processes of their own. */
function wireRunner ({ loaded, parameters, eventLog }: PlayerOptions, wire: Wire): Runner {
  return {
    run: async (unit, signal) => await runUnit({ loaded, parameters, unit, wire, signal, ...eventLog?.unit === unit && { eventLog: eventLog.path } }),
    stop: async () => await wire.stop()
  }
}

/** Undefined where the unit was dropped because all is being cut short. */
async function runWithin (limitMs: number, { signal, machinery: { graceMs } }: PlayerOptions, unit: UnitKey, runner: Runner): Promise<UnitResult | undefined> {
  const deadline = timeoutSignal(systemClock, limitMs, signal)
  let result: UnitResult
  try {
    result = await settledOrGivenUp(runner.run(unit, deadline.signal), deadline.signal, graceMs)
  } catch (error) {
    result = { ...unit, samples: [], error: runError(error) }
  } finally {
    deadline[Symbol.dispose]()
  }
  if (deadline.timedOut) {
    const hung = new TwinwireError('ERR_TIMEOUT', 'the run hung', {
      expected: `to end within ${limitMs / 1000} s of real time`, found: 'no end'
    })
    return { ...result, error: runError(hung) }
  }
  return signal.aborted && result.error !== undefined ? undefined : result
}

/** @throws ERR_INTERRUPTED where `promise` has not settled a while after the signal aborted */
async function settledOrGivenUp<T> (promise: Promise<T>, signal: AbortSignal, graceMs: number): Promise<T> {
  const settled = new AbortController()
  const giveUp = async (): Promise<never> => {
    if (!signal.aborted) {
      await once(signal, 'abort', { signal: settled.signal })
    }
    await sleep(systemClock, graceMs, settled.signal)
    throw new TwinwireError('ERR_INTERRUPTED', 'the run did not end when it was cut short')
  }
  try {
    return await Promise.race([promise, giveUp()])
  } finally {
    settled.abort()
  }
}
