import { loadExperiment } from '../experiment/registry.ts'
import { runUnit } from '../experiment/run-unit.ts'
import type { UnitKey, UnitResult } from '../experiment/unit.ts'
import type { RunParameters, Wire } from '../wires/wire.ts'
import type { Threads } from './threads.ts'

/** What a worker is asked to run: plain data, because it crosses threads. */
export interface SimTask {
  readonly experiment: string
  /** A URL. */
  readonly experimentsDirectory: string
  readonly parameters: RunParameters
  readonly unit: UnitKey
  /** A file, as in `RunRequest`. */
  readonly eventLog?: string
  /** Whether the result has the run's course. */
  readonly course?: boolean
}

/** The threads that simulations run in. */
export type SimThreads = Threads<SimTask, UnitResult>

/** Runs a task on a wire that is used for nothing else, so that no run can colour the next. */
export async function runSimTask ({ experiment, experimentsDirectory, parameters, unit, eventLog, course }: SimTask, wire: Wire): Promise<UnitResult> {
  try {
    const loaded = await loadExperiment(experiment, new URL(experimentsDirectory))
    return await runUnit({ loaded, parameters, unit, wire, ...(eventLog === undefined ? {} : { eventLog }), ...(course === undefined ? {} : { course }) })
  } finally {
    await wire.stop()
  }
}
