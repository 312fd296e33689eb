import * as z from 'zod'
import { parseOptions } from '../core/options.ts'
import { MAXIMUM_FRAME_BYTES } from './frames.ts'
import type { ConnectionPoolOptions } from './pool/options.ts'
import type { AdaptiveTimeoutsOptions } from './timeouts/options.ts'

/** Which modules work, and how. Each can be switched off alone; `true` is the module with its defaults. */
export interface OptimizedNetworkOptions {
  /** Keeps connections and streams for the next request. Default true. */
  readonly connectionPool?: boolean | ConnectionPoolOptions
  /** Times out, retries and hedges by what each peer's answers take. Default true. */
  readonly adaptiveTimeouts?: boolean | AdaptiveTimeoutsOptions
  /** The largest request sent and the largest reply taken, in bytes of payload. Default 4 MiB, as in it-length-prefixed. */
  readonly maximumFrameBytes?: number
}

/** The options of each module that is on, and those of all. */
export interface NetworkSettings {
  readonly connectionPool: ConnectionPoolOptions | undefined
  readonly adaptiveTimeouts: AdaptiveTimeoutsOptions | undefined
  readonly maximumFrameBytes: number
}

/**
 * Sorts out which modules are on; their own options are checked by themselves.
 *
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function parseNetworkOptions (options: OptimizedNetworkOptions): NetworkSettings {
  const { connectionPool, adaptiveTimeouts, maximumFrameBytes } = parseOptions(schema, options, '')
  return { connectionPool: settingsOf(connectionPool), adaptiveTimeouts: settingsOf(adaptiveTimeouts), maximumFrameBytes }
}

const moduleSchema = z.union([z.boolean(), z.looseObject({})]).default(true)
const schema = z.strictObject({ connectionPool: moduleSchema, adaptiveTimeouts: moduleSchema, maximumFrameBytes: z.int().positive().default(MAXIMUM_FRAME_BYTES) })

function settingsOf (option: boolean | object): object | undefined {
  if (typeof option === 'object') {
    return option
  }
  return option ? {} : undefined
}
