import { TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import type { PacketNetwork } from '../sim/network.ts'
import type { NodeLabels } from '../sim/observe/nodes.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'
import { SimNetwork } from './sim-network.ts'
import { VirtualRun } from './virtual-run.ts'
import type { Host, Role, RunOutcome, RunRequest, Wire } from './wire.ts'
import { runError } from './wire.ts'

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
    const run = new SimRun(request, this.#options)
    let failure: unknown
    try {
      await run.play()
    } catch (error) {
      failure = error
    }
    return run.outcome(failure)
  }

  async stop (): Promise<void> {}
}

interface Player {
  readonly host: Host
  readonly role: Role
  readonly clock: VirtualClock
}

/** One scenario, once. */
class SimRun {
  readonly #request: RunRequest
  readonly #options: SimWireOptions
  readonly #run: VirtualRun
  readonly #over = new AbortController()
  #interrupted = false

  constructor (request: RunRequest, options: SimWireOptions) {
    this.#request = request
    this.#options = options
    this.#run = new VirtualRun(request.eventLog)
  }

  async play (): Promise<void> {
    const { scenario, rolesModule, parameters, seed } = this.#request
    const { roles } = await import(rolesModule.href) as { roles: Readonly<Record<string, Role>> }
    const { kernel, recorder } = this.#run
    const random = randomStream(seed)
    const network = new SimNetwork(kernel, random.fork('network'), scenario)
    this.#options.onNetwork?.(network.packetNetwork, network.labels)
    try {
      const players = scenario.hosts.map(({ name, role: roleName }): Player => {
        const role = roles[roleName]
        if (role === undefined) {
          throw new TwinwireError('ERR_INVALID_OPTION', `host ${name} plays no known role`, { path: 'scenario.hosts', expected: `one of ${Object.keys(roles).join(', ')}`, found: roleName })
        }
        const clock = new VirtualClock(kernel, 0, `timer of ${name}`)
        const host = {
          name, scenario, node: network.node(name), clock, random: random.fork(`host:${name}`), recorder, signal: this.#over.signal,
          peer: (other: string) => network.peer(other)
        }
        return { host, role, clock }
      })
      await this.#phase(players, async ({ host, role }) => { await role.setUp?.(host, parameters) })
      const zeroNs = kernel.nowNs
      for (const { clock } of players) {
        clock.zeroNs = zeroNs
      }
      network.begin(zeroNs)
      await this.#phase(players, async ({ host, role }) => { await role.run?.(host, parameters) })
      network.checkConservation()
    } finally {
      this.#over.abort(new TwinwireError('ERR_STOPPED', 'the run is over'))
      network.stop()
    }
  }

  outcome (failure: unknown): RunOutcome {
    return {
      ...this.#run.finish(),
      interrupted: this.#interrupted,
      ...(failure === undefined ? {} : { error: runError(failure) })
    }
  }

  /**
   * Lets every player do one thing, in virtual time, until all have done it.
   *
   * @throws what the first of them failed with; ERR_TIMEOUT at the scenario's limit (ERR_DEADLOCK is for networks whose
   * nodes have no timers: libp2p's connection monitor always has one)
   */
  async #phase (players: readonly Player[], act: (player: Player) => Promise<void>): Promise<void> {
    const { scenario: { limitMs }, signal } = this.#request
    const { kernel } = this.#run
    let open = players.length
    let failure: { readonly error: unknown } | undefined
    const limit = kernel.schedule(kernel.nowNs + msToNs(limitMs), kernel.define(() => {
      failure ??= { error: new TwinwireError('ERR_TIMEOUT', `the run was not over after ${limitMs} ms`, { path: 'scenario.limitMs' }) }
      kernel.wake()
    }, 'time limit'), 0)
    for (const player of players) {
      Promise.resolve(player).then(act).catch((error: unknown) => { failure ??= { error } }).finally(() => { open-- })
    }
    await kernel.runAsync(() => {
      this.#interrupted = signal?.aborted === true
      return open === 0 || failure !== undefined || this.#interrupted
    })
    kernel.cancel(limit)
    if (failure !== undefined) {
      throw failure.error
    }
    if (this.#interrupted) {
      throw new TwinwireError('ERR_INTERRUPTED', 'the run was cut short')
    }
  }
}
