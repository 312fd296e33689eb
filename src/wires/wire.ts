import type { Clock } from '../core/clock.ts'
import type { RandomStream } from '../core/random.ts'
import type { RecordedEvent, Recorder } from '../core/recorder.ts'
import type { Multiaddr, NetworkNode, PeerId } from '../optim/port.ts'
import type { Scenario } from './scenario.ts'

/** What a run goes over: the session model, libp2p over simulated TCP, or real peers in processes of their own. */
export type WireName = 'sim' | 'stack' | 'tcp'

/** What one host is told of another. */
export interface Peer {
  readonly name: string
  readonly id: PeerId
  /** In the scenario's order, dead ones included; each ends in `/p2p/<id>`. */
  readonly addresses: readonly Multiaddr[]
}

/** Packets of one host, and their IP bytes: headers, acknowledgements and retransmissions included. */
export interface TrafficCount {
  readonly sentPackets: number
  readonly sentBytes: number
  readonly receivedPackets: number
  readonly receivedBytes: number
}

/** One peer of a run, the same to an experiment on every wire. */
export interface Host {
  readonly name: string
  readonly node: NetworkNode
  /** What an experimenter knows and no module is told: the paths, and what befalls them when. */
  readonly scenario: Scenario
  /** Zero is the run's time zero: when every host was set up. */
  readonly clock: Clock
  readonly random: RandomStream
  readonly recorder: Recorder
  /** Aborted when the run is over or cut short. */
  readonly signal: AbortSignal
  /** What the process takes that this host has for itself. Absent where it shares one, as in virtual time all hosts do. */
  readonly memory?: MemoryMeter
  /**
   * What the host has sent and received since this was first asked; until then nothing is counted. Undefined where nobody
   * sees packets: behind the relay of the tcp wire.
   */
  traffic(): TrafficCount | undefined
  /**
   * @throws ERR_UNKNOWN_HOST
   */
  peer(name: string): Peer
}

/** What a process takes, at an instant. */
export interface ProcessMemory {
  /** What is in use: the heap's objects, and what lies outside of it for them, such as buffers. */
  readonly usedBytes: number
  /** What the system has given it: the resident set. */
  readonly residentBytes: number
}

/** Reads the memory of the process that a host has to itself. */
export interface MemoryMeter {
  /** As it is. It takes less than a millisecond. */
  now(): ProcessMemory
  /** After garbage was collected, while which the process stands still. */
  collected(): ProcessMemory
}

/**
 * What hosts of one kind do. `setUp` runs on all hosts before time zero (servers register their handlers there); `run`
 * begins at time zero, and the run is over when every host's has returned.
 */
export interface Role {
  /** Before time zero, on all hosts at once. */
  setUp?(host: Host, parameters: RunParameters): Promise<void> | void
  /** From time zero on. */
  run?(host: Host, parameters: RunParameters): Promise<void>
}

/** Plain values, because they cross processes. */
export type RunParameters = Readonly<Record<string, string | number | boolean>>

export interface RunRequest {
  readonly scenario: Scenario
  /** A module whose export `roles` is a `Record<string, Role>`: a reference, because hosts may be other processes. */
  readonly rolesModule: URL
  readonly parameters: RunParameters
  readonly seed: string
  /**
   * A file that gets everything that the trace hash is made of (an `EventLog`), to find where two runs part. Only where
   * time is virtual: others leave it alone.
   */
  readonly eventLog?: string
  /** Whether to record what its connections and queues did; the run is the same. Only where time is virtual. */
  readonly course?: boolean
  /** Cuts the run short: what was recorded so far is returned with `interrupted`. */
  readonly signal?: AbortSignal
}

export interface RunOutcome {
  readonly events: RecordedEvent[]
  /** Over everything that happened, packets included. Only where time is virtual. */
  readonly traceHash?: string
  /** Where it was asked for, and time is virtual: until the end, or until the run failed. */
  readonly course?: NetworkCourse
  /** How late packets were; only where those of real peers cross the simulator's links, and the run ended well. */
  readonly packetLateness?: PacketLateness
  /** Of this machine's processors' time while real peers ran, the share in which they were not idle, 0 to 1; only where the run ended well. */
  readonly busyShare?: number
  /** Why the run did not end well: a role that threw, a host that died, the time limit. */
  readonly error?: { readonly code: string, readonly message: string }
  readonly interrupted: boolean
}

/**
 * By how much packets left the simulator's links in real time after they were to. What they waited before they entered them is
 * not in it.
 */
export interface PacketLateness {
  readonly meanMs: number
  readonly p99Ms: number
}

/** What happened in a run's network, as plain data. Times are milliseconds since the run's time zero. */
export interface NetworkCourse {
  readonly endMs: number
  /** All that were opened, of which `series` has some. */
  readonly connections: number
  readonly series: readonly CourseSeries[]
  /** In order of time. */
  readonly marks: readonly CourseMark[]
  /** Names of hosts by the text of their peer ids. */
  readonly peers: Readonly<Record<string, string>>
}

/**
 * `window`: the congestion window of a connection's end, `in-flight`: what it takes to be in the network, `round-trip`: its
 * smoothed round trip, `queue`: what waits in a link.
 */
export type CourseQuantity = 'window' | 'in-flight' | 'round-trip' | 'queue'

/** One quantity over time, a step function in few points: spikes are kept. */
export interface CourseSeries {
  readonly what: CourseQuantity
  /** Its number; absent for queues. */
  readonly connection?: number
  /** The sending host, or the node at which the link begins. */
  readonly from: string
  readonly to: string
  readonly unit: 'bytes' | 'ms'
  /** Time and value; each holds until the next. */
  readonly points: ReadonlyArray<readonly [timeMs: number, value: number]>
}

/**
 * What a mark is about: the network's faults, what health monitoring finds, connections, the pool, sharing and queues
 * (`flow`), attempts of requests, TCP's retransmission timeouts.
 */
export type CourseMarkKind = 'fault' | 'health' | 'connection' | 'pool' | 'flow' | 'attempt' | 'tcp'

/** Something that happened at one time, in words. */
export interface CourseMark {
  readonly timeMs: number
  /** Of what lasts (a fault): its end, or the run's where that comes first. */
  readonly untilMs?: number
  /** '' for the network as a whole. */
  readonly host: string
  readonly kind: CourseMarkKind
  /** Without its subject, which is the host: `opened connection 3 to server`. */
  readonly text: string
}

/** A way to bring a scenario to life. */
export interface Wire {
  readonly name: WireName
  /**
   * Never rejects for what happens inside the run: that is in the outcome, beside what was recorded until then.
   *
   * @throws ERR_UNSUPPORTED for a scenario that this wire cannot bring about
   */
  run(request: RunRequest): Promise<RunOutcome>
  /** Ends every process and socket that runs left for the next one to use. */
  stop(): Promise<void>
}

/** What made a run fail, as plain data: a stable code where the error has one, its name where it is somebody else's. */
export function runError (error: unknown): { readonly code: string, readonly message: string } {
  if (error instanceof Error) {
    return { code: 'code' in error && typeof error.code === 'string' ? error.code : error.name, message: error.message }
  }
  return { code: 'Error', message: String(error) }
}
