import { setTimeout as sleep } from 'node:timers/promises'
import { TwinwireError } from '../../core/errors.ts'
import { runError } from '../wire.ts'
import { monotonicNowMs } from './monotonic.ts'
import type { RecordedEvent } from '../../core/recorder.ts'
import type { HostDescription } from '../scenario.ts'
import type { RunOutcome, RunRequest } from '../wire.ts'
import type { Child } from './child.ts'
import type { AddressTable, HostNetwork, HostNetworks } from './host-networks.ts'
import type { HostCommand, NetworkCommand, OpenedHost, PeerEntry } from './messages.ts'

/** Time zero is this far ahead when it is announced, so that every process has heard of it by then. */
const START_LEAD_MS = 10

/** What a run's limit is extended by until time zero: processes are started, nodes made. */
const PREPARATION_MS = 30_000

/** A host that has not left its run after this is killed. */
const CLOSE_LIMIT_MS = 3_000

interface HostProcess {
  readonly description: HostDescription
  readonly child: Child<HostCommand>
}

/** One run from its processes' start to their return to the pools. */
export class TcpRun {
  readonly #request: RunRequest
  readonly #networks: HostNetworks
  readonly #stopSignal: AbortSignal
  readonly #events: RecordedEvent[] = []
  /** Rejected by whatever cuts the run short. */
  readonly #cut = Promise.withResolvers<never>()
  #over = false

  constructor (request: RunRequest, networks: HostNetworks, stopSignal: AbortSignal) {
    this.#request = request
    this.#networks = networks
    this.#stopSignal = stopSignal
    this.#cut.promise.catch(() => {})
  }

  /** Runs. To be called once; never rejects. */
  async outcome (): Promise<RunOutcome> {
    const signals = [this.#stopSignal, ...(this.#request.signal === undefined ? [] : [this.#request.signal])]
    if (signals.some(({ aborted }) => aborted)) {
      return { events: [], interrupted: true }
    }
    const interrupt = (): void => this.#cut.reject(new Interrupted())
    for (const signal of signals) {
      signal.addEventListener('abort', interrupt)
    }
    const hosts = this.#request.scenario.hosts.map(description => {
      const child = this.#networks.hosts.acquire()
      this.#watch(child, `host ${description.name}`)
      return { description, child }
    })
    const network = this.#networks.acquire(this.#request, async (child, command) => await this.#call(child, command))
    this.#watch(network.child, network.label)
    let ending: Pick<RunOutcome, 'error' | 'interrupted'> = { interrupted: false }
    try {
      await Promise.race([this.#play(hosts, network), this.#cut.promise])
    } catch (error) {
      ending = endingOf(error)
    }
    this.#over = true
    for (const signal of signals) {
      signal.removeEventListener('abort', interrupt)
    }
    await Promise.all([network.child, ...hosts.map(({ child }) => child)].map(leave))
    if (!network.child.alive) {
      // What it has made at the hosts is not known.
      await Promise.all(hosts.map(async ({ child }) => await child.kill()))
    }
    network.release()
    hosts.forEach(({ child }) => this.#networks.hosts.release(child))
    this.#events.sort((a, b) => a.timeMs - b.timeMs)
    return { events: this.#events, ...ending }
  }

  async #play (hosts: readonly HostProcess[], network: HostNetwork): Promise<void> {
    const { scenario } = this.#request
    await withLimit(scenario.limitMs + PREPARATION_MS, 'the hosts could not be set up in time', async () => {
      const opened = await this.#open(hosts, network, await network.prepare(hosts.map(({ child }) => child)))
      const addresses = await network.addresses(opened)
      await Promise.all(hosts.map(async ({ child }, index) => await this.#call(child, { type: 'set-up', peers: peersOf(index, hosts, opened, addresses) })))
    })
    const zeroMs = monotonicNowMs() + START_LEAD_MS
    await withLimit(scenario.limitMs + START_LEAD_MS, `the run was not over after ${scenario.limitMs} ms`, async () => {
      this.#call(network.child, { type: 'start', zeroMs }).catch((error: unknown) => this.#cut.reject(error))
      await Promise.all(hosts.map(async ({ child }) => await this.#call(child, { type: 'start', zeroMs })))
    })
  }

  async #open (hosts: readonly HostProcess[], { devices }: HostNetwork, listen: ReadonlyArray<readonly string[]>): Promise<OpenedHost[]> {
    const { parameters, rolesModule, scenario, seed } = this.#request
    return await Promise.all(hosts.map(async ({ child, description: { name, role } }, index) => {
      const host = { name, role, rolesModule: rolesModule.href, scenario, seed, parameters, listen: listen[index], ...devices && { devices: devices[index] } }
      return await this.#call(child, { type: 'open', host }) as OpenedHost
    }))
  }

  /** What was begun before the run was cut short must not go on: its processes may be another run's by now. */
  async #call <Command> (child: Child<Command>, command: Command): Promise<unknown> {
    if (this.#over) {
      throw new Interrupted()
    }
    return await child.call(command)
  }

  #watch (child: Child<HostCommand> | Child<NetworkCommand>, label: string): void {
    child.use({
      label,
      onEvents: events => this.#events.push(...events),
      onDeath: error => this.#cut.reject(error)
    })
  }
}

/** Ends the child's part in this run. It is dead if it did not answer. */
async function leave (child: Child<{ readonly type: 'close' }>): Promise<void> {
  try {
    await withLimit(CLOSE_LIMIT_MS, 'the process did not leave the run', async () => await child.call({ type: 'close' }))
  } catch {
    await child.kill()
  }
}

class Interrupted extends Error {}

function endingOf (error: unknown): Pick<RunOutcome, 'error' | 'interrupted'> {
  if (error instanceof Interrupted) {
    return { interrupted: true }
  }
  return { interrupted: false, error: runError(error) }
}

function peersOf (from: number, hosts: readonly HostProcess[], opened: readonly OpenedHost[], addresses: AddressTable): PeerEntry[] {
  return hosts.map(({ description: { name } }, to) => {
    const id = opened[to].peerId
    return { name, id, addresses: addresses[from][to].map(address => `${address}/p2p/${id}`) }
  }).filter((_, to) => to !== from)
}

async function withLimit (limitMs: number, failure: string, work: () => Promise<unknown>): Promise<void> {
  const controller = new AbortController()
  const limit = sleep(limitMs, undefined, { signal: controller.signal }).then(() => {
    throw new TwinwireError('ERR_TIMEOUT', failure, { path: 'scenario.limitMs' })
  })
  try {
    await Promise.race([work(), limit])
  } finally {
    controller.abort()
    limit.catch(() => {})
  }
}
