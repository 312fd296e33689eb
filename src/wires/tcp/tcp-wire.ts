import { TwinwireError } from '../../core/errors.ts'
import { checkAllowed } from './allowed.ts'
import { ChildPool } from './child-pool.ts'
import { TcpRun } from './tcp-run.ts'
import type { RunOutcome, RunRequest, Wire } from '../wire.ts'
import type { HostCommand, RelayCommand } from './messages.ts'

/**
 * Real js-libp2p nodes over kernel TCP on loopback: each host in a process of its own, joined by a relay (one more
 * process for each run) that adds what the scenario's paths say. Several runs may be under way at once; processes are
 * kept for later runs until `stop`.
 *
 * What it cannot do: lose packets and whatever else befalls single packets, for a relay above TCP never sees one. What it does not do: keep TCP's slow start
 * across the path, which matters to transfers of more than a dozen kilobytes.
 */
export class TcpWire implements Wire {
  readonly name = 'tcp'
  readonly #hosts = new ChildPool<HostCommand>('host-process')
  readonly #relays = new ChildPool<RelayCommand>('relay-process')
  readonly #stopping = new AbortController()
  readonly #runs = new Set<Promise<RunOutcome>>()

  /**
   * @throws ERR_UNSUPPORTED for what a relay above TCP cannot bring about: allowed.ts has the list
   * @throws ERR_STOPPED after `stop`
   */
  async run (request: RunRequest): Promise<RunOutcome> {
    if (this.#stopping.signal.aborted) {
      throw new TwinwireError('ERR_STOPPED', 'the wire was stopped')
    }
    checkAllowed(request.scenario)
    const run = new TcpRun(request, this.#hosts, this.#relays, this.#stopping.signal).outcome()
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
    await Promise.all([this.#hosts.stop(), this.#relays.stop()])
  }
}
