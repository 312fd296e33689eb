/**
 * js-libp2p in virtual time, for anybody's tests and scripts. Importing this module puts the thread into virtual time for
 * good: timers, dates, `AbortSignal.timeout`, `Math.random` and `crypto`'s randomness are a simulation's from then on, and
 * time passes whenever nothing else is left to do. It must be the first import, before libp2p and whatever else is to live
 * in virtual time; where libp2p came first, importing it throws ERR_INVALID_STATE. All chance comes from the environment
 * variable TWINWIRE_SEED (default: 1), so that runs repeat.
 *
 * Files, sockets and child processes are not waited for: what awaits them sees virtual time fly by.
 *
 * What awaits something that never comes while a node is alive waits for ever, as in real time, but busily. With the
 * environment variable TWINWIRE_LIMIT (`1h`) the process ends with ERR_TIMEOUT after so much virtual time, and says how many
 * timers, connections and listeners were left.
 *
 * @module twinwire/libp2p
 */
// First, so that all that comes after it lives in virtual time.
import { environment } from './environment.ts'
import type { Transport } from '@libp2p/interface'
import { SimulatedTcp } from '../wires/stack/simulated-tcp.ts'
import type { SimulatedTcpComponents, SimulatedTcpOptions } from '../wires/stack/simulated-tcp.ts'
import type { SimulatedHost } from '../wires/stack/simulated-host.ts'
import { assertLoadedFirst } from './load-order.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import type { HostInput, NetworkInput } from './simulated-network.ts'
import { Star } from './star.ts'
import { parseTcpInit } from './tcp-options.ts'
import type { SimulatedTcpInit } from './tcp-options.ts'
import { limitTime } from './time-limit.ts'
import type { TrafficMeter } from './traffic-meter.ts'

assertLoadedFirst(environment)
limitTime(environment)

export { nullCipher } from '../wires/stack/null-cipher.ts'
export type { GmlGraph } from '../sim/gml.ts'
export type { Graph } from '../sim/graph.ts'
export type { JitterOptions } from '../sim/jitter.ts'
export type { LinkOptions } from '../sim/link-options.ts'
export type { LossOptions } from '../sim/loss.ts'
export type { LatencyMatrix } from '../sim/matrix.ts'
export type { CoDelOptions, FqCoDelOptions, QueueLimit, QueueOptions, RedOptions } from '../sim/queue.ts'
export type { PolicerOptions } from '../sim/rate-policer.ts'
export type { RateTrace } from '../sim/rate-trace.ts'
export type { ProcessingInput } from '../wires/host-processing.ts'
export type { DuplexInput, PathDirectionInput } from '../wires/scenario-link.ts'
export type { HostInput, NetworkInput, SimulatedHost, SimulatedNetwork, SimulatedTcpComponents, SimulatedTcpInit, SimulatedTcpOptions, TrafficMeter }

/**
 * TCP in the simulator's network, as a transport for `createLibp2p`: `transports: [simulatedTcp()]` instead of `[tcp()]`.
 * It listens at `/ip4/0.0.0.0/tcp/0`, `/ip4/127.0.0.1/tcp/0` (both mean the host's address in the simulated network) or an
 * address that the host has. Dialling `/ip4/127.0.0.1/tcp/<port>` leads to the one host of the network that listens at this
 * port of all its addresses; where several do, the dial fails and names their addresses.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function simulatedTcp (init: SimulatedTcpInit = {}): (components: SimulatedTcpComponents) => Transport {
  const { host, access, processing, ...options } = parseTcpInit(init)
  return components => new SimulatedTcp(host ?? star().addHost({ access, processing }), components, options)
}

/**
 * A network as scenarios describe it (docs/scenarios.md), without roles and limit; its time zero is now.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_UNKNOWN_HOST
 */
export function simulatedNetwork (input: NetworkInput): SimulatedNetwork {
  networkCount++
  return new SimulatedNetwork(environment, environment.random.fork(networkCount === 1 ? 'network' : `network ${networkCount}`), input)
}

let networkCount = 0
let defaultStar: Star | undefined

function star (): Star {
  return defaultStar ??= new Star(environment)
}
