import type { RecordedEvent } from '../core/recorder.ts'
import { StepRecorder, thin } from '../core/thin.ts'
import { NS_PER_MS } from '../core/units.ts'
import type { LinkId, NodeId } from '../sim/link.ts'
import type { PacketNetwork } from '../sim/network.ts'
import type { NodeLabels } from '../sim/observe/nodes.ts'
import { NO_LINK } from '../sim/observe/observer.ts'
import type { DropReason, NetworkObserver, Observation } from '../sim/observe/observer.ts'
import type { PacketId } from '../sim/packets.ts'
import type { TcpCloseReason, TcpSocket } from '../sim/tcp/socket.ts'
import { faultMarks } from './course-faults.ts'
import type { ScenarioNetwork } from './scenario-network.ts'
import type { Scenario } from './scenario.ts'
import type { CourseMark, CourseQuantity, CourseSeries, NetworkCourse } from './wire.ts'

/** Of a course; more is left out, the quietest first. */
export const COURSE_CONNECTIONS = 12
export const COURSE_QUEUES = 4
export const COURSE_POINTS = 240

/** So many are followed at a time. Where another comes, the quieter half is forgotten first. */
const FOLLOWED = 64
/** Of one connection: what is more says nothing new. */
const MARKS_PER_CONNECTION = 400

/** One end of a connection. */
interface End {
  readonly socket: TcpSocket
  readonly steps: Readonly<Record<Exclude<CourseQuantity, 'queue'>, StepRecorder>>
  established: boolean
  timeouts: number
  closedNs: number | undefined
}

interface Connection {
  readonly ends: End[]
  readonly marks: Array<Omit<CourseMark, 'timeMs'> & { readonly timeNs: number }>
}

interface Queue {
  readonly steps: StepRecorder
  peakBytes: number
}

/**
 * Looks on at a run's network and keeps what a reader of the run wants to see of it, in bounded memory: the busiest
 * connections and the fullest queues, connections of hosts that record samples before all others. It changes nothing, and
 * the run has the trace hash of one without it.
 */
export class CourseRecorder implements NetworkObserver {
  readonly #network: PacketNetwork
  readonly #labels: NodeLabels
  readonly #scenario: Scenario
  readonly #events: readonly RecordedEvent[]
  readonly #observation: Observation
  readonly #connections = new Map<number, Connection>()
  readonly #queues = new Map<LinkId, Queue>()
  readonly #sampled = new Set<string>()
  #scanned = 0
  #opened = 0
  #zeroNs = 0
  #endNs = 0
  #peers: ReadonlyMap<string, string> = new Map()

  /** @param events all that was recorded, as it grows */
  constructor (network: ScenarioNetwork, scenario: Scenario, events: readonly RecordedEvent[]) {
    this.#network = network.packetNetwork
    this.#labels = network.labels
    this.#scenario = scenario
    this.#events = events
    this.#observation = this.#network.observers.add(this)
  }

  /** @param peers names of hosts by their peer ids */
  begin (zeroNs: number, peers: ReadonlyMap<string, string>): void {
    this.#zeroNs = zeroNs
    this.#peers = peers
  }

  /** Looks on no longer. */
  end (): void {
    this.#endNs = this.#network.kernel.nowNs
    this.#observation.stop()
  }

