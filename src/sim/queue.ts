import { TwinwireError } from '../core/errors.ts'
import type { PacketId } from './packets.ts'

/** A drop-tail queue's limit on what waits; the packet in service is not counted. */
export type QueueLimit = { readonly limitBytes: number } | { readonly limitPackets: number }

/** Random early detection (Floyd and Jacobson 1993), with the gentle slope that Floyd recommended in 2000. */
export interface RedOptions {
  readonly discipline: 'red'
  /** Average queue in packets below which nothing is dropped. Default 5. */
  readonly minimumPackets?: number
  /** Average queue in packets at which `maximumProbability` is reached. Default 15. */
  readonly maximumPackets?: number
  /** Weight of one arrival in the moving average. Default 0.002. */
  readonly weight?: number
  /** Default 1/50, as in the paper's section 6 and in ns-3. */
  readonly maximumProbability?: number
  /** Between one and two times `maximumPackets` the probability rises to 1, instead of jumping. Default true. */
  readonly gentle?: boolean
  /** For how many packets an idle time stands in the average: the time over that of one such packet. Default 500. */
  readonly meanPacketBytes?: number
  /** Packets that may wait, whatever the average. Default: no limit. */
  readonly limitPackets?: number
  /** Marks ECN-capable packets instead of dropping them, below the region of forced drops. Default false. */
  readonly ecn?: boolean
}

/** Controlled delay, RFC 8289. */
export interface CoDelOptions {
  readonly discipline: 'codel'
  /** Delay that may stand. Default 5 ms (section 4.4). */
  readonly targetNs?: number
  /** For how long the delay must stand above the target before the first drop. Default 100 ms (section 4.3). */
  readonly intervalNs?: number
  /** Packets that may wait. Default 1000, as in Linux. */
  readonly limitPackets?: number
  /** Marks ECN-capable packets instead of dropping them. Default false, as in Linux. */
  readonly ecn?: boolean
}

/** Flow queues with CoDel, RFC 8290. */
export interface FqCoDelOptions {
  readonly discipline: 'fq-codel'
  /** Queues that flows are hashed to. Default 1024 (section 4.1.3). */
  readonly flows?: number
  /** Bytes a flow may send in its turn. Default 1514. */
  readonly quantumBytes?: number
  /** Over all flows. Default 10240. */
  readonly limitPackets?: number
  /** Default 5 ms. */
  readonly targetNs?: number
  /** Default 100 ms. */
  readonly intervalNs?: number
  /** Marks ECN-capable packets instead of dropping them. Default true (section 5.2.1), as in Linux. */
  readonly ecn?: boolean
}

/** What waits for a link's serialiser, and what is dropped instead. A limit alone is a drop-tail queue. */
export type QueueOptions = QueueLimit | RedOptions | CoDelOptions | FqCoDelOptions

/** What a discipline has nothing to give in place of a packet. */
export const NO_PACKET: PacketId = -1

/** Packets that wait. It owns each from `enqueue` on, until it gives it out or hands it to its sink. */
export interface QueueDiscipline {
  readonly packets: number
  readonly bytes: number
  /** ECN marks set so far. */
  readonly marked: number
  /** Takes in a packet or drops it (or others). `busy` is false where the link is idle and will ask for it at once. */
  enqueue(packet: PacketId, nowNs: number, busy: boolean): void
  /** The next to be served, or `NO_PACKET`. May drop some that came before it. */
  dequeue(nowNs: number): PacketId
  /** Hands everything to the sink. */
  flush(nowNs: number): void
}

/** Where a discipline's drops go. */
export interface QueueSink {
  drop(packet: PacketId): void
}

/** @throws ERR_INVALID_OPTION, its path beginning with `path` */
export function checkQueueOptions (queue: QueueOptions, path: string): void {
  const [unit, limit] = 'limitBytes' in queue ? ['limitBytes', queue.limitBytes] : ['limitPackets', queue.limitPackets]
  check(limit === undefined || limit >= 0, 'not a queue limit', `${path}.${unit}`, 'a number, 0 or more', limit)
  if (!('discipline' in queue)) {
    return
  }
  if (queue.discipline === 'red') {
    const { minimumPackets = 5, maximumPackets = 15, weight = 0.002, maximumProbability = 0.02, meanPacketBytes = 500 } = queue
    check(minimumPackets >= 0, 'not a threshold', `${path}.minimumPackets`, 'a number, 0 or more', minimumPackets)
    check(maximumPackets > minimumPackets, 'not a threshold', `${path}.maximumPackets`, `a number above minimumPackets (${minimumPackets})`, maximumPackets)
    check(weight > 0 && weight <= 1, 'not a weight', `${path}.weight`, 'a number above 0, at most 1', weight)
    check(maximumProbability > 0 && maximumProbability <= 1, 'not a probability', `${path}.maximumProbability`, 'a number above 0, at most 1', maximumProbability)
    check(meanPacketBytes > 0, 'not a size', `${path}.meanPacketBytes`, 'a number above 0', meanPacketBytes)
    return
  }
  const { targetNs = 5e6, intervalNs = 100e6 } = queue
  check(targetNs > 0 && targetNs < Infinity, 'not a duration', `${path}.targetNs`, 'a number above 0', targetNs)
  check(intervalNs > 0 && intervalNs < Infinity, 'not a duration', `${path}.intervalNs`, 'a number above 0', intervalNs)
  if (queue.discipline === 'fq-codel') {
    const { flows = 1024, quantumBytes = 1514 } = queue
    check(Number.isInteger(flows) && flows >= 1 && flows <= 65_536, 'not a number of flows', `${path}.flows`, 'a whole number from 1 to 65536', flows)
    check(quantumBytes >= 1 && quantumBytes < 2 ** 31, 'not a quantum', `${path}.quantumBytes`, 'a number, 1 or more', quantumBytes)
  }
}

function check (right: boolean, message: string, path: string, expected: string, found: number | undefined): void {
  if (!right) {
    throw new TwinwireError('ERR_INVALID_OPTION', message, { path, expected, found: String(found) })
  }
}
