import type { TrafficClass } from './traffic-class.ts'

/** A stream of which reading can be stopped for a while. Both may be called where it is over already. */
export interface PausableStream {
  readonly peer: string
  readonly class: TrafficClass
  /** Reads no more for now. */
  pause(): void
  /** Reads on. */
  resume(): void
}

/** Is told of what comes in, and may hold it up. */
export interface Downlink {
  /** Bytes came on a stream of this protocol. It may be paused before this returns. */
  received(stream: PausableStream, protocol: string, bytes: number): void
  /** The stream is over: it is not resumed any more. */
  closed(stream: PausableStream): void
}

/** Lets everything come: the downlink where there is no bandwidth manager. */
export const unshapedDownlink: Downlink = { received () {}, closed () {} }
