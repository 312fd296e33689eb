import { TwinwireError } from '../core/errors.ts'
import { loadExperiment } from '../experiment/registry.ts'
import { execute } from './execute.ts'
import type { SimThreads } from './sim-task.ts'
import { planStages } from './stages.ts'
import { Threads } from './threads.ts'
import type { VerifyMessage, VerifyTask } from './verify-task.ts'

// A process that `verify` compares with another: runs what it is sent as `run` does. It ends when its parent lets go of
// it, also where the parent died.
process.on('disconnect', () => process.exit())
process.once('message', (task: VerifyTask) => { void carryOut(task) })

async function carryOut (task: VerifyTask): Promise<void> {
  const { units, eventLog } = task
  const experimentsDirectory = new URL(task.experimentsDirectory)
  const loaded = await loadExperiment(task.experiment, experimentsDirectory)
  const indices = new Map(units.map((unit, index) => [unit, index]))
  const simThreads: SimThreads = new Threads(new URL(task.simWorker), task.jobs)
  await execute({
    loaded,
    parameters: task.parameters,
    stages: planStages(loaded.experiment, task.parameters, units, task),
    machinery: {
      experimentsDirectory,
      simWorker: new URL(task.simWorker),
      async createStackWire () {
        const { StackWire } = await import('../wires/stack.ts')
        return new StackWire()
      },
      async createTcpWire () {
        throw new TwinwireError('ERR_UNSUPPORTED', 'runs in real time cannot be verified')
      },
      unitLimitMs: task.unitLimitMs,
      graceMs: task.graceMs
    },
    simThreads,
    signal: new AbortController().signal,
    ...(eventLog === undefined ? {} : { eventLog: { unit: units[eventLog.unit], path: eventLog.path } }),
    onFinished (unit, { traceHash, error }, tookMs) {
      const message: VerifyMessage = {
        unit: indices.get(unit) ?? -1,
        ...(traceHash === undefined ? {} : { traceHash }),
        ...(error === undefined ? {} : { error }),
        tookMs
      }
      process.send?.(message)
    }
  })
  await simThreads.stop()
}
