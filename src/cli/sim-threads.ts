import type { UnitResult } from '../experiment/unit.ts'
import type { SimTask } from './sim-task.ts'
import { Threads } from './threads.ts'

/** The threads that simulations run in. */
export class SimThreads extends Threads<SimTask, UnitResult> {}