  /** To be asked for after the end. */
  get course (): NetworkCourse {
    const endMs = this.#time(this.#endNs)
    const chosen = this.#ranked().slice(0, COURSE_CONNECTIONS).sort(([a], [b]) => a - b)
    const queues = [...this.#queues].sort(([, a], [, b]) => b.peakBytes - a.peakBytes).slice(0, COURSE_QUEUES).filter(([, { peakBytes }]) => peakBytes > 0)
    const marks = chosen.flatMap(([, { marks }]) => marks.map(({ timeNs, ...mark }) => ({ timeMs: this.#time(timeNs), ...mark })))
    return {
      endMs,
      connections: this.#opened,
      series: [
        ...chosen.flatMap(([connection, { ends }]) => this.#seriesOf(connection, ends)),
        ...queues.map(([id, { steps }]) => this.#series('queue', steps, this.#ends(id), this.#endNs))
      ].filter(({ points }) => points.length > 0),
      marks: [...faultMarks(this.#scenario, endMs), ...marks].sort((a, b) => a.timeMs - b.timeMs),
      peers: Object.fromEntries(this.#peers)
    }
  }

  onSend (_packet: PacketId, link: LinkId): void {
    this.#noteQueue(link)
  }

  onForward (_packet: PacketId, from: LinkId, into: LinkId): void {
    this.#noteQueue(from)
    this.#noteQueue(into)
  }

  onReceive (_packet: PacketId, link: LinkId): void {
    this.#noteQueue(link)
  }

  onDrop (_packet: PacketId, _reason: DropReason, _node: NodeId, link: LinkId): void {
    this.#noteQueue(link)
  }

  onSocket (socket: TcpSocket): void {
    const { connection } = socket
    const end: End = {
      socket,
      steps: { window: new StepRecorder(COURSE_POINTS), 'in-flight': new StepRecorder(COURSE_POINTS), 'round-trip': new StepRecorder(COURSE_POINTS) },
      established: false,
      timeouts: 0,
      closedNs: undefined
    }
    const known = this.#connections.get(connection)
    if (known !== undefined) {
      known.ends.push(end)
    } else if (socket.role === 'initiator') {
      this.#opened++
      if (this.#connections.size >= FOLLOWED) {
        this.#ranked().slice(FOLLOWED / 2).forEach(([quiet]) => this.#connections.delete(quiet))
      }
      this.#connections.set(connection, { ends: [end], marks: [] })
    }
  }

  onSocketChange (socket: TcpSocket): void {
    const connection = this.#connections.get(socket.connection)
    const end = connection?.ends.find(end => end.socket === socket)
    if (connection === undefined || end === undefined || socket.state === 'syn-sent' || socket.state === 'syn-received') {
      return
    }
    if (!end.established) {
      end.established = true
      if (socket.role === 'initiator') {
        this.#mark(connection, socket, 'connection', `opened connection ${socket.connection} to ${this.#peer(socket)}`)
      }
    }
    const { nowNs } = this.#network.kernel
    end.steps.window.add(nowNs, socket.cwndBytes)
    end.steps['in-flight'].add(nowNs, socket.pipeBytes)
    if (socket.srttNs >= 0) {
      end.steps['round-trip'].add(nowNs, socket.srttNs / NS_PER_MS)
    }
    if (socket.timeouts > end.timeouts) {
      end.timeouts = socket.timeouts
      this.#mark(connection, socket, 'tcp', `retransmission timeout on connection ${socket.connection} to ${this.#peer(socket)}`)
    }
  }

  onSocketClosed (socket: TcpSocket, reason: TcpCloseReason): void {
    const connection = this.#connections.get(socket.connection)
    const end = connection?.ends.find(end => end.socket === socket)
    if (connection === undefined || end === undefined) {
      return
    }
    end.closedNs = this.#network.kernel.nowNs
    // Both ends tell of most ends: once is enough.
    if (socket.role === 'initiator' || reason === 'aborted' || reason === 'timeout') {
      this.#mark(connection, socket, 'connection', CLOSINGS[reason](`connection ${socket.connection}`, this.#peer(socket)))
    }
  }

  /** The first to stay: those of hosts that recorded samples, and of these the busiest. */
  #ranked (): Array<[number, Connection]> {
    for (; this.#scanned < this.#events.length; this.#scanned++) {
      const { type, host } = this.#events[this.#scanned]
      if (type === 'sample') {
        this.#sampled.add(host)
      }
    }
    return [...this.#connections].map(entry => ({ entry, sampled: this.#isSampled(entry[1]), bytes: bytesOf(entry[1]) }))
      .sort((a, b) => Number(b.sampled) - Number(a.sampled) || b.bytes - a.bytes || a.entry[0] - b.entry[0])
      .map(({ entry }) => entry)
  }

  #isSampled ({ ends: [{ socket }] }: Connection): boolean {
    return this.#sampled.has(this.#labels.name(socket.localNode)) || this.#sampled.has(this.#labels.name(socket.remoteNode))
  }

  #noteQueue (id: LinkId): void {
    if (id === NO_LINK) {
      return
    }
    const link = this.#network.link(id)
    const { waitingBytes } = link
    let queue = this.#queues.get(id)
    if (queue === undefined) {
      if (waitingBytes === 0) {
        return
      }
      if (this.#queues.size >= FOLLOWED) {
        [...this.#queues].sort(([, a], [, b]) => b.peakBytes - a.peakBytes).slice(FOLLOWED / 2).forEach(([short]) => this.#queues.delete(short))
      }
      queue = { steps: new StepRecorder(COURSE_POINTS), peakBytes: 0 }
      this.#queues.set(id, queue)
    }
    queue.peakBytes = Math.max(queue.peakBytes, waitingBytes)
    queue.steps.add(this.#network.kernel.nowNs, waitingBytes)
  }

  #mark ({ marks }: Connection, { localNode }: TcpSocket, kind: CourseMark['kind'], text: string): void {
    if (marks.length < MARKS_PER_CONNECTION) {
      marks.push({ timeNs: this.#network.kernel.nowNs, host: this.#labels.name(localNode), kind, text })
    }
  }

  /** Of the direction in which more was sent. */
  #seriesOf (connection: number, ends: readonly End[]): CourseSeries[] {
    const { socket, steps, closedNs = this.#endNs } = ends.reduce((busiest, end) => end.socket.acknowledgedBytes > busiest.socket.acknowledgedBytes ? end : busiest)
    const place = { connection, from: this.#labels.name(socket.localNode), to: this.#peer(socket) }
    return (['window', 'in-flight', 'round-trip'] as const).map(what => this.#series(what, steps[what], place, closedNs))
  }

  #series (what: CourseQuantity, recorder: StepRecorder, place: Pick<CourseSeries, 'connection' | 'from' | 'to'>, untilNs: number): CourseSeries {
    // One is left for where it ends.
    const { times, values } = thin(recorder.steps, COURSE_POINTS - 1)
    const begun = times.findIndex(timeNs => timeNs > this.#zeroNs)
    const first = begun === -1 ? times.length - 1 : Math.max(0, begun - 1)
    const points = times.slice(first).map((timeNs, index) => [Math.max(0, this.#time(timeNs)), shortened(values[first + index])] as const)
    const last = points.at(-1)
    const untilMs = this.#time(untilNs)
    return { what, ...place, unit: what === 'round-trip' ? 'ms' : 'bytes', points: last === undefined || last[0] >= untilMs ? points : [...points, [untilMs, last[1]]] }
  }

  #ends (id: LinkId): { from: string, to: string } {
    const { from, to } = this.#network.link(id)
    return { from: this.#labels.name(from), to: this.#labels.name(to) }
  }

  #peer ({ remoteNode }: TcpSocket): string {
    return this.#labels.name(remoteNode)
  }

  /** Milliseconds since time zero, to a hundred-thousandth of the run. */
  #time (timeNs: number): number {
    const endMs = (this.#endNs - this.#zeroNs) / NS_PER_MS
    const decimals = Math.min(6, Math.max(0, 5 - Math.floor(Math.log10(Math.max(1e-6, endMs)))))
    return Number(((timeNs - this.#zeroNs) / NS_PER_MS).toFixed(decimals))
  }
}

const CLOSINGS: Readonly<Record<TcpCloseReason, (connection: string, peer: string) => string>> = {
  closed: (connection, peer) => `closed ${connection} to ${peer}`,
  reset: (connection, peer) => `${connection} to ${peer} was reset by the far side`,
  refused: (connection, peer) => `${connection} was refused by ${peer}`,
  timeout: (connection, peer) => `${connection} to ${peer} timed out`,
  aborted: (connection, peer) => `aborted ${connection} to ${peer}`
}

function bytesOf ({ ends }: Connection): number {
  return Math.max(...ends.map(({ socket }) => socket.acknowledgedBytes + socket.deliveredBytes))
}

/** Four digits are more than a chart shows. */
function shortened (value: number): number {
  return Number(value.toPrecision(4))
}
