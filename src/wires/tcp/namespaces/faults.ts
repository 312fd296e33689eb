import { DeadlineTimers } from '../deadline-timers.ts'
import { devicesOf, directionsOf, subnetOf } from './layout.ts'
import { propagationCommands, queueCommands } from './shaping.ts'
import type { Fault, Scenario } from '../../scenario.ts'
import type { Layout } from './layout.ts'
import type { Namespace } from './namespace.ts'

export interface FaultsInit {
  readonly scenario: Pick<Scenario, 'hosts' | 'paths' | 'faults'>
  readonly layout: Layout
  readonly hub: Namespace
  readonly hosts: readonly Namespace[]
}

/**
 * Brings faults about, one after the other, each some milliseconds late: a command is a process. Those that last may
 * overlap; the last one to end restores.
 */
export class Faults {
  readonly #init: FaultsInit
  readonly #indexes: ReadonlyMap<string, number>
  readonly #timers = new DeadlineTimers()
  /** How many faults close a direction (`0>1`) or cut a path (`0`). */
  readonly #active = new Map<string, number>()
  readonly #failed = Promise.withResolvers<never>()
  #done: Promise<unknown> = Promise.resolve()

  constructor (init: FaultsInit) {
    this.#init = init
    this.#indexes = new Map(init.scenario.hosts.map(({ name }, index) => [name, index]))
    this.#failed.promise.catch(() => {})
  }

  /** Makes `zeroMs` of the monotonic clock the run's time zero. Never settles, but to reject where a fault cannot be brought about. */
  async begin (zeroMs: number): Promise<never> {
    for (const fault of this.#init.scenario.faults) {
      this.#schedule(zeroMs + fault.atMs, async () => await this.#begin(fault))
      if ('durationMs' in fault && fault.durationMs !== undefined) {
        this.#schedule(zeroMs + fault.atMs + fault.durationMs, async () => await this.#end(fault))
      }
    }
    return await this.#failed.promise
  }

  /** Nothing is under way, and nothing begins any more, when it returns. */
  async stop (): Promise<void> {
    this.#timers.clear()
    await this.#done
  }

  #schedule (atMs: number, act: () => Promise<void>): void {
    this.#timers.schedule(atMs, {
      due: () => {
        this.#done = this.#done.then(act).catch(this.#failed.reject)
      }
    })
  }

  async #begin (fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'rate':
        return await this.#changeRate(fault)
      case 'reset':
        return await this.#reset(this.#index(fault.from), this.#index(fault.to))
      case 'down':
        return await this.#first([`${this.#pathOf(fault)}`], async () => await this.#cut(this.#pathOf(fault)))
      default:
        return await this.#first(this.#holesOf(fault), async hole => await this.#route(hole, 'nowhere'))
    }
  }

  async #end (fault: Fault): Promise<void> {
    if (fault.kind === 'down') {
      await this.#last([`${this.#pathOf(fault)}`], async () => await this.#mend(this.#pathOf(fault)))
    } else {
      await this.#last(this.#holesOf(fault), async hole => await this.#route(hole, 'path'))
    }
  }

  async #first (keys: readonly string[], begin: (key: string) => Promise<void>): Promise<void> {
    for (const key of keys) {
      const count = this.#active.get(key) ?? 0
      this.#active.set(key, count + 1)
      if (count === 0) {
        await begin(key)
      }
    }
  }

  async #last (keys: readonly string[], end: (key: string) => Promise<void>): Promise<void> {
    for (const key of keys) {
      const count = this.#active.get(key) ?? 0
      this.#active.set(key, count - 1)
      if (count === 1) {
        await end(key)
      }
    }
  }

  /** The directions that a fault closes at their entrance: what is on its way by then arrives. */
  #holesOf (fault: Fault): string[] {
    if (fault.kind === 'partition') {
      const part = new Set(fault.nodes)
      return this.#init.scenario.paths.filter(({ from, to }) => part.has(from) !== part.has(to))
        .flatMap(({ from, to }) => [`${this.#index(from)}>${this.#index(to)}`, `${this.#index(to)}>${this.#index(from)}`])
    }
    const [from, to] = [this.#index(fault.from), this.#index(fault.to)]
    return [`${from}>${to}`, ...('direction' in fault && fault.direction === 'forward' ? [] : [`${to}>${from}`])]
  }

  async #route (hole: string, way: 'path' | 'nowhere'): Promise<void> {
    const [from, to] = hole.split('>').map(Number)
    await this.#init.hosts[from].ip(this.#init.layout.routeLines(from, to, way))
  }

  /** A device that is taken down forgets what waits at it. What propagates is netem's, which forgets when it is taken away. */
  async #cut (path: number): Promise<void> {
    const { hub, scenario } = this.#init
    const { leftMiddle, rightMiddle } = devicesOf(path)
    await hub.ip([leftMiddle, rightMiddle].map(device => `link set ${device} down`))
    for (const { direction, propagatesAt } of Object.values(directionsOf(path, scenario.paths[path]))) {
      for (const command of propagationCommands(propagatesAt, direction)) {
        await hub.tc(['qdisc', 'del', 'dev', propagatesAt, 'root'])
        await hub.tc(command)
      }
    }
  }

  async #mend (path: number): Promise<void> {
    const { leftMiddle, rightMiddle } = devicesOf(path)
    await this.#init.hub.ip([leftMiddle, rightMiddle].map(device => `link set ${device} up`))
  }

  async #changeRate ({ from, to, direction, rateBitsPerSecond }: Fault & { readonly kind: 'rate' }): Promise<void> {
    const path = this.#pathOf({ from, to })
    const description = this.#init.scenario.paths[path]
    const { forward, backward } = directionsOf(path, description)
    const [there, back] = description.from === from ? [forward, backward] : [backward, forward]
    for (const { waitsAt, direction: shape } of direction === 'forward' ? [there] : [there, back]) {
      for (const command of queueCommands(waitsAt, { ...shape, rateBitsPerSecond })) {
        await this.#init.hub.tc(command)
      }
    }
  }

  async #reset (a: number, b: number): Promise<void> {
    const { hosts } = this.#init
    await Promise.all([hosts[a].reset('dst', subnetOf(b)), hosts[b].reset('dst', subnetOf(a))])
  }

  #pathOf ({ from, to }: { readonly from: string, readonly to: string }): number {
    const path = this.#init.layout.pathBetween(this.#index(from), this.#index(to))
    if (path === undefined) {
      throw new Error(`no path between ${from} and ${to}`)
    }
    return path
  }

  #index (name: string): number {
    const index = this.#indexes.get(name)
    if (index === undefined) {
      throw new Error(`no host ${name}`)
    }
    return index
  }
}
