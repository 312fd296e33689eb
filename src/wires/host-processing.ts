import * as z from 'zod'
import { msToNs, NS_PER_MS } from '../core/units.ts'
import type { Kernel } from '../sim/kernel.ts'
import type { Clock } from '../core/clock.ts'
import { ProgramClock } from '../sim/program-clock.ts'
import { Processor } from '../sim/tcp/processor.ts'

const MAXIMUM_MS = 60e3
const cost = z.number().min(0).max(MAXIMUM_MS).default(0)

/**
 * What computing takes at a host: `perEventMs` each time that a connection has something to tell, and `perMegabyteMs` for the
 * data that arrives, one after the other.
 */
export const processingSchema = z.strictObject({ perEventMs: cost, perMegabyteMs: cost })

/** As scenarios have it. `ofRealPeers`: it stands for what real peers take by themselves, so that the tcp wire, which else refuses it, leaves it to them. */
export const scenarioProcessingSchema = processingSchema.extend({ ofRealPeers: z.boolean().default(false) })

/** What computing takes at a host. @interface */
export type ProcessingInput = z.input<typeof processingSchema>
export type Processing = z.output<typeof processingSchema>

/** The host's processor; none where computing takes no time, unless it is one that freezes. */
export function processorOf (kernel: Kernel, processing: Processing | undefined, freezes = false): Processor | undefined {
  const { perEventMs, perMegabyteMs } = processing ?? { perEventMs: 0, perMegabyteMs: 0 }
  return perEventMs + perMegabyteMs === 0 && !freezes
    ? undefined
    : new Processor(kernel, { perEventNs: msToNs(perEventMs), perByteNs: perMegabyteMs * NS_PER_MS / 1e6 })
}

/** The clock of a host's programs: their timers wait while the processor is frozen. */
export function programClock (clock: Clock, processor: Processor | undefined): Clock {
  return processor === undefined ? clock : new ProgramClock(clock, processor)
}
