import { TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import type { RandomStream } from '../core/random.ts'
import { Kernel } from '../sim/kernel.ts'
import { NativeWork } from '../wires/stack/native-work.ts'
import { EPOCH_MS } from '../wires/stack/virtual-clocks.ts'
import { installVirtualGlobals } from '../wires/stack/virtual-globals.ts'
import type { VirtualTimers } from '../wires/stack/virtual-timers.ts'
import { Pilot } from './pilot.ts'

// This module must come before all that is to live in virtual time, libp2p above all, and therefore imports none of it.

/** The variable of the process's environment that all chance of the simulation comes from. */
const SEED_VARIABLE = 'TWINWIRE_SEED'

export interface Environment {
  readonly kernel: Kernel
  readonly pilot: Pilot
  readonly timers: VirtualTimers
  /** Of the networks. What libp2p itself draws has a stream of its own. */
  readonly random: RandomStream
  /** Whether `action` draws from the thread's chance, so that it belongs to the simulation. */
  readonly isSimulated: (action: () => void) => boolean
}

function createEnvironment (): Environment {
  if (performance.timeOrigin === EPOCH_MS) {
    throw new TwinwireError('ERR_INVALID_STATE', 'this thread is in virtual time already', { expected: 'one import of twinwire/libp2p, and none in roles of the stack wire' })
  }
  const random = randomStream(process.env[SEED_VARIABLE] ?? '1')
  const wake = (): void => pilot.wake()
  const work = new NativeWork(wake)
  const kernel = new Kernel({ outside: work })
  const { timers, random: ambient } = installVirtualGlobals({ kernel, work, random: random.fork('ambient'), onStart: wake })
  const pilot = new Pilot(kernel, () => kernel.pending <= timers.unreferenced && !work.pending)
  return { kernel, pilot, timers, random: random.fork('network'), isSimulated: action => ambient.isDrawnBy(action) }
}

export const environment = createEnvironment()
