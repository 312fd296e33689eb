import * as z from 'zod'
import { msToNs, NS_PER_MS } from '../core/units.ts'
import type { Kernel } from '../sim/kernel.ts'
import { Processor } from '../sim/tcp/processor.ts'

const MAXIMUM_MS = 60e3
const cost = z.number().min(0).max(MAXIMUM_MS).default(0)

/**
 * What computing takes at a host: `perEventMs` each time that a connection has something to tell, and `perMegabyteMs` for the
 * data that arrives, one after the other.
 */
export const processingSchema = z.strictObject({ perEventMs: cost, perMegabyteMs: cost })

/** What computing takes at a host. @interface */
export type ProcessingInput = z.input<typeof processingSchema>
export type Processing = z.output<typeof processingSchema>

/** The host's processor; none where computing takes no time. */
export function processorOf (kernel: Kernel, processing: Processing | undefined): Processor | undefined {
  return processing === undefined || processing.perEventMs + processing.perMegabyteMs === 0
    ? undefined
    : new Processor(kernel, { perEventNs: msToNs(processing.perEventMs), perByteNs: processing.perMegabyteMs * NS_PER_MS / 1e6 })
}
