import { TwinwireError } from '../core/errors.ts'
import type { ErrorDetails } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import type { Recorder } from '../core/recorder.ts'
import type { RandomStream } from '../core/random.ts'
import { msToNs, nsToMs } from '../core/units.ts'
import type { NetworkNode } from '../optim/port.ts'
import type { Kernel } from '../sim/kernel.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'
import type { RunTrace } from './run-trace.ts'
import { CourseRecorder } from './course-recorder.ts'
import { programClock } from './host-processing.ts'
import { ScenarioNetwork } from './scenario-network.ts'
import { SimTrafficCounts } from './sim-traffic-counts.ts'
import type { Host, Peer, Role, RunOutcome, RunRequest } from './wire.ts'
import { runError } from './wire.ts'

/** The peers of one wire at the places of a scenario's hosts. */
export interface Population {
  /**
   * @throws ERR_UNKNOWN_HOST
   */
  node(name: string): NetworkNode
  /**
   * @throws ERR_UNKNOWN_HOST
   */
  peer(name: string): Peer
  /** What takes virtual time before the peers can be set up. */
  start?(): Promise<void>
  /** Ends everything at once. */
  stop(): void
}

/** Makes the peers of a run. `random` is the network's; each peer forks its own. */
export type Populate = (network: ScenarioNetwork, random: RandomStream) => Population

/** A part of a run that somebody has to do. */
interface Part {
  /** Who does what, for those who ask what a run waits for: `set-up of server`. */
  readonly title: string
  readonly act: () => unknown
}

/** One scenario, once, in virtual time: the same for modelled peers and for real ones over the simulated network. */
export class VirtualRun {
  readonly #request: RunRequest
  readonly #trace: RunTrace
  readonly #kernel: Kernel
  readonly #populate: Populate
  /** One a host: to take a listener off a signal takes as long as there are others, and a crowd has many. */
  readonly #over: AbortController[] = []
  #isOver = false
  /** What hosts record when they are told that the run is over is no part of it. */
  readonly #recorder: Recorder = {
    record: event => {
      if (!this.#isOver) {
        this.#trace.recorder.record(event)
      }
    }
  }
  #interrupted = false
  #course: CourseRecorder | undefined

  constructor (request: RunRequest, trace: RunTrace, populate: Populate) {
    this.#request = request
    this.#trace = trace
    this.#kernel = trace.kernel
    this.#populate = populate
  }

  /** Runs. To be called once; never rejects. */
  async outcome (): Promise<RunOutcome> {
    let failure: { readonly error: unknown } | undefined
    try {
      await this.#play()
    } catch (error) {
      failure = { error }
    }
    return {
      ...this.#trace.finish(),
      ...(this.#course === undefined ? {} : { course: this.#course.course }),
      interrupted: this.#interrupted,
      ...(failure === undefined ? {} : { error: runError(failure.error) })
    }
  }

  async #play (): Promise<void> {
    const { scenario, rolesModule, parameters, seed, course } = this.#request
    const { roles } = await import(rolesModule.href) as { roles: Readonly<Record<string, Role>> }
    const kernel = this.#kernel
    const random = randomStream(seed)
    const network = new ScenarioNetwork(kernel, random.fork('network'), scenario)
    if (course === true) {
      this.#course = new CourseRecorder(network, scenario, this.#trace.recorder.events)
    }
    const population = this.#populate(network, random.fork('network'))
    try {
      await this.#perform([{ title: 'making of the peers', act: async () => await population.start?.() }])
      const traffic = new SimTrafficCounts(network.packetNetwork)
      const players = network.places.map(({ name, processor, networkNode }, index) => {
        const { role: roleName } = scenario.hosts[index]
        const clock = new VirtualClock(kernel, 0, `timer of ${name}`)
        const over = new AbortController()
        this.#over.push(over)
        const host: Host = {
          name, scenario, node: population.node(name), clock: programClock(clock, processor), random: random.fork(`host:${name}`), recorder: this.#recorder, signal: over.signal,
          traffic: () => traffic.of(networkNode),
          peer: other => population.peer(other)
        }
        return { host, clock, role: roleOf(roles, name, roleName) }
      })
      await this.#perform(players.map(({ host, role }) => ({ title: `set-up of ${host.name}`, act: () => role.setUp?.(host, parameters) })))
      const zeroNs = kernel.nowNs
      for (const { clock } of players) {
        clock.zeroNs = zeroNs
      }
      this.#course?.begin(zeroNs, new Map(scenario.hosts.map(({ name }) => [population.peer(name).id.toString(), name])))
      network.begin(zeroNs)
      await this.#perform(players.map(({ host, role }) => ({ title: `role of ${host.name}`, act: () => role.run?.(host, parameters) })))
      network.checkConservation()
    } finally {
      // Before everything is closed, which is no part of the course.
      this.#course?.end()
      this.#isOver = true
      const reason = new TwinwireError('ERR_STOPPED', 'the run is over')
      this.#over.forEach(over => over.abort(reason))
      population.stop()
    }
  }

  /**
   * Begins all parts, and lets virtual time pass until all are done.
   *
   * @throws what the first of them failed with; ERR_TIMEOUT at the scenario's limit; ERR_DEADLOCK where nothing is left that
   * could happen. Both say which parts are not done.
   */
  async #perform (parts: readonly Part[]): Promise<void> {
    const { scenario: { limitMs }, signal } = this.#request
    const kernel = this.#kernel
    const open = new Set(parts)
    let failure: { readonly error: unknown } | undefined
    const limit = kernel.schedule(kernel.nowNs + msToNs(limitMs), kernel.defineWatch(() => {
      failure ??= { error: new TwinwireError('ERR_TIMEOUT', `the run was not over after ${limitMs} ms`, { path: 'scenario.limitMs', ...waitingFor(open) }) }
      kernel.wake()
    }), 0)
    for (const part of parts) {
      Promise.resolve().then(part.act).catch((error: unknown) => { failure ??= { error } }).finally(() => { open.delete(part) })
    }
    try {
      await kernel.runAsync(() => {
        this.#interrupted = signal?.aborted === true
        return open.size === 0 || failure !== undefined || this.#interrupted
      })
    } catch (error) {
      throw error instanceof TwinwireError && error.code === 'ERR_DEADLOCK'
        ? new TwinwireError('ERR_DEADLOCK', `nothing is left that could happen at ${nsToMs(kernel.nowNs)} ms`, waitingFor(open))
        : error
    }
    kernel.cancel(limit)
    if (failure !== undefined) {
      throw failure.error
    }
    if (this.#interrupted) {
      throw new TwinwireError('ERR_INTERRUPTED', 'the run was cut short')
    }
  }
}

function roleOf (roles: Readonly<Record<string, Role>>, host: string, name: string): Role {
  if (!Object.hasOwn(roles, name)) {
    throw new TwinwireError('ERR_INVALID_OPTION', `host ${host} plays no known role`, { path: 'scenario.hosts', expected: `one of ${Object.keys(roles).join(', ')}`, found: name })
  }
  return roles[name]
}

const NAMED_PARTS = 10

function waitingFor (open: ReadonlySet<Part>): ErrorDetails {
  const titles = [...open].map(({ title }) => title)
  const others = titles.length > NAMED_PARTS ? `, and ${titles.length - NAMED_PARTS} more` : ''
  return { expected: 'an end', found: `still waiting: ${titles.slice(0, NAMED_PARTS).join(', ')}${others}` }
}
