import type { Wire } from '../wires/wire.ts'
import type { Machinery } from './execute.ts'

/**
 * Real peers' wires that one command's experiments share: the processes of hosts, of which each takes seconds to load
 * libp2p and warm up, serve the next experiment, too.
 */
export class KeptWires {
  readonly #machinery: Machinery
  readonly #wires = new Map<string | undefined, Promise<Wire>>()

  constructor (machinery: Machinery) {
    this.#machinery = machinery
  }

  /** The same, but that its real peers' wires stop only with this. */
  get machinery (): Machinery {
    return {
      ...this.#machinery,
      createTcpWire: async network => {
        const kept = this.#wires.get(network) ?? this.#machinery.createTcpWire(network)
        this.#wires.set(network, kept)
        const wire = await kept
        return { name: wire.name, run: async request => await wire.run(request), async stop () {} }
      }
    }
  }

  async stop (): Promise<void> {
    const wires = await Promise.allSettled(this.#wires.values())
    await Promise.all(wires.flatMap(wire => wire.status === 'fulfilled' ? [wire.value.stop()] : []))
  }
}
