import { parentPort, workerData } from 'node:worker_threads'
import { deadlineOf, generationOf } from './near-memory.ts'
import { monotonicNowMs } from './monotonic.ts'

// Says that it runs. Then it sleeps until the deadline in shared memory is reached, says so once, and sleeps until there is
// another one.

const memory = workerData as SharedArrayBuffer
const generation = generationOf(memory)
const deadline = deadlineOf(memory)

parentPort?.postMessage(undefined)
for (;;) {
  const seen = Atomics.load(generation, 0)
  const leftMs = deadline[0] - monotonicNowMs()
  if (leftMs > 0) {
    Atomics.wait(generation, 0, seen, leftMs)
  } else {
    parentPort?.postMessage(undefined)
    Atomics.wait(generation, 0, seen)
  }
}
