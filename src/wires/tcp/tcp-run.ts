import { setTimeout as sleep } from 'node:timers/promises'
import { TwinwireError } from '../../core/errors.ts'
import { runError } from '../wire.ts'
import { atATime } from './at-a-time.ts'
import { monotonicNowMs } from './monotonic.ts'
import { ProcessorLoad } from './processor-load.ts'
import type { RecordedEvent } from '../../core/recorder.ts'
import type { HostDescription } from '../scenario.ts'
import type { PacketLateness, RunOutcome, RunRequest } from '../wire.ts'
import type { Child } from './child.ts'
import type { AddressTable, HostNetwork, HostNetworks } from './host-networks.ts'
import type { HostCommand, NetworkCommand, OpenedHost } from './messages.ts'
import type { RunTurns } from './run-turns.ts'

/** Time zero is this far ahead when it is announced, so that every process has heard of it by then. */
const START_LEAD_MS = 10

/** What processes may take to start and to warm up, and again to make their nodes. */
const PREPARATION_MS = 60_000
/** ... and for each host: its node, its ports, its part of what processes are told. */
const PREPARATION_PER_HOST_MS = 50

/** Processes that warm up at a time: each is a second of work and more, and dials in it have time limits of their own. */
const WARMED_AT_A_TIME = 8

/** A process that has not left its run after this is killed. */
const CLOSE_LIMIT_MS = 3_000
/** ... and for each host, of whose connections each is closed. */
const CLOSE_LIMIT_PER_HOST_MS = 10

interface HostProcess {
  readonly hosts: readonly HostDescription[]
  readonly child: Child<HostCommand>
}

interface Prepared {
  readonly network: HostNetwork
  /** The multiaddrs at which each host is to listen, in the scenario's order. */
  readonly listen: ReadonlyArray<readonly string[]>
}

/** One run from its processes' start to their return to the pools. */
export class TcpRun {
  readonly #request: RunRequest
  readonly #networks: HostNetworks
  readonly #turns: RunTurns
  readonly #stopSignal: AbortSignal
  readonly #events: RecordedEvent[] = []
  /** Rejected by whatever cuts the run short. */
  readonly #cut = Promise.withResolvers<never>()
  readonly #processes: HostProcess[] = []
  #network: HostNetwork | undefined
  #packetLateness: PacketLateness | undefined
  #busyShare: number | undefined
  readonly #over = new AbortController()

