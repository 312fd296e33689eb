import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { show, TwinwireError } from '../../core/errors.ts'
import { randomStream } from '../../core/random.ts'
import { sessionOptions } from '../libp2p-options.ts'
import { DeviceTraffic } from './device-traffic.ts'
import { HostClock } from './host-clock.ts'
import { createPeer } from '../libp2p-node.ts'
import { kernelTcp } from './kernel-tcp.ts'
import { monotonicNowMs } from './monotonic.ts'
import { ProcessRecorder } from './process-recorder.ts'
import type { Libp2p } from 'libp2p'
import type { Host, Peer, Role } from '../wire.ts'
import type { HostInit, OpenedHost, PeerEntry } from './messages.ts'

/** One host for the length of one run. */
export class HostedRun {
  readonly #init: HostInit
  readonly #role: Role
  readonly #node: Libp2p
  readonly #clock = new HostClock()
  readonly #recorder = new ProcessRecorder()
  readonly #controller = new AbortController()
  #host: Host | undefined
  #freezes: readonly NodeJS.Timeout[] = []
  /** Settled when no code of the role runs any more. */
  #running: Promise<unknown> = Promise.resolve()

  /**
   * @throws ERR_INVALID_OPTION where the module has no such role
   */
  static async open (init: HostInit): Promise<HostedRun> {
    const { roles } = await import(init.rolesModule) as { readonly roles: Readonly<Record<string, Role>> }
    if (!Object.hasOwn(roles, init.role)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no such role', {
        path: `scenario.hosts.${init.name}.role`, expected: `one of ${Object.keys(roles).join(', ')}`, found: show(init.role)
      })
    }
    const libp2p = init.scenario.hosts.find(({ name }) => name === init.name)?.libp2p
    const options = sessionOptions(libp2p)
    return new HostedRun(init, roles[init.role], await createPeer({ seed: `${init.seed}/${init.name}`, transport: kernelTcp(options), listen: init.listen, options }))
  }

  private constructor (init: HostInit, role: Role, node: Libp2p) {
    this.#init = init
    this.#role = role
    this.#node = node
  }

  get opened (): OpenedHost {
    const port = this.#node.getMultiaddrs().at(0)?.getComponents().find(({ name }) => name === 'tcp')?.value
    return { peerId: this.#node.peerId.toString(), port: port === undefined ? undefined : Number(port) }
  }

  async setUp (entries: readonly PeerEntry[]): Promise<void> {
    const peers = new Map<string, Peer>(entries.map(({ name, id, addresses }) => {
      return [name, { name, id: peerIdFromString(id), addresses: addresses.map(address => multiaddr(address)) }]
    }))
    const traffic = this.#init.devices && new DeviceTraffic(this.#init.devices)
    const host: Host = {
      name: this.#init.name,
      node: this.#node,
      scenario: this.#init.scenario,
      clock: this.#clock,
      random: randomStream(this.#init.seed).fork(`host:${this.#init.name}`),
      recorder: this.#recorder,
      signal: this.#controller.signal,
      traffic: () => traffic?.count,
      peer (name) {
        const peer = peers.get(name)
        if (peer === undefined) {
          throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { expected: `one of ${[...peers.keys()].join(', ')}`, found: show(name) })
        }
        return peer
      }
    }
    this.#host = host
    this.#running = (async () => await this.#role.setUp?.(host, this.#init.parameters))()
    await this.#running
  }

  /** Runs the role from `zeroMs` of the monotonic clock on. */
  async run (zeroMs: number): Promise<void> {
    this.#clock.start(zeroMs)
    this.#freezes = this.#init.scenario.faults.flatMap(fault => fault.kind !== 'freeze' || fault.host !== this.#init.name ? [] : [
      setTimeout(() => block(zeroMs + fault.atMs + fault.durationMs), Math.max(0, zeroMs + fault.atMs - monotonicNowMs()))
    ])
    await new Promise(resolve => setTimeout(resolve, Math.max(0, zeroMs - monotonicNowMs())))
    if (this.#host !== undefined && this.#role.run !== undefined) {
      this.#running = this.#role.run(this.#host, this.#init.parameters)
      await this.#running
    }
    this.#recorder.flush()
  }

  /** Ends the role, if it still runs, and the node. */
  async close (): Promise<void> {
    this.#recorder.stop()
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
