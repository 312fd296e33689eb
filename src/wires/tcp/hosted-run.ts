import { sleep } from '../../core/clock.ts'
import { show, TwinwireError } from '../../core/errors.ts'
import { randomStream } from '../../core/random.ts'
import { sessionOptions } from '../libp2p-options.ts'
import { DeviceTraffic } from './device-traffic.ts'
import { HostClock } from './host-clock.ts'
import { createPeer } from '../libp2p-node.ts'
import { kernelTcp } from './kernel-tcp.ts'
import { monotonicNowMs } from './monotonic.ts'
import { PeerBook } from './peer-book.ts'
import { processMemory } from './process-memory.ts'
import type { Libp2p } from 'libp2p'
import type { Recorder } from '../../core/recorder.ts'
import type { Host, Role } from '../wire.ts'
import type { HostInit, HostsInit, OpenedHost, PeerTable } from './messages.ts'

/** One host for the length of one run. */
export class HostedRun {
  readonly #name: string
  readonly #devices: readonly string[] | undefined
  readonly #init: HostsInit
  readonly #role: Role
  readonly #node: Libp2p
  readonly #recorder: Recorder
  readonly #clock = new HostClock()
  readonly #controller = new AbortController()
  #host: Host | undefined
  #freezes: readonly NodeJS.Timeout[] = []
  /** Settled when no code of the role runs any more. */
  #running: Promise<unknown> = Promise.resolve()

  /**
   * @throws ERR_INVALID_OPTION where the module has no such role
   */
  static async open (host: HostInit, init: HostsInit, recorder: Recorder): Promise<HostedRun> {
    const { name, role, listen } = host
    const { roles } = await import(init.rolesModule) as { readonly roles: Readonly<Record<string, Role>> }
    if (!Object.hasOwn(roles, role)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no such role', {
        path: `scenario.hosts.${name}.role`, expected: `one of ${Object.keys(roles).join(', ')}`, found: show(role)
      })
    }
    const libp2p = init.scenario.hosts.find(one => one.name === name)?.libp2p
    const options = sessionOptions(libp2p)
    const node = await createPeer({ seed: `${init.seed}/${name}`, transport: kernelTcp(options), listen, options })
    return new HostedRun(host, init, roles[role], node, recorder)
  }

  private constructor ({ name, devices }: HostInit, init: HostsInit, role: Role, node: Libp2p, recorder: Recorder) {
    this.#name = name
    this.#devices = devices
    this.#init = init
    this.#role = role
    this.#node = node
    this.#recorder = recorder
  }

  get opened (): OpenedHost {
    const port = this.#node.getMultiaddrs().at(0)?.getComponents().find(({ name }) => name === 'tcp')?.value
    return { peerId: this.#node.peerId.toString(), port: port === undefined ? undefined : Number(port) }
  }

  async setUp (peers: PeerTable): Promise<void> {
    const book = new PeerBook(peers, this.#name)
    const traffic = this.#devices && new DeviceTraffic(this.#devices)
    const host: Host = {
      name: this.#name,
      node: this.#node,
      scenario: this.#init.scenario,
      clock: this.#clock,
      random: randomStream(this.#init.seed).fork(`host:${this.#name}`),
      recorder: this.#recorder,
      signal: this.#controller.signal,
      traffic: () => traffic?.count,
      ...this.#init.hosts.length === 1 && { memory: processMemory },
      peer: name => book.peer(name)
    }
    this.#host = host
    this.#running = (async () => await this.#role.setUp?.(host, this.#init.parameters))()
    await this.#running
  }

  /** Runs the role from `zeroMs` of the monotonic clock on. */
  async run (zeroMs: number): Promise<void> {
    this.#clock.start(zeroMs)
    this.#freezes = this.#init.scenario.faults.flatMap(fault => fault.kind !== 'freeze' || fault.host !== this.#name ? [] : [
      setTimeout(() => block(zeroMs + fault.atMs + fault.durationMs), Math.max(0, zeroMs + fault.atMs - monotonicNowMs()))
    ])
    this.#running = this.#play(zeroMs)
    await this.#running
  }

  /** Not where the run is closed before time zero. */
  async #play (zeroMs: number): Promise<void> {
    await sleep(this.#clock, zeroMs - monotonicNowMs(), this.#controller.signal)
    if (this.#host !== undefined) {
      await this.#role.run?.(this.#host, this.#init.parameters)
    }
  }

  /** Ends the role, if it still runs, and the node. */
  async close (): Promise<void> {
    this.#controller.abort(new TwinwireError('ERR_ABORTED', 'the run is over'))
    await this.#running.catch(() => {})
    this.#clock.stop()
    this.#freezes.forEach(clearTimeout)
    await this.#node.stop()
  }
}

/** Keeps this process from doing anything until then, as a computation would, but leaves the processor to other hosts. */
function block (untilMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, untilMs - monotonicNowMs()))
}
