import { Kernel } from '../../../src/sim/kernel.ts'
import { Observers } from '../../../src/sim/observe/observer.ts'
import { FLAG_FIN, FLAG_RST, FLAG_SYN, markCongestion, Packets } from '../../../src/sim/packets.ts'
import type { PacketId } from '../../../src/sim/packets.ts'
import type { SegmentNetwork } from '../../../src/sim/tcp/events.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { TCP_PRESETS } from '../../../src/sim/tcp/options.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import type { TcpSocket, TcpSocketHandler } from '../../../src/sim/tcp/socket.ts'

export const MS = 1e6
export const S = 1e9
export const CLIENT = 0
export const SERVER = 1
export const PORT = 80
export const DROP = Infinity
/** By the RFCs, with Linux's timeouts and quick acknowledgements but without its ticks: times that can be worked out by hand. */
export const EXACT: Partial<TcpOptions> = {
  ...TCP_PRESETS.rfc, minimumRtoNs: 200 * MS, minimumRtoBounds: 'variance', maximumRtoNs: 120 * S, quickAcks: 16
}

/** A segment as it left its host. */
export interface Segment {
  readonly atNs: number
  readonly from: number
  readonly flags: number
  readonly sequence: number
  readonly length: number
  readonly acknowledgement: number
  readonly window: number
  readonly size: number
  readonly ecn: number
  readonly sackBlocks: readonly number[]
}

/** How much later than its propagation a segment arrives, or `DROP`. */
export type Fate = (segment: Segment, index: number) => number

/** An infinitely fast path of constant delay, that does to each segment what the test says, and remembers all of them. */
export class ScriptedNetwork implements SegmentNetwork {
  readonly kernel = new Kernel()
  readonly packets = new Packets()
  readonly observers = new Observers()
  readonly sent: Segment[] = []
  readonly arrival: number
  /** Whether a segment gets a congestion mark on its way, where it can bear one. */
  marks: (segment: Segment) => boolean = () => false
  readonly #delayNs: number
  readonly #fate: Fate
  readonly #receivers = new Map<number, { receive(id: PacketId): void }>()
  #connections = 0

  constructor (delayNs: number, fate: Fate = () => 0) {
    this.#delayNs = delayNs
    this.#fate = fate
    this.arrival = this.kernel.define(id => {
      this.#receivers.get(this.packets.destination[id])?.receive(id)
    }, 'event')
  }

  setReceiver (node: number, receiver: { receive(id: PacketId): void }): void {
    this.#receivers.set(node, receiver)
  }

  openConnection (): number {
    return ++this.#connections
  }

  send (id: PacketId): void {
    const { packets } = this
    const segment: Segment = {
      atNs: this.kernel.nowNs,
      from: packets.source[id],
      flags: packets.flags[id],
      sequence: packets.sequence[id],
      length: packets.length[id],
      acknowledgement: packets.acknowledgement[id],
      window: packets.window[id],
      size: packets.size[id],
      ecn: packets.ecn[id],
      sackBlocks: [...packets.sackBlocks.subarray(id * 6, id * 6 + 2 * packets.sackCount[id])]
    }
    this.sent.push(segment)
    if (this.marks(segment)) {
      markCongestion(packets, id)
    }
    const extraNs = this.#fate(segment, this.sent.length - 1)
    if (extraNs === DROP) {
      packets.release(id)
    } else {
      this.kernel.schedule(this.kernel.nowNs + this.#delayNs + extraNs, this.arrival, id)
    }
  }

  /** Segments with payload that a node sent. */
  data (from: number): Segment[] {
    return this.sent.filter(segment => segment.from === from && segment.length > 0)
  }

  /** Segments that a node sent with nothing but an acknowledgement. */
  acknowledgements (from: number): Segment[] {
    return this.sent.filter(segment => segment.from === from && segment.length === 0 && (segment.flags & (FLAG_SYN | FLAG_FIN | FLAG_RST)) === 0)
  }
}

/** Keeps what a socket reported, and when. */
export class Journal implements TcpSocketHandler {
  readonly entries: Array<{ readonly what: string, readonly atNs: number }> = []
  bytes = 0
  readonly #kernel: Kernel

  constructor (kernel: Kernel) {
    this.#kernel = kernel
  }

  onConnected (): void {
    this.#note('connected')
  }

  onData (byteCount: number): void {
    this.bytes += byteCount
    this.#note('data')
  }

  onDrain (): void {
    this.#note('drain')
  }

  onRemoteClose (): void {
    this.#note('remote close')
  }

  onClosed (reason: string): void {
    this.#note(reason)
  }

  /** When it was reported first; undefined where it never was. */
  at (what: string): number | undefined {
    return this.entries.find(entry => entry.what === what)?.atNs
  }

  last (what: string): number | undefined {
    return this.entries.findLast(entry => entry.what === what)?.atNs
  }

  #note (what: string): void {
    this.entries.push({ what, atNs: this.#kernel.nowNs })
  }
}

/** A client that connects to a listening server at time zero. */
export interface Pair {
  readonly network: ScriptedNetwork
  readonly kernel: Kernel
  readonly clientHost: TcpHost
  readonly serverHost: TcpHost
  readonly client: TcpSocket
  readonly clientJournal: Journal
  readonly serverJournal: Journal
  /** Once accepted. */
  server: TcpSocket | undefined
}

export function connectedPair (delayNs: number, { fate, options = {}, serverOptions = options, onAccept }: {
  fate?: Fate
  options?: Partial<TcpOptions>
  serverOptions?: Partial<TcpOptions>
  onAccept?: (socket: TcpSocket) => void
} = {}): Pair {
  const network = new ScriptedNetwork(delayNs, fate)
  const { kernel } = network
  const clientHost = new TcpHost(network, CLIENT, { ...EXACT, ...options })
  const serverHost = new TcpHost(network, SERVER, { ...EXACT, ...serverOptions })
  const serverJournal = new Journal(kernel)
  serverHost.listen(PORT, socket => {
    socket.handler = serverJournal
    pair.server = socket
    serverJournal.onConnected()
    onAccept?.(socket)
  })
  const client = clientHost.connect(SERVER, PORT)
  const clientJournal = new Journal(kernel)
  client.handler = clientJournal
  const pair: Pair = { network, kernel, clientHost, serverHost, client, clientJournal, serverJournal, server: undefined }
  return pair
}

/** Calls back at a virtual time. */
export function at (kernel: Kernel, atNs: number, callback: () => void): void {
  kernel.schedule(atNs, kernel.define(callback, 'event'), 0)
}

/** A fate that loses the first transmission of each of these payload segments (counted from 0) of the client. */
export function losingData (...indices: number[]): Fate {
  let count = 0
  let highest = 0
  return ({ from, length, sequence }) => {
    if (from !== CLIENT || length === 0 || sequence <= highest) {
      return 0
    }
    highest = sequence
    return indices.includes(count++) ? DROP : 0
  }
}
