import { arch, cpus, release, totalmem, type } from 'node:os'
import type { Machine } from './data.ts'

/** This machine, as results describe it. */
export function describeMachine (): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    os: `${type()} ${release()} ${arch()}`
  }
}
