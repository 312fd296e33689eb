import * as z from 'zod'
import { TwinwireError } from '../core/errors.ts'
import { parseOptions } from '../core/options.ts'
import { processingSchema } from '../wires/host-processing.ts'
import type { ProcessingInput } from '../wires/host-processing.ts'
import { duplexSchema } from '../wires/scenario-link.ts'
import type { DuplexInput } from '../wires/scenario-link.ts'
import { SimulatedHost } from '../wires/stack/simulated-host.ts'
import type { SimulatedTcpOptions } from '../wires/stack/simulated-tcp.ts'

/** Where a node stands in a simulated network, and how its transport behaves. */
export interface SimulatedTcpInit extends SimulatedTcpOptions {
  /** Where the node stands: a host of a network of one's own. Default: each node gets a host of its own in one star. */
  readonly host?: SimulatedHost
  /** The host's link to the middle of the star, `forward` away from the host. Default: 10 ms each way, infinitely fast. */
  readonly access?: DuplexInput
  /**
   * What computing takes at the host in the star: `perEventMs` each time that a connection has something to tell, and
   * `perMegabyteMs` for the data that arrives. Default: no time.
   */
  readonly processing?: ProcessingInput
}

/** Node's timers end there. */
const LONGEST_MS = 2 ** 31 - 1

const timeoutMs = z.int().min(0).max(LONGEST_MS).optional()

const schema = z.strictObject({
  host: z.custom<SimulatedHost>(value => value instanceof SimulatedHost, 'what network.host(name) of a simulatedNetwork returns').optional(),
  access: duplexSchema.optional(),
  processing: processingSchema.optional(),
  inboundSocketInactivityTimeout: timeoutMs,
  outboundSocketInactivityTimeout: timeoutMs,
  handshake: z.enum(['real', 'skipped']).optional()
})

export type CheckedTcpInit = z.output<typeof schema>

/**
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function parseTcpInit (input: SimulatedTcpInit): CheckedTcpInit {
  const init = parseOptions(schema, input, '')
  const ofStar = (['access', 'processing'] as const).find(name => init[name] !== undefined)
  if (init.host !== undefined && ofStar !== undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the network of the host says it', { path: ofStar, expected: 'nothing beside host', found: ofStar })
  }
  return init
}
