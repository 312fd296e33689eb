import { HostedRun } from './hosted-run.ts'
import { ProcessRecorder } from './process-recorder.ts'
import type { HostInit, HostsInit, OpenedHost, PeerTable } from './messages.ts'

/** Nodes of one process that are being made at a time: each is a few milliseconds of work. */
const OPENED_AT_A_TIME = 8

/** The hosts of one process for the length of one run; mostly one. */
export class HostedGroup {
  readonly #runs: readonly HostedRun[]
  readonly #recorder: ProcessRecorder

  /**
   * @throws ERR_INVALID_OPTION where the module has no such role; then no node is left
   */
  static async open (init: HostsInit): Promise<HostedGroup> {
    const recorder = new ProcessRecorder()
    const opened = await settledInOrder(init.hosts, async host => await HostedRun.open(host, init, recorder))
    const runs = opened.flatMap(result => result.status === 'fulfilled' ? [result.value] : [])
    const failure = opened.find(({ status }) => status === 'rejected')
    if (failure?.status === 'rejected') {
      recorder.stop()
      await Promise.all(runs.map(async run => await run.close()))
      throw failure.reason
    }
    return new HostedGroup(runs, recorder)
  }

  private constructor (runs: readonly HostedRun[], recorder: ProcessRecorder) {
    this.#runs = runs
    this.#recorder = recorder
  }

  get opened (): OpenedHost[] {
    return this.#runs.map(({ opened }) => opened)
  }

  async setUp (peers: PeerTable): Promise<void> {
    await Promise.all(this.#runs.map(async run => await run.setUp(peers)))
  }

  /** Runs all roles from `zeroMs` of the monotonic clock on; rejects as soon as one fails. */
  async run (zeroMs: number): Promise<void> {
    await Promise.all(this.#runs.map(async run => await run.run(zeroMs)))
    this.#recorder.flush()
  }

  /** Ends the roles, those that still run, and the nodes. */
  async close (): Promise<void> {
    this.#recorder.stop()
    await Promise.all(this.#runs.map(async run => await run.close()))
  }
}

/** As `Promise.allSettled`, so many at a time. */
async function settledInOrder<T> (hosts: readonly HostInit[], open: (host: HostInit) => Promise<T>): Promise<Array<PromiseSettledResult<T>>> {
  const results: Array<PromiseSettledResult<T>> = []
  for (let start = 0; start < hosts.length; start += OPENED_AT_A_TIME) {
    results.push(...await Promise.allSettled(hosts.slice(start, start + OPENED_AT_A_TIME).map(open)))
  }
  return results
}
