import type { PacketNetwork } from '../sim/network.ts'
import type { NodeLabels } from '../sim/observe/nodes.ts'
import { RunTrace } from './run-trace.ts'
import { SimPeers } from './sim-peers.ts'
import { VirtualRun } from './virtual-run.ts'
import type { RunOutcome, RunRequest, Wire } from './wire.ts'

export interface SimWireOptions {
  /** Gets the network of each run before anything happens in it, to look on. */
  readonly onNetwork?: (network: PacketNetwork, labels: NodeLabels) => void
}

/**
 * Everything simulated, in virtual time and in this process: modelled libp2p peers over simulated TCP. Runs with the
 * same request do the same, event by event; the outcome's trace hash proves it.
 */
export class SimWire implements Wire {
  readonly name = 'sim'
  readonly #options: SimWireOptions

  constructor (options: SimWireOptions = {}) {
    this.#options = options
  }

  async run (request: RunRequest): Promise<RunOutcome> {
    const trace = new RunTrace(request.eventLog)
    return await new VirtualRun(request, trace, (network, random) => {
      this.#options.onNetwork?.(network.packetNetwork, network.labels)
      return new SimPeers(trace.kernel, network, random)
    }).outcome()
  }

  async stop (): Promise<void> {}
}
