import { SimWire } from '../wires/sim.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { runSimTask, type SimTask } from './sim-task.ts'

/** What the threads of the pool run. */
export default async function simWorker (task: SimTask): Promise<UnitResult> {
  return await runSimTask(task, new SimWire())
}
