import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { MemoryMeter, ProcessMemory } from '../wire.ts'

/** Of this process. */
export const processMemory: MemoryMeter = {
  now: measured,
  collected () {
    collector ??= exposedCollector()
    // An ordinary collection leaves it to V8 whether it throws away code that has not run lately and gives pages back: 5 MB
    // of one process and not of the next.
    collector({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    return measured()
  }
}

/** V8's `gc`, behind `--expose-gc` (V8: src/extensions/gc-extension.cc). */
type Collector = (options: { readonly type: 'major', readonly execution: 'sync', readonly flavor: 'last-resort' }) => void

let collector: Collector | undefined

function measured (): ProcessMemory {
  const { heapUsed, external, rss } = process.memoryUsage()
  return { usedBytes: heapUsed + external, residentBytes: rss }
}

/** Without a flag at the start of the process, so that processes that are not measured are the same. */
function exposedCollector (): Collector {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collector
}
