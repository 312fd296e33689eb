import * as z from 'zod'
import { parseOptions } from '../core/options.ts'
import { MAXIMUM_FRAME_BYTES } from './frames.ts'
import { classBySize } from './traffic-class.ts'
import type { BandwidthOptions } from './bandwidth/options.ts'
import type { MessageBatchingOptions } from './batching/options.ts'
import type { NetworkHealthOptions } from './health/options.ts'
import type { ConnectionPoolOptions } from './pool/options.ts'
import type { AdaptiveTimeoutsOptions } from './timeouts/options.ts'
import type { ClassPolicy } from './traffic-class.ts'

/** Which modules work, and how. Each can be switched off alone; `true` is the module with its defaults. */
export interface OptimizedNetworkOptions {
  /** Keeps connections and streams for the next request. Default true: at most 1000 connections, 3 a peer, closed after 30 s without use. */
  readonly connectionPool?: boolean | ConnectionPoolOptions
  /** Sends small messages and requests together. Default true: at most 100 in a batch, after at most 10 ms. */
  readonly messageBatching?: boolean | MessageBatchingOptions
  /** Holds the node to its rates and shares them by class and peer. Default true: 10 MB/s up, 50 MB/s down, urgent before normal before bulk. */
  readonly bandwidthManager?: boolean | BandwidthOptions
  /** Times out, retries and hedges by what each peer's answers take. Default true. */
  readonly adaptiveTimeouts?: boolean | AdaptiveTimeoutsOptions
  /** Finds dead connections, failing peers and conditions of the network. Default true: a peer is asked after 10 s of silence. */
  readonly networkHealth?: boolean | NetworkHealthOptions
  /** The largest request sent and the largest reply taken, in bytes of payload. Default 4 MiB, as in it-length-prefixed. */
  readonly maximumFrameBytes?: number
  /** The class of what is sent without one. Default: payloads of 256 KiB and more are bulk, all else is normal. */
  readonly classify?: ClassPolicy
}

/** The options of each module that is on, and those of all. */
export interface NetworkSettings {
  readonly connectionPool: ConnectionPoolOptions | undefined
  readonly messageBatching: MessageBatchingOptions | undefined
  readonly bandwidthManager: BandwidthOptions | undefined
  readonly adaptiveTimeouts: AdaptiveTimeoutsOptions | undefined
  readonly networkHealth: NetworkHealthOptions | undefined
  readonly maximumFrameBytes: number
  readonly classify: ClassPolicy
}

/**
 * Sorts out which modules are on; their own options are checked by themselves.
 *
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function parseNetworkOptions (options: OptimizedNetworkOptions): NetworkSettings {
  const { connectionPool, messageBatching, bandwidthManager, adaptiveTimeouts, networkHealth, maximumFrameBytes, classify } = parseOptions(schema, options, '')
  return {
    connectionPool: settingsOf(connectionPool),
    messageBatching: settingsOf(messageBatching),
    bandwidthManager: settingsOf(bandwidthManager),
    adaptiveTimeouts: settingsOf(adaptiveTimeouts),
    networkHealth: settingsOf(networkHealth),
    maximumFrameBytes,
    classify
  }
}

const moduleSchema = z.union([z.boolean(), z.looseObject({})]).default(true)
const schema = z.strictObject({
  connectionPool: moduleSchema,
  messageBatching: moduleSchema,
  bandwidthManager: moduleSchema,
  adaptiveTimeouts: moduleSchema,
  networkHealth: moduleSchema,
  maximumFrameBytes: z.int().positive().default(MAXIMUM_FRAME_BYTES),
  classify: z.custom<ClassPolicy>(value => typeof value === 'function', 'a function').default(() => classBySize)
})

function settingsOf (option: boolean | object): object | undefined {
  if (typeof option === 'object') {
    return option
  }
  return option ? {} : undefined
}
