import { HEADER_BYTES, SYN_BYTES } from '../../sim/tcp/segment.ts'
import { wireBytes } from './path-pipe.ts'
import { monotonicNowMs } from './monotonic.ts'
import type { DeadlineTimers, Due } from './deadline-timers.ts'
import type { PathPipe } from './path-pipe.ts'

/** What crosses a lane. SYN and its answer carry 8 bytes more of TCP options. */
export type Packet =
  | { readonly kind: 'syn' | 'syn-ack' | 'ack' | 'fin' | 'rst' }
  | { readonly kind: 'data', readonly bytes: Uint8Array }

/** RFC 6298 section 2: the time-out before there is a measurement. */
const SYN_RETRANSMISSION_MS = 1000

/** The socket that feeds a lane. */
export interface Source {
  pause (): unknown
  resume (): unknown
}

/**
 * One direction of one relayed connection: takes packets, hands each on when it would have arrived, in order. Packets
 * that a black hole swallows are sent again when TCP's timer would have, by then after the hole's end.
 */
export class Lane implements Due {
  readonly #pipe: PathPipe
  readonly #timers: DeadlineTimers
  readonly #openedAtMs: number
  readonly #deliver: (packet: Packet) => void
  readonly #inFlight: Packet[] = []
  #lost: Packet[] = []
  /** Bytes taken from the source that the sink has not been able to write. */
  #unwrittenBytes = 0
  #paused: Source | undefined
  #stopped = false

  constructor (pipe: PathPipe, timers: DeadlineTimers, openedAtMs: number, deliver: (packet: Packet) => void) {
    this.#pipe = pipe
    this.#timers = timers
    this.#openedAtMs = openedAtMs
    this.#deliver = deliver
  }

  /** Sends a packet that is not data. */
  send (kind: 'syn' | 'syn-ack' | 'ack' | 'fin' | 'rst'): void {
    this.#queue({ kind }, monotonicNowMs())
  }

  /** Sends bytes, and makes their source wait where more is held than the path would hold. */
  sendData (chunk: Uint8Array, source: Source): void {
    if (this.#stopped) {
      return
    }
    const nowMs = monotonicNowMs()
    this.#unwrittenBytes += chunk.byteLength
    this.#pipe.heldBytes += chunk.byteLength
    const pieceBytes = this.#pipe.pieceBytes(nowMs)
    for (let start = 0; start < chunk.byteLength; start += pieceBytes) {
      this.#queue({ kind: 'data', bytes: chunk.subarray(start, start + pieceBytes) }, nowMs)
    }
    if (this.#mustWait(this.#pipe.limitBytes)) {
      source.pause()
      this.#paused = source
      this.#pipe.waiting.add(this)
    }
  }

  /** To be called when the sink has written `bytes` that were delivered to it. */
  written (bytes: number): void {
    this.#unwrittenBytes -= bytes
    this.resume()
  }

  /** Lets the source go on if there is room again. */
  resume (): void {
    if (this.#paused !== undefined && !this.#mustWait(this.#pipe.limitBytes / 2)) {
      this.#paused.resume()
      this.#paused = undefined
      this.#pipe.waiting.delete(this)
    }
  }

  /** The earliest packet in flight has arrived. */
  due (): void {
    const packet = this.#inFlight.shift()
    if (packet === undefined) {
      return
    }
    if (packet.kind === 'data') {
      this.#pipe.release(packet.bytes.byteLength)
    }
    this.#deliver(packet)
  }

  /** Drops what is in flight; takes nothing more. */
  stop (): void {
    this.#stopped = true
    this.#pipe.waiting.delete(this)
    let bytes = 0
    for (const packet of [...this.#inFlight, ...this.#lost]) {
      bytes += packet.kind === 'data' ? packet.bytes.byteLength : 0
    }
    this.#inFlight.length = 0
    this.#lost = []
    this.#pipe.release(bytes)
  }

  #queue (packet: Packet, nowMs: number): void {
    if (this.#stopped) {
      return
    }
    if (this.#lost.length > 0) {
      this.#lost.push(packet)
      return
    }
    const blockedUntilMs = this.#pipe.faults.blackHoleUntil(nowMs, this.#openedAtMs)
    if (blockedUntilMs === undefined) {
      const departedMs = this.#pipe.depart(nowMs, sizeOf(packet))
      this.#inFlight.push(packet)
      this.#timers.schedule(this.#pipe.arrive(departedMs), this)
      return
    }
    this.#lost.push(packet)
    if (blockedUntilMs !== Infinity) {
      const timeoutMs = packet.kind === 'syn' || packet.kind === 'syn-ack' ? SYN_RETRANSMISSION_MS : this.#pipe.retransmissionMs
      this.#timers.schedule(retransmissionAfter(nowMs, blockedUntilMs, timeoutMs), { due: () => this.#sendAgain() })
    }
  }

  #sendAgain (): void {
    const lost = this.#lost
    this.#lost = []
    const nowMs = monotonicNowMs()
    for (const packet of lost) {
      this.#queue(packet, nowMs)
    }
  }

  #mustWait (limitBytes: number): boolean {
    return this.#unwrittenBytes > limitBytes || this.#pipe.heldBytes > limitBytes
  }
}

function sizeOf (packet: Packet): number {
  switch (packet.kind) {
    case 'data':
      return wireBytes(packet.bytes.byteLength)
    case 'syn':
    case 'syn-ack':
      return SYN_BYTES
    default:
      return HEADER_BYTES
  }
}

/** The first repetition of what was sent at `sentMs` that finds the path passable; the time-out doubles each time. */
function retransmissionAfter (sentMs: number, passableAtMs: number, timeoutMs: number): number {
  let waitMs = timeoutMs
  let atMs = sentMs + waitMs
  while (atMs < passableAtMs) {
    waitMs *= 2
    atMs += waitMs
  }
  return atMs
}
