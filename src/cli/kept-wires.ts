import type { Wire } from '../wires/wire.ts'
import type { Machinery } from './execute.ts'

/**
 * Real peers' wires that one command's experiments share: the processes of hosts, of which each takes seconds to load
 * libp2p and warm up, serve the next experiment, too.
 */
export class KeptWires {
  readonly #machinery: Machinery
  readonly #wires = new Map<string | undefined, Wire>()

  constructor (machinery: Machinery) {
    this.#machinery = machinery
  }

  /** The same, but that its real peers' wires stop only with this. One that cannot be made is tried again for the next experiment. */
  get machinery (): Machinery {
    return {
      ...this.#machinery,
      createTcpWire: async network => {
        const wire = this.#wires.get(network) ?? await this.#machinery.createTcpWire(network)
        this.#wires.set(network, wire)
        return { name: wire.name, run: async request => await wire.run(request), async stop () {} }
      }
    }
  }

  async stop (): Promise<void> {
    await Promise.all([...this.#wires.values()].map(async wire => await wire.stop()))
  }
}
