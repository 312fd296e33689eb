import { getHeapStatistics } from 'node:v8'
import { systemClock } from '../../src/core/clock.ts'
import { compressionOperations } from './operations/compression.ts'
import { pathOperations } from './operations/path.ts'
import { policyOperations } from './operations/policies.ts'
import { quantileSorted } from '../../src/stats/quantile.ts'
import { report } from './report.ts'
import type { Operation } from './operations/operation.ts'

// What single operations of the modules cost: nanoseconds, and bytes of V8's heap (off-heap buffers are not in it).

const NAME = 'modules/operations'
const REPETITIONS = 7
const REPETITION_MS = 40

let sink: unknown

function loop (operation: Operation, times: number): void {
  for (let i = 0; i < times; i++) {
    sink = operation.run()
  }
}

/** So many times that it takes as long as a repetition should, compiled by then. */
function calibrate (operation: Operation): number {
  for (let times = 1; ; times *= 2) {
    const startMs = systemClock.now()
    loop(operation, times)
    const elapsedMs = systemClock.now() - startMs
    if (elapsedMs >= REPETITION_MS) {
      return Math.max(1, Math.round(times * REPETITION_MS / elapsedMs))
    }
  }
}

function allocatedBytes (): number {
  return (getHeapStatistics() as unknown as { readonly total_allocated_bytes?: number }).total_allocated_bytes ?? NaN
}

function measure (operation: Operation): void {
  const { name, count = 1, of = 'operation' } = operation
  const times = calibrate(operation)
  const nanoseconds = new Float64Array(REPETITIONS)
  const bytes = new Float64Array(REPETITIONS)
  for (let i = 0; i < REPETITIONS; i++) {
    globalThis.gc?.()
    const before = allocatedBytes()
    const startMs = systemClock.now()
    loop(operation, times)
    nanoseconds[i] = (systemClock.now() - startMs) * 1e6 / times / count
    bytes[i] = (allocatedBytes() - before) / times / count
  }
  report({ name: NAME, parameters: { operation: name }, unit: `ns/${of}`, value: quantileSorted(nanoseconds.sort(), 0.5) })
  // A repetition with few operations has the measuring itself in it.
  report({ name: NAME, parameters: { operation: name }, unit: `bytes allocated/${of}`, value: quantileSorted(bytes.sort(), 0.5) })
}

for (const operation of [...policyOperations(), ...pathOperations(), ...compressionOperations()]) {
  measure(operation)
}
// Read, so that it has to be written.
process.exit(sink === process ? 1 : 0)
