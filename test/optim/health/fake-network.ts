import { randomStream } from '../../../src/core/random.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import { NetworkHealth } from '../../../src/optim/health/network-health.ts'
import { inVirtualTime } from '../timeouts/virtual-time.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { HealthEvent } from '../../../src/optim/health/events.ts'
import type { AttemptObservation, HealthActions } from '../../../src/optim/health/observations.ts'
import type { NetworkHealthOptions } from '../../../src/optim/health/options.ts'

/** What a peer does when it is probed or dialled; changed as a test goes on. */
export interface FakePeer {
  /** How long it takes to answer a probe; Infinity where it never does. */
  probeMs: number
  /** False where a probe finds that the peer does not speak ping. */
  speaksPing: boolean
  /** How long a dial takes; Infinity where it fails. */
  dialMs: number
}

/** A monitor over peers that are as a test has them, in virtual time. */
export class FakeNetwork implements HealthActions {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly health: NetworkHealth
  readonly events: HealthEvent[] = []
  readonly peers = new Map<string, FakePeer>()
  /** When each replacement began. */
  readonly replacedMs: number[] = []
  #skewMs = 0
  #connections = 0

  constructor (clock: Clock, options: NetworkHealthOptions = {}, seed: string | number = 1) {
    // A stall is time that passes while timers do not fire: here they fire, and find that it is later.
    this.clock = { now: () => clock.now() + this.#skewMs, setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs) }
    this.deadlines = new Deadlines(this.clock)
    this.health = new NetworkHealth({
      clock: this.clock,
      deadlines: this.deadlines,
      random: randomStream(seed),
      host: 'node',
      recorder: { record: event => this.events.push(event) },
      actions: this
    }, options)
  }

  get nowMs (): number {
    return this.clock.now()
  }

  /** Adds so many healthy peers, connected or not: `p0` and on. */
  add (count: number, connected: boolean): string[] {
    return Array.from({ length: count }, () => {
      const peer = `p${this.peers.size}`
      this.peers.set(peer, { probeMs: 50, speaksPing: true, dialMs: 100 })
      if (connected) {
        this.open(peer)
      }
      return peer
    })
  }

  peer (name: string): FakePeer {
    const peer = this.peers.get(name)
    if (peer === undefined) {
      throw new Error(`no such peer: ${name}`)
    }
    return peer
  }

  /** The peers fall silent, and no dial reaches them. */
  cut (peers: Iterable<string>): void {
    for (const name of peers) {
      Object.assign(this.peer(name), { probeMs: Infinity, dialMs: Infinity })
    }
  }

  heal (peers: Iterable<string>): void {
    for (const name of peers) {
      Object.assign(this.peer(name), { probeMs: 50, dialMs: 100 })
    }
  }

  open (peer: string): string {
    const connection = `c${this.#connections++}`
    this.health.observe({ kind: 'connection', peer, connection, change: 'open', nowMs: this.nowMs })
    return connection
  }

  close (peer: string, connection: string): void {
    this.health.observe({ kind: 'connection', peer, connection, change: 'close', nowMs: this.nowMs })
  }

  life (peer: string): void {
    this.health.observe({ kind: 'life', peer, nowMs: this.nowMs })
  }

  attempt (peer: string, outcome: AttemptObservation['outcome'], sentMs = this.nowMs): void {
    this.health.observe({ kind: 'attempt', peer, outcome, sentMs, nowMs: this.nowMs, reason: outcome === 'answered' ? '' : 'ERR_TEST' })
  }

  /** This node does nothing for so long, and only then looks at what is due. */
  stall (durationMs: number): void {
    this.#skewMs += durationMs
  }

  ofType<Type extends HealthEvent['type']> (type: Type): Array<Extract<HealthEvent, { type: Type }>> {
    return this.events.filter((event): event is Extract<HealthEvent, { type: Type }> => event.type === type)
  }

  /** The transitions of one peer: `alive>silent:silence`. */
  states (peer: string): string[] {
    return this.ofType('health:state').filter(event => event.peer === peer).map(({ from, to, reason }) => `${from}>${to}:${reason}`)
  }

  async probe (name: string, signal: AbortSignal): Promise<number | undefined> {
    const { speaksPing } = this.peer(name)
    const sentMs = this.nowMs
    await this.#after(() => this.peer(name).probeMs, signal)
    return speaksPing ? this.nowMs - sentMs : undefined
  }

  async replace (name: string, signal: AbortSignal): Promise<void> {
    this.replacedMs.push(this.nowMs)
    if (this.peer(name).dialMs === Infinity) {
      throw new Error('unreachable')
    }
    await this.#after(() => this.peer(name).dialMs, signal)
    this.open(name)
  }

  /** Waits for as long as it takes, which is for ever where that is so when it begins. */
  async #after (delayMs: () => number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = delayMs() === Infinity ? undefined : this.clock.setTimeout(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }, delayMs())
      function onAbort (): void {
        timer?.cancel()
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** Runs a test over such a network; whatever it found, stopping leaves no timer behind. */
export async function withNetwork (options: NetworkHealthOptions, body: (network: FakeNetwork, wait: (durationMs: number) => Promise<void>) => Promise<void>): Promise<void> {
  await inVirtualTime(async time => {
    const network = new FakeNetwork(time.clock, options)
    const wait = (durationMs: number): Promise<void> => new Promise(resolve => time.clock.setTimeout(resolve, durationMs))
    await body(network, wait)
    network.health.stop()
    if (network.deadlines.size !== 0) {
      throw new Error('a deadline is left')
    }
  })
}
