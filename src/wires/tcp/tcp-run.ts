import { setTimeout as sleep } from 'node:timers/promises'
import { TwinwireError } from '../../core/errors.ts'
import { runError } from '../wire.ts'
import { monotonicNowMs } from './monotonic.ts'
import type { RecordedEvent } from '../../core/recorder.ts'
import type { HostDescription } from '../scenario.ts'
import type { RunOutcome, RunRequest } from '../wire.ts'
import type { Child } from './child.ts'
import type { ChildPool } from './child-pool.ts'
import type { HostCommand, OpenedHost, PeerEntry, RelayCommand } from './messages.ts'
import type { RelayedAddress } from './relay.ts'

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
  readonly #hostPool: ChildPool<HostCommand>
  readonly #relayPool: ChildPool<RelayCommand>
  readonly #stopSignal: AbortSignal
  readonly #events: RecordedEvent[] = []
  /** Rejected by whatever cuts the run short. */
  readonly #cut = Promise.withResolvers<never>()
  #over = false

  constructor (request: RunRequest, hostPool: ChildPool<HostCommand>, relayPool: ChildPool<RelayCommand>, stopSignal: AbortSignal) {
    this.#request = request
    this.#hostPool = hostPool
    this.#relayPool = relayPool
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
      const child = this.#hostPool.acquire()
      this.#watch(child, `host ${description.name}`)
      return { description, child }
    })
    const relay = this.#relayPool.acquire()
    this.#watch(relay, 'the relay')
    let ending: Pick<RunOutcome, 'error' | 'interrupted'> = { interrupted: false }
    try {
      await Promise.race([this.#play(hosts, relay), this.#cut.promise])
    } catch (error) {
      ending = endingOf(error)
    }
    this.#over = true
    for (const signal of signals) {
      signal.removeEventListener('abort', interrupt)
    }
    await Promise.all([
      this.#release(relay, this.#relayPool),
      ...hosts.map(async ({ child }) => await this.#release(child, this.#hostPool))
    ])
    this.#events.sort((a, b) => a.timeMs - b.timeMs)
    return { events: this.#events, ...ending }
  }

  async #play (hosts: readonly HostProcess[], relay: Child<RelayCommand>): Promise<void> {
    const { scenario, seed } = this.#request
    await withLimit(scenario.limitMs + PREPARATION_MS, 'the hosts could not be set up in time', async () => {
      const opened = await this.#open(hosts)
      await this.#call(relay, { type: 'open', relay: { paths: scenario.paths, faults: scenario.faults, seed } })
      const ports = await this.#listen(hosts, opened, relay)
      await Promise.all(hosts.map(async ({ child, description }) => {
        await this.#call(child, { type: 'set-up', peers: peersOf(description.name, hosts, opened, ports) })
      }))
    })
    const zeroMs = monotonicNowMs() + START_LEAD_MS
    await withLimit(scenario.limitMs + START_LEAD_MS, `the run was not over after ${scenario.limitMs} ms`, async () => {
      await Promise.all([
        this.#call(relay, { type: 'start', zeroMs }),
        ...hosts.map(async ({ child }) => await this.#call(child, { type: 'start', zeroMs }))
      ])
    })
  }

  async #open (hosts: readonly HostProcess[]): Promise<OpenedHost[]> {
    const { parameters, rolesModule, scenario, seed } = this.#request
    return await Promise.all(hosts.map(async ({ child, description: { name, role } }) => {
      return await this.#call(child, { type: 'open', host: { name, role, rolesModule: rolesModule.href, scenario, seed, parameters } }) as OpenedHost
    }))
  }

  /** Ports of the relay, by dialling host, then listening host. */
  async #listen (hosts: readonly HostProcess[], opened: readonly OpenedHost[], relay: Child<RelayCommand>): Promise<Map<string, Map<string, number[]>>> {
    const addresses: RelayedAddress[] = []
    for (const { description: { name: from } } of hosts) {
      hosts.forEach(({ description: { name: to, addresses: described } }, index) => {
        if (from !== to) {
          addresses.push(...described.map(({ state, reachableFrom }) => ({
            from, to, state: reachableFrom?.includes(from) === false ? 'black-hole' as const : state, targetPort: opened[index].port
          })))
        }
      })
    }
    const answer = await this.#call(relay, { type: 'listen', addresses }) as number[]
    const ports = new Map<string, Map<string, number[]>>()
    addresses.forEach(({ from, to }, index) => {
      const seen = ports.get(from) ?? new Map<string, number[]>()
      ports.set(from, seen.set(to, [...seen.get(to) ?? [], answer[index]]))
    })
    return ports
  }

  /** What was begun before the run was cut short must not go on: its processes may be another run's by now. */
  async #call <Command> (child: Child<Command>, command: Command): Promise<unknown> {
    if (this.#over) {
      throw new Interrupted()
    }
    return await child.call(command)
  }

  #watch (child: Child<HostCommand> | Child<RelayCommand>, label: string): void {
    child.use({
      label,
      onEvents: events => this.#events.push(...events),
      onDeath: error => this.#cut.reject(error)
    })
  }

  /** Ends the child's part in this run and returns it to its pool, dead if it did not answer. */
  async #release <Command> (child: Child<Command | { readonly type: 'close' }>, pool: ChildPool<Command | { readonly type: 'close' }>): Promise<void> {
    try {
      await withLimit(CLOSE_LIMIT_MS, 'the process did not leave the run', async () => await child.call({ type: 'close' }))
    } catch {
      await child.kill()
    }
    pool.release(child)
  }
}

class Interrupted extends Error {}

function endingOf (error: unknown): Pick<RunOutcome, 'error' | 'interrupted'> {
  if (error instanceof Interrupted) {
    return { interrupted: true }
  }
  return { interrupted: false, error: runError(error) }
}

function peersOf (from: string, hosts: readonly HostProcess[], opened: readonly OpenedHost[], ports: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>): PeerEntry[] {
  return hosts.flatMap(({ description: { name } }, index) => {
    const id = opened[index].peerId
    const addresses = ports.get(from)?.get(name)?.map(port => `/ip4/127.0.0.1/tcp/${port}/p2p/${id}`)
    return addresses === undefined ? [] : [{ name, id, addresses }]
  })
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