  /** The turns are those of all runs that may go beside it. */
  constructor (request: RunRequest, networks: HostNetworks, turns: RunTurns, stopSignal: AbortSignal) {
    this.#request = request
    this.#networks = networks
    this.#turns = turns
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
    let ending: Pick<RunOutcome, 'error' | 'interrupted'> = { interrupted: false }
    try {
      await Promise.race([this.#play(), this.#cut.promise])
    } catch (error) {
      ending = endingOf(error)
    }
    this.#over.abort()
    for (const signal of signals) {
      signal.removeEventListener('abort', interrupt)
    }
    try {
      await this.#leave()
    } finally {
      this.#turns.end(this)
    }
    this.#events.sort((a, b) => a.timeMs - b.timeMs)
    return {
      events: this.#events,
      ...this.#packetLateness && { packetLateness: this.#packetLateness },
      ...this.#busyShare !== undefined && { busyShare: this.#busyShare },
      ...ending
    }
  }

  async #play (): Promise<void> {
    const { limitMs } = this.#request.scenario
    const { warming, opening } = this.#turns
    const { network, listen } = await warming.take(async () => await this.#prepare())
    const waitsSinceMs = monotonicNowMs()
    await opening.take(async () => {
      await this.#turns.calm(waitsSinceMs, this.#over.signal)
      if (this.#over.signal.aborted) {
        throw new Interrupted()
      }
      this.#turns.begin(this)
      await this.#setUp(network, listen)
    })
    const load = new ProcessorLoad()
    const zeroMs = monotonicNowMs() + START_LEAD_MS
    await withLimit(limitMs + START_LEAD_MS, new TwinwireError('ERR_TIMEOUT', `the run was not over after ${limitMs} ms`, { path: 'scenario.limitMs' }), async () => {
      this.#call(network.child, { type: 'start', zeroMs }).catch((error: unknown) => this.#cut.reject(error))
      await Promise.all(this.#processes.map(async ({ child }) => await this.#call(child, { type: 'start', zeroMs })))
    })
    const { busyShare } = load
    this.#packetLateness = await this.#call(network.child, { type: 'end' }) as PacketLateness | undefined
    this.#busyShare = busyShare
  }

  /** Processes that are ready to measure, and what is to join them. */
  async #prepare (): Promise<Prepared> {
    if (this.#over.signal.aborted) {
      throw new Interrupted()
    }
    for (const hosts of processesOf(this.#request.scenario.hosts)) {
      const child = this.#networks.hosts.acquire({ fresh: hosts.some(isFresh) })
      this.#watch(child, hosts.length === 1 ? `host ${hosts[0].name}` : `hosts ${hosts[0].name} to ${hosts[hosts.length - 1].name}`)
      this.#processes.push({ hosts, child })
    }
    const network = this.#networks.acquire(this.#request, async (child, command) => await this.#call(child, command))
    this.#network = network
    this.#watch(network.child, network.label)
    return await this.#withPreparationLimit(async () => {
      const childOf = new Map(this.#processes.flatMap(({ hosts, child }) => hosts.map(({ name }) => [name, child])))
      const listen = await network.prepare(this.#request.scenario.hosts.map(({ name }) => childOf.get(name)!))
      await atATime(WARMED_AT_A_TIME, this.#processes, async ({ child }) => await this.#call(child, { type: 'warm-up', rolesModule: this.#request.rolesModule.href }))
      return { network, listen }
    })
  }

  /** Nodes, who hear of each other, and what their roles set up. */
  async #setUp (network: HostNetwork, listen: Prepared['listen']): Promise<void> {
    const { scenario } = this.#request
    await this.#withPreparationLimit(async () => {
      const opened = await this.#open(network, listen)
      const addresses = await network.addresses(scenario.hosts.map(({ name }) => opened.get(name)!))
      const ids = new Map([...opened].map(([name, { peerId }]) => [name, peerId]))
      await Promise.all(this.#processes.map(async ({ hosts, child }) => {
        await this.#call(child, { type: 'set-up', peers: { ids, addresses: seenByThese(hosts, addresses) } })
      }))
    })
  }

  /** Gives the processes back. A run that was cut short before its turn has none. */
  async #leave (): Promise<void> {
    const network = this.#network
    const processes = this.#processes
    const closeLimitMs = CLOSE_LIMIT_MS + this.#request.scenario.hosts.length * CLOSE_LIMIT_PER_HOST_MS
    await Promise.all([...network === undefined ? [] : [network.child], ...processes.map(({ child }) => child)].map(async child => await leave(child, closeLimitMs)))
    if (network?.child.alive === false) {
      // What it has made at the hosts is not known.
      await Promise.all(processes.map(async ({ child }) => await child.kill()))
    }
    // What it has grown by is of no use to anybody; and each next one would be one more.
    await Promise.all(processes.filter(({ hosts }) => hosts.some(isFresh)).map(async ({ child }) => await child.kill()))
    network?.release()
    processes.forEach(({ child }) => this.#networks.hosts.release(child))
  }

  /** Answers by the hosts' names. */
  async #open (network: HostNetwork, listen: Prepared['listen']): Promise<ReadonlyMap<string, OpenedHost>> {
    const { parameters, rolesModule, scenario, seed } = this.#request
    const placeOf = new Map(scenario.hosts.map(({ name }, index) => [name, { listen: listen[index], ...network.devices && { devices: network.devices[index] } }]))
    const opened = await Promise.all(this.#processes.map(async ({ hosts, child }) => {
      const inits = hosts.map(({ name, role }) => ({ name, role, ...placeOf.get(name)! }))
      const answers = await this.#call(child, { type: 'open', run: { hosts: inits, rolesModule: rolesModule.href, scenario, seed, parameters } }) as OpenedHost[]
      return answers.map((answer, index) => [hosts[index].name, answer] as const)
    }))
    return new Map(opened.flat())
  }

  async #withPreparationLimit<Result> (work: () => Promise<Result>): Promise<Result> {
    const { hosts } = this.#request.scenario
    return await withLimit(PREPARATION_MS + hosts.length * PREPARATION_PER_HOST_MS, new TwinwireError('ERR_TIMEOUT', 'the hosts could not be set up in time'), work)
  }

  /** What was begun before the run was cut short must not go on: its processes may be another run's by now. */
  async #call <Command> (child: Child<Command>, command: Command): Promise<unknown> {
    if (this.#over.signal.aborted) {
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
async function leave (child: Child<{ readonly type: 'close' }>, limitMs: number): Promise<void> {
  try {
    await withLimit(limitMs, new TwinwireError('ERR_TIMEOUT', 'the process did not leave the run'), async () => await child.call({ type: 'close' }))
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

/** The hosts of each process, in the scenario's order. */
function processesOf (hosts: readonly HostDescription[]): HostDescription[][] {
  const processes = new Map<string | HostDescription, HostDescription[]>()
  for (const host of hosts) {
    const key = host.process ?? host
    processes.set(key, [...(processes.get(key) ?? []), host])
  }
  return [...processes.values()]
}

function isFresh ({ freshProcess }: HostDescription): boolean {
  return freshProcess === true
}

function seenByThese (hosts: readonly HostDescription[], { ofAll, seenBy }: AddressTable): AddressTable {
  return { ofAll, seenBy: new Map(hosts.flatMap(({ name }) => seenBy.has(name) ? [[name, seenBy.get(name)!]] : [])) }
}

async function withLimit<Result> (limitMs: number, failure: TwinwireError, work: () => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  const limit = sleep(limitMs, undefined, { signal: controller.signal }).then((): never => {
    throw failure
  })
  try {
    return await Promise.race([work(), limit])
  } finally {
    controller.abort()
    limit.catch(() => {})
  }
}
