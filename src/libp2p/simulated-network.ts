import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { multiaddrOf } from '../wires/addresses.ts'
import type { ScenarioInput } from '../wires/scenario.ts'
import { parseScenario } from '../wires/scenario.ts'
import type { Place } from '../wires/scenario-network.ts'
import { ScenarioNetwork } from '../wires/scenario-network.ts'
import type { ByteNetwork } from '../wires/stack/byte-network.ts'
import { SimulatedHost } from '../wires/stack/simulated-host.ts'
import { closeByteNetwork, createByteNetwork } from './byte-networks.ts'
import type { Environment } from './environment.ts'
import { TrafficMeter } from './traffic-meter.ts'

/** A host as scenarios describe it, without its role. @interface */
export type HostInput = Omit<ScenarioInput['hosts'][number], 'role'>

/** A scenario without roles: what joins the hosts, and what befalls them, counted from when the network is made. */
export interface NetworkInput extends Omit<ScenarioInput, 'hosts' | 'limitMs'> {
  readonly hosts: readonly HostInput[]
}

/** Longer than any test: what a scenario of an experiment must say, and a network need not. */
const NO_LIMIT_MS = 30 * 24 * 3600e3

/**
 * A network as scenarios describe it: paths or a topology, loss, queues, faults, dead addresses. Where its cross traffic has
 * no end the process has none either, until the network is stopped.
 */
export class SimulatedNetwork implements Disposable {
  readonly #network: ScenarioNetwork
  readonly #environment: Environment
  readonly #bytes: ByteNetwork
  readonly #places: ReadonlyMap<string, Place>
  readonly #hosts = new Map<string, SimulatedHost>()

  /**
   * @internal
   * @param random of all its chance
   * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_UNKNOWN_HOST
   */
  constructor (environment: Environment, random: RandomStream, input: NetworkInput) {
    const { kernel } = environment
    this.#environment = environment
    const scenario = parseScenario({ ...input, hosts: input.hosts.map(host => ({ ...host, role: 'peer' })), limitMs: NO_LIMIT_MS })
    this.#network = new ScenarioNetwork(kernel, random, scenario)
    this.#places = new Map(this.#network.places.map(place => [place.name, place]))
    this.#bytes = createByteNetwork(environment, (ip, port, from) => this.#network.resolve(ip, port, from))
    this.#network.begin(kernel.nowNs)
  }

  /**
   * The host of that name, for `simulatedTcp({ host })`.
   *
   * @throws ERR_UNKNOWN_HOST
   */
  host (name: string): SimulatedHost {
    const { tcp, addresses } = this.#place(name)
    const host = this.#hosts.get(name) ?? new SimulatedHost(this.#bytes, tcp, addresses.map(({ ip }) => ip))
    this.#hosts.set(name, host)
    return host
  }

  /**
   * Where the host's node should listen, in the scenario's order: `/ip4/10.0.0.1/tcp/4001`.
   *
   * @throws ERR_UNKNOWN_HOST
   */
  addresses (name: string): string[] {
    return this.#place(name).addresses.map(({ ip }) => multiaddrOf(ip))
  }

  /** Begins to count what all hosts send. */
  meter (): TrafficMeter {
    return new TrafficMeter(this.#network.packetNetwork)
  }

  /**
   * Ends all that goes on in it, for good: cross traffic, faults to come, and every connection, as if it had been reset.
   * Nobody listens any more, and nobody can dial. What is on its way still arrives.
   */
  stop (): void {
    this.#network.stop()
    closeByteNetwork(this.#environment, this.#bytes)
  }

  /** As `stop`. */
  [Symbol.dispose] (): void {
    this.stop()
  }

  #place (name: string): Place {
    const place = this.#places.get(name)
    if (place === undefined) {
      throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { expected: `one of ${[...this.#places.keys()].join(', ')}`, found: name })
    }
    return place
  }
}
