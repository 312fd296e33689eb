import type { TcpOptions } from './options.ts'

/** What a program's own queue of writes may hold before its user is asked to pause: Node's `writableHighWaterMark`. */
export const PROGRAM_HIGH_WATER_BYTES = 64 * 1024

/** What Linux sends at once at most, and so what one of its buffers of payload holds: GSO_MAX_SIZE, less headers. */
const LARGEST_SKB_BYTES = 65_536 - 1 - 256
/** Memory of such a buffer beside its payload: SKB_TRUESIZE of one without. */
const SKB_OVERHEAD_BYTES = 832
/** What tcp_sndbuf_expand adds to a segment: room for headers and skb_shared_info, before it rounds up to a power of two. */
const SEGMENT_ROOM_BYTES = 256 + 320
/** ... and sizeof(struct sk_buff), aligned, after that. */
const SK_BUFF_BYTES = 256
/** The buffer is for so many segments at least (TCP_INIT_CWND), and for twice the window; three times where BBR asks for it (bbr_sndbuf_expand). */
const LEAST_SEGMENTS = 10
const WINDOWS = 2
const BBR_WINDOWS = 3

/** What is in flight, and how it lies in memory. */
export interface SendBufferLoad {
  readonly cwndBytes: number
  /** Not one more segment fits into the congestion window. */
  readonly cwndFull: boolean
  /** The greatest that the peer offered so far; 0 before it has. */
  readonly greatestPeerWindowBytes: number
  readonly outstandingBytes: number
  readonly outstandingSegments: number
  /** Taken and not yet sent. */
  readonly unsentBytes: number
  /** Segments that leave together, and stay together until they are acknowledged. */
  readonly burstSegments: number
}

/**
 * How much of what a program writes its kernel takes: Linux's send buffer. It counts memory, not payload; grows to twice the
 * congestion window where a program waits for it and the window has room as a buffer leaves (tcp_should_expand_sndbuf), up to
 * `sendBufferBytes`, and never shrinks. Once it is full nothing more is taken before a third of it is free
 * (sk_stream_is_writeable), and then buffers are filled until it is full again, the last one whole, if need be by later writes.
 * What it has not taken waits in the program, as in Node's streams: what is written while something waits is handed over when
 * that is taken, all at once.
 */
export class SendBuffer {
  /** Written, and not taken yet. */
  waitingBytes = 0
  readonly #options: Readonly<TcpOptions>
  /** Of a segment, as Linux reckons it for the buffer's size. */
  readonly #segmentMemoryBytes: number
  #limitBytes = 0
  #full = false
  /** What was put into the last of the kernel's buffers, sent meanwhile or not. */
  #lastSkbBytes = 0
  /** What the program's stream is handing over: so much of it waits, and so much it was. */
  #currentWaitingBytes = 0
  #currentBytes = 0

  constructor (options: Readonly<TcpOptions>) {
    this.#options = options
    this.#segmentMemoryBytes = 2 ** Math.ceil(Math.log2(options.mssBytes + SEGMENT_ROOM_BYTES)) + SK_BUFF_BYTES
    this.#grow(0)
  }

  /** What the program's stream counts as not written, `writableLength`: a write of which a part waits counts whole. */
  get unwrittenBytes (): number {
    return this.waitingBytes + this.#currentBytes - this.#currentWaitingBytes
  }

  write (byteCount: number): void {
    this.waitingBytes += byteCount
    if (this.#currentBytes === 0) {
      this.#currentWaitingBytes = byteCount
      this.#currentBytes = byteCount
    }
  }

  /** Whenever one of the kernel's buffers has left, and when all has that may (tcp_check_space). */
  expand (load: SendBufferLoad): void {
    if (this.#full && !load.cwndFull) {
      this.#grow(load.cwndBytes)
    }
  }

  /** Takes what there is room for: how much. */
  take (load: SendBufferLoad): number {
    const skbBytes = this.#skbBytes(load)
    let memoryBytes = load.outstandingBytes + load.unsentBytes +
      SKB_OVERHEAD_BYTES * (Math.ceil(load.outstandingSegments / load.burstSegments) + Math.ceil(load.unsentBytes / skbBytes))
    if (this.#full && memoryBytes > this.#limitBytes * 2 / 3) {
      return 0
    }
    // The last buffer, as long as something of it is unsent, is filled whatever the limit.
    const lastBytes = Math.min(this.#lastSkbBytes, load.unsentBytes)
    let takenBytes = lastBytes === 0 ? 0 : Math.min(this.waitingBytes, Math.max(0, skbBytes - lastBytes))
    this.#lastSkbBytes = lastBytes + takenBytes
    memoryBytes += takenBytes
    while (takenBytes < this.waitingBytes && memoryBytes < this.#limitBytes) {
      this.#lastSkbBytes = Math.min(this.waitingBytes - takenBytes, skbBytes)
      takenBytes += this.#lastSkbBytes
      memoryBytes += this.#lastSkbBytes + SKB_OVERHEAD_BYTES
    }
    this.#handOver(takenBytes)
    this.#full = this.waitingBytes > 0
    return takenBytes
  }

  #handOver (takenBytes: number): void {
    const laterBytes = this.waitingBytes - this.#currentWaitingBytes
    this.waitingBytes -= takenBytes
    if (takenBytes < this.#currentWaitingBytes) {
      this.#currentWaitingBytes -= takenBytes
    } else {
      this.#currentWaitingBytes = this.waitingBytes
      this.#currentBytes = this.waitingBytes === 0 ? 0 : laterBytes
    }
  }

  /** tcp_bound_to_half_wnd: half of the peer's window at most. */
  #skbBytes ({ greatestPeerWindowBytes }: SendBufferLoad): number {
    const { mssBytes, bursts } = this.#options
    const mostBytes = greatestPeerWindowBytes === 0 ? LARGEST_SKB_BYTES : Math.min(LARGEST_SKB_BYTES, greatestPeerWindowBytes / 2)
    return bursts === 'single' ? mssBytes : Math.max(1, Math.floor(mostBytes / mssBytes)) * mssBytes
  }

  #grow (cwndBytes: number): void {
    const { congestion, mssBytes, sendBufferBytes } = this.#options
    const windows = congestion === 'bbr' ? BBR_WINDOWS : WINDOWS
    const segments = Math.max(LEAST_SEGMENTS, cwndBytes / mssBytes)
    this.#limitBytes = Math.min(sendBufferBytes, Math.max(this.#limitBytes, windows * segments * this.#segmentMemoryBytes))
  }
}
