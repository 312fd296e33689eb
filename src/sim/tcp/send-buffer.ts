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
/** The buffer is for so many segments at least (TCP_INIT_CWND), and for twice the window. */
const LEAST_SEGMENTS = 10
const WINDOWS = 2

/** What is in flight, and how it lies in memory. */
export interface SendBufferLoad {
  readonly cwndBytes: number
  readonly outstandingBytes: number
  readonly outstandingSegments: number
  /** Taken and not yet sent. */
  readonly unsentBytes: number
  /** Segments that leave together, and stay together until they are acknowledged. */
  readonly burstSegments: number
}

/**
 * How much of what a program writes its kernel takes: Linux's send buffer. It counts memory, not payload; grows to twice the
 * congestion window whenever a program waits for it (tcp_sndbuf_expand), up to `sendBufferBytes`, and never shrinks. Once it is
 * full nothing more is taken before a third of it is free (sk_stream_is_writeable), and then buffers are filled until it is full
 * again, the last one whole. What it has not taken waits in the program.
 */
export class SendBuffer {
  /** Written, and not taken yet. */
  waitingBytes = 0
  readonly #options: Readonly<TcpOptions>
  /** Of a segment, as Linux reckons it for the buffer's size. */
  readonly #segmentMemoryBytes: number
  #limitBytes = 0
  #full = false

  constructor (options: Readonly<TcpOptions>) {
    this.#options = options
    this.#segmentMemoryBytes = 2 ** Math.ceil(Math.log2(options.mssBytes + SEGMENT_ROOM_BYTES)) + SK_BUFF_BYTES
    this.#grow(0)
  }

  write (byteCount: number): void {
    this.waitingBytes += byteCount
  }

  /** Takes what there is room for: how much. */
  take (load: SendBufferLoad): number {
    const { mssBytes, bursts } = this.#options
    const skbBytes = bursts === 'single' ? mssBytes : Math.floor(LARGEST_SKB_BYTES / mssBytes) * mssBytes
    let memoryBytes = load.outstandingBytes + load.unsentBytes +
      SKB_OVERHEAD_BYTES * (Math.ceil(load.outstandingSegments / load.burstSegments) + Math.ceil(load.unsentBytes / skbBytes))
    if (this.#full) {
      this.#grow(load.cwndBytes)
      if (memoryBytes > this.#limitBytes * 2 / 3) {
        return 0
      }
    }
    let takenBytes = 0
    while (this.waitingBytes > 0 && memoryBytes < this.#limitBytes) {
      const byteCount = Math.min(this.waitingBytes, skbBytes)
      this.waitingBytes -= byteCount
      takenBytes += byteCount
      memoryBytes += byteCount + SKB_OVERHEAD_BYTES
    }
    this.#full = this.waitingBytes > 0
    return takenBytes
  }

  #grow (cwndBytes: number): void {
    const { mssBytes, sendBufferBytes } = this.#options
    const segments = Math.max(LEAST_SEGMENTS, cwndBytes / mssBytes)
    this.#limitBytes = Math.min(sendBufferBytes, Math.max(this.#limitBytes, WINDOWS * segments * this.#segmentMemoryBytes))
  }
}
