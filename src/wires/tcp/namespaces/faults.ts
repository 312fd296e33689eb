import { DeadlineTimers } from '../deadline-timers.ts'
import { subnetOf } from '../../addresses.ts'
import { devicesOf, directionsOf } from './layout.ts'
import { propagationLines, queueLines } from './shaping.ts'
import type { Fault, Scenario } from '../../scenario.ts'
import type { Batch } from './batch.ts'
import type { Layout } from './layout.ts'
import type { Namespace } from './namespace.ts'

/** What befalls links and connections; a freeze is its host's own affair. */
type NetworkFault = Exclude<Fault, { readonly kind: 'freeze' }>

export interface FaultsInit {
  readonly scenario: Pick<Scenario, 'hosts' | 'paths' | 'faults'>
  readonly layout: Layout
  readonly hub: Namespace
  /** In the scenario's order. */
  readonly hosts: readonly Namespace[]
}

/**
 * Brings faults about. Those that close a path may overlap: it is open again when the last one ends. A reset is late by
 * what it takes to start a process; for the others processes wait.
 */
export class Faults {
  readonly #init: FaultsInit
  readonly #indexes: ReadonlyMap<string, number>
  readonly #timers = new DeadlineTimers()
  /** How many faults close a direction (`0>1`) or cut a path (`0`). */
  readonly #active = new Map<string, number>()
  readonly #hubIp: Batch
  readonly #hubTc: Batch
  readonly #hostIp: readonly Batch[]
  readonly #resets = new Set<Promise<void>>()
  readonly #failed = Promise.withResolvers<never>()

  /** Of a scenario whose devices are there. `stop` is to be called. */
  constructor (init: FaultsInit) {
    this.#init = init
    this.#indexes = new Map(init.scenario.hosts.map(({ name }, index) => [name, index]))
    this.#hubIp = init.hub.batch('ip')
    this.#hubTc = init.hub.batch('tc')
    this.#hostIp = init.hosts.map(host => host.batch('ip'))
  }

  /**
   * Makes `zeroMs` of the monotonic clock the run's time zero. Never settles, but to reject with ERR_COMMAND_FAILED where a
   * fault cannot be brought about.
   */
  async begin (zeroMs: number): Promise<never> {
    for (const fault of this.#init.scenario.faults.filter(isOfNetwork)) {
      this.#timers.schedule(zeroMs + fault.atMs, { due: () => this.#begin(fault) })
      if ('durationMs' in fault && fault.durationMs !== undefined) {
        this.#timers.schedule(zeroMs + fault.atMs + fault.durationMs, { due: () => this.#end(fault) })
      }
    }
    return await Promise.race([this.#failed.promise, ...this.#batches.map(async ({ failed }) => await failed)])
  }

  /** Nothing is under way, and nothing begins any more, when it returns. */
  async stop (): Promise<void> {
    await Promise.all([this.#timers.stop(), ...this.#resets, ...this.#batches.map(async batch => await batch.end())])
  }

  get #batches (): readonly Batch[] {
    return [this.#hubIp, this.#hubTc, ...this.#hostIp]
  }

  #begin (fault: NetworkFault): void {
    switch (fault.kind) {
      case 'rate':
        this.#changeRate(fault)
        break
      case 'reset':
        this.#reset(this.#index(fault.from), this.#index(fault.to))
        break
      case 'down':
        if (this.#count(String(this.#pathOf(fault)), 1) === 1) {
          this.#cut(this.#pathOf(fault))
        }
        break
      default:
        this.#holesOf(fault).filter(hole => this.#count(hole, 1) === 1).forEach(hole => this.#route(hole, 'nowhere'))
    }
  }

  #end (fault: NetworkFault): void {
    if (fault.kind !== 'down') {
      this.#holesOf(fault).filter(hole => this.#count(hole, -1) === 0).forEach(hole => this.#route(hole, 'path'))
    } else if (this.#count(String(this.#pathOf(fault)), -1) === 0) {
      this.#middle(this.#pathOf(fault), 'up')
    }
  }

  #count (key: string, change: number): number {
    const count = (this.#active.get(key) ?? 0) + change
    this.#active.set(key, count)
    return count
  }

  /** The directions that a fault closes at their entrance: what is on its way by then arrives. */
  #holesOf (fault: NetworkFault): string[] {
    if (fault.kind === 'partition') {
      const part = new Set(fault.nodes)
      return this.#init.scenario.paths.filter(({ from, to }) => part.has(from) !== part.has(to))
        .flatMap(({ from, to }) => [`${this.#index(from)}>${this.#index(to)}`, `${this.#index(to)}>${this.#index(from)}`])
    }
    const [from, to] = [this.#index(fault.from), this.#index(fault.to)]
    return [`${from}>${to}`, ...('direction' in fault && fault.direction === 'forward' ? [] : [`${to}>${from}`])]
  }

  #route (hole: string, way: 'path' | 'nowhere'): void {
    const [from, to] = hole.split('>').map(Number)
    this.#hostIp[from].write(this.#init.layout.routeLines(from, to, way))
  }

  /** A device that is taken down forgets what waits at it. What propagates is netem's, which forgets when it is taken away. */
  #cut (path: number): void {
    this.#middle(path, 'down')
    for (const { direction, propagatesAt } of Object.values(directionsOf(path, this.#init.scenario.paths[path]))) {
      const lines = propagationLines(propagatesAt, direction)
      if (lines.length > 0) {
        this.#hubTc.write([`qdisc del dev ${propagatesAt} root`, ...lines])
      }
    }
  }

  #middle (path: number, state: 'up' | 'down'): void {
    const { leftMiddle, rightMiddle } = devicesOf(path)
    this.#hubIp.write([leftMiddle, rightMiddle].map(device => `link set ${device} ${state}`))
  }

  #changeRate ({ from, to, direction, rateBitsPerSecond }: Fault & { readonly kind: 'rate' }): void {
    const path = this.#pathOf({ from, to })
    const description = this.#init.scenario.paths[path]
    const { forward, backward } = directionsOf(path, description)
    const [there, back] = description.from === from ? [forward, backward] : [backward, forward]
    const changed = direction === 'forward' ? [there] : [there, back]
    this.#hubTc.write(changed.flatMap(({ waitsAt, direction: shape }) => queueLines(waitsAt, { ...shape, rateBitsPerSecond })))
  }

  /** At one end: the other learns of it by the reset that this sends. At both, the later one would hit what has been dialled since. */
  #reset (from: number, to: number): void {
    const done = this.#init.hosts[to].reset('dst', subnetOf(from))
      .then(() => {}, this.#failed.reject).finally(() => this.#resets.delete(done))
    this.#resets.add(done)
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

function isOfNetwork (fault: Fault): fault is NetworkFault {
  return fault.kind !== 'freeze'
}
