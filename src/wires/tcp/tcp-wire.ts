import { TwinwireError } from '../../core/errors.ts'
import { HubNetworks } from './namespaces/hub-networks.ts'
import { RelayNetworks } from './relay-networks.ts'
import { RunTurns } from './run-turns.ts'
import { TcpRun } from './tcp-run.ts'
import type { RunOutcome, RunRequest, Wire } from '../wire.ts'
import type { HostNetworks, TcpNetwork } from './host-networks.ts'

export interface TcpWireOptions {
  /** Default: `relay`, which every machine has. `namespaces` needs Linux, root, and the commands of iproute2 and util-linux. */
  readonly network?: TcpNetwork
  /** For wires of several networks whose runs go side by side. Default: of its own. */
  readonly turns?: RunTurns
}

/**
 * Real js-libp2p nodes over kernel TCP: each host in a process of its own, joined by what the scenario's paths say.
 * Several runs may be under way at once; processes are kept for later runs until `stop`.
 *
 * A relay (above TCP, on loopback) cannot lose packets, nor do what else befalls single packets, for it never sees one;
 * and it does not keep TCP's slow start across the path, which matters to transfers of more than a dozen kilobytes.
 * Network namespaces have whole connections from end to end, and the simulator's links between them.
 */
export class TcpWire implements Wire {
  readonly name = 'tcp'
  readonly #networks: HostNetworks
  readonly #turns: RunTurns
  readonly #stopping = new AbortController()
  readonly #runs = new Set<Promise<RunOutcome>>()

  constructor ({ network = 'relay', turns = new RunTurns() }: TcpWireOptions = {}) {
    this.#turns = turns
    this.#networks = network === 'relay' ? new RelayNetworks() : new HubNetworks()
  }

  /**
   * Starts nothing that stays.
   *
   * @throws ERR_UNSUPPORTED where this machine has no such network
   */
  async checkMachine (): Promise<void> {
    await this.#networks.checkMachine()
  }

  /**
   * @throws ERR_UNSUPPORTED for what the network cannot bring about: relay-allows.ts and namespaces/allows.ts have the lists
   * @throws ERR_STOPPED after `stop`
   */
  async run (request: RunRequest): Promise<RunOutcome> {
    if (this.#stopping.signal.aborted) {
      throw new TwinwireError('ERR_STOPPED', 'the wire was stopped')
    }
    await this.#networks.check(request.scenario)
    const run = new TcpRun(request, this.#networks, this.#turns, this.#stopping.signal).outcome()
    this.#runs.add(run)
    try {
      return await run
    } finally {
      this.#runs.delete(run)
    }
  }

  /** Interrupts the runs under way. */
  async stop (): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#runs)
    await this.#networks.stop()
  }
}
