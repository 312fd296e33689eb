import * as z from 'zod'
import { parseOptions } from '../core/options.ts'
import type { ConnectionPoolOptions } from './pool/options.ts'
import type { AdaptiveTimeoutsOptions } from './timeouts/options.ts'

/** Which modules work, and how. Each can be switched off alone; `true` is the module with its defaults. */
export interface OptimizedNetworkOptions {
  /** Keeps connections and streams for the next request. Default true. */
  readonly connectionPool?: boolean | ConnectionPoolOptions
  /** Times out, retries and hedges by what each peer's answers take. Default true. */
  readonly adaptiveTimeouts?: boolean | AdaptiveTimeoutsOptions
}

/** The options of each module that is on. */
export interface NetworkSettings {
  readonly connectionPool: ConnectionPoolOptions | undefined
  readonly adaptiveTimeouts: AdaptiveTimeoutsOptions | undefined
}

/**
 * Sorts out which modules are on; their own options are checked by themselves.
 *
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function parseNetworkOptions (options: OptimizedNetworkOptions): NetworkSettings {
  const { connectionPool, adaptiveTimeouts } = parseOptions(schema, options, '')
  return { connectionPool: settingsOf(connectionPool), adaptiveTimeouts: settingsOf(adaptiveTimeouts) }
}

const moduleSchema = z.union([z.boolean(), z.looseObject({})]).default(true)
const schema = z.strictObject({ connectionPool: moduleSchema, adaptiveTimeouts: moduleSchema })

function settingsOf (option: boolean | object): object | undefined {
  if (typeof option === 'object') {
    return option
  }
  return option ? {} : undefined
}
