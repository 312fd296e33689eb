import { atATime } from './at-a-time.ts'
import { HostedRun } from './hosted-run.ts'
import { ProcessRecorder } from './process-recorder.ts'
import type { HostsInit, OpenedHost, PeerTable } from './messages.ts'

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
    // All come to their end, so that it is known which are there to be closed.
    const opened = await atATime(OPENED_AT_A_TIME, init.hosts, async host => (await Promise.allSettled([HostedRun.open(host, init, recorder)]))[0])
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
