import { Kernel } from '../../../src/sim/kernel.ts'
import { VirtualClock } from '../../../src/sim/virtual-clock.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { PeerId } from '../../../src/optim/port.ts'

export interface VirtualTime {
  readonly clock: Clock
  /** Timers and events that have not fired. */
  readonly pending: number
}

/** Runs `body` in virtual time until it returns. A body that waits for nothing that will happen is a deadlock. */
export async function inVirtualTime<T> (body: (time: VirtualTime) => Promise<T>): Promise<T> {
  const kernel = new Kernel()
  const clock = new VirtualClock(kernel)
  let finished = false
  const result = body({ clock, get pending () { return kernel.pending } }).finally(() => { finished = true })
  // Whoever fails first is who is heard: a body that rejects has finished.
  await Promise.all([kernel.runAsync(() => finished), result])
  return await result
}

/** A peer id that is its name. */
export function peerNamed (name: string): PeerId {
  return { toString: () => name, equals: other => String(other) === name }
}
