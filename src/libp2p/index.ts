// First, so that all that comes after it lives in virtual time.
import { environment } from './environment.ts'
import type { Transport } from '@libp2p/interface'
import type { DuplexInput } from '../wires/scenario-link.ts'
import { SimulatedTcp } from '../wires/stack/simulated-tcp.ts'
import type { SimulatedTcpComponents, SimulatedTcpOptions } from '../wires/stack/simulated-tcp.ts'
import type { SimulatedHost } from '../wires/stack/simulated-host.ts'
import { assertLoadedFirst } from './load-order.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import type { NetworkInput } from './simulated-network.ts'
import { Star } from './star.ts'
import type { TrafficMeter } from './traffic-meter.ts'

assertLoadedFirst(environment)

/**
 * js-libp2p in virtual time, for anybody's tests and scripts. Importing this module puts the thread into virtual time for
 * good: timers, dates, `AbortSignal.timeout`, `Math.random` and `crypto`'s randomness are a simulation's from then on, and
 * time passes whenever nothing else is left to do. It must be the first import, before libp2p and whatever else is to live
 * in virtual time; where libp2p came first, importing it throws ERR_INVALID_STATE. All chance comes from the environment variable TWINWIRE_SEED (default: 1), so that runs repeat.
 *
 * Files, sockets and child processes are not waited for: what awaits them sees virtual time fly by.
 */

export { nullCipher } from '../wires/stack/null-cipher.ts'
export type { DuplexInput, PathDirectionInput } from '../wires/scenario-link.ts'
export type { NetworkInput, SimulatedHost, SimulatedNetwork, SimulatedTcpComponents, SimulatedTcpOptions, TrafficMeter }

export interface SimulatedTcpInit extends SimulatedTcpOptions {
  /** Where the node stands: a host of a network of one's own. Default: each node gets a host of its own in one star. */
  readonly host?: SimulatedHost
  /** The host's link to the middle of the star, `forward` away from the host. Default: 10 ms each way, infinitely fast. */
  readonly access?: DuplexInput
}

/**
 * TCP in the simulator's network, as a transport for `createLibp2p`: `transports: [simulatedTcp()]` instead of `[tcp()]`.
 * It listens at `/ip4/0.0.0.0/tcp/0`, `/ip4/127.0.0.1/tcp/0` (both mean the host's address in the simulated network) or an
 * address that the host has.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, when a node is made with it
 */
export function simulatedTcp ({ host, access, ...options }: SimulatedTcpInit = {}): (components: SimulatedTcpComponents) => Transport {
  return components => new SimulatedTcp(host ?? star().addHost(access), components, options)
}

/**
 * A network as scenarios describe it (docs/scenarios.md), without roles and limit; its time zero is now.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_UNKNOWN_HOST
 */
export function simulatedNetwork (input: NetworkInput): SimulatedNetwork {
  return new SimulatedNetwork(environment, input)
}

let defaultStar: Star | undefined

function star (): Star {
  return defaultStar ??= new Star(environment)
}
