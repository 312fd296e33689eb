import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { MemoryMeter, ProcessMemory } from '../wire.ts'

/** Of this process. */
export const processMemory: MemoryMeter = {
  now: measured,
  collected () {
    collector ??= exposedCollector()
    // What only the first collection made unreachable (by weak references, say) goes with the second.
    collector()
    collector()
    return measured()
  }
}

let collector: (() => void) | undefined

function measured (): ProcessMemory {
  const { heapUsed, external, rss } = process.memoryUsage()
  return { usedBytes: heapUsed + external, residentBytes: rss }
}

/** Without a flag at the start of the process, so that processes that are not measured are the same. */
function exposedCollector (): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
