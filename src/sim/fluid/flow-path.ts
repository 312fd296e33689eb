import { TwinwireError } from '../../core/errors.ts'
import { NS_PER_S } from '../../core/units.ts'
import { initialWindowBytes } from '../tcp/options.ts'
import type { TcpOptions } from '../tcp/options.ts'
import { HEADER_BYTES, SYN_BYTES } from '../tcp/segment.ts'
import { serialisationNs, transitNs } from './fluid-graph.ts'
import type { Route } from './fluid-graph.ts'
import { sawtooth } from './sawtooth.ts'
import { meanWindow } from './window-law.ts'

/** BBR probes for bandwidth with a pacing gain of 1.25: what loses more than it gains it takes for a narrower path. */
const BBR_MOST_LOSS = 1 - 1 / 1.25
/** 2/ln 2: over the rate that the round before found, so that the rate doubles. The first window is not paced (Linux). */
const BBR_STARTUP_GAIN = 2 / Math.LN2
/** Every 10 s BBR lets its packets drain and keeps four in flight for 200 ms, a round trip at least. */
const BBR_PROBE_INTERVAL_S = 10
const BBR_PROBE_S = 0.2
/** Segments for each acknowledgement (RFC 5681 4.2). */
const ACKED_SEGMENTS = 2
/** Packets. */
const LEAST_BUFFER = 2

/** What TCP can make of one route, whatever else is on it. Times in nanoseconds, without any queue. */
export interface FlowPath {
  readonly forward: Route
  /** From the call of connect to its return. */
  readonly handshakeNs: number
  /** The probability that SYN or SYN-ACK is lost. */
  readonly handshakeLoss: number
  /** From a full segment's departure to its acknowledgement. */
  readonly rttNs: number
  /** What a byte still needs to arrive once the narrowest link has served it. */
  readonly deliveryNs: number
  readonly packetBits: number
  /** Payload bytes that arrive, for each bit on the links: headers and lost packets taken off. */
  readonly bytesPerBit: number
  /** Bits a second that a long transfer can use. */
  readonly cap: number
  /** Whether the cap is what a flow that is alone makes of its narrowest link, and not the end host's or that of losses. */
  readonly fillsBottleneck: boolean
  readonly initialWindowBytes: number
  /** The window that random losses leave in the long run, in segments; `Infinity` where there are none. */
  readonly lossWindow: number
  /** Bits a second that a window of so many segments is, where neither the receiver nor the narrowest link holds it. */
  capOf(windowSegments: number): number
  /** What the narrowest link and its queue hold. */
  readonly mostBottleneckBytes: number
  /** Slow start does not go beyond. */
  readonly mostWindowBytes: number
  /** Whether a transfer of so many bytes ends while slow start overflows the narrowest link's queue, were it alone. */
  endsInOvershoot(bytes: number): boolean
  /** Bits a second at which a window is sent in slow start; `Infinity` for bursts. */
  startRate(windowBytes: number): number
}

/** What the congestion controller can use, in closed form; docs/fluid.md has the formulas and their sources. */
export function flowPath (forward: Route, backward: Route, tcp: Readonly<TcpOptions>): FlowPath {
  const { mssBytes, congestion } = tcp
  const mostWindowBytes = Math.min(tcp.receiveBufferBytes, tcp.sendBufferBytes)
  const packetBytes = mssBytes + HEADER_BYTES
  const packetBits = packetBytes * 8
  const rttNs = transitNs(forward, packetBytes) + transitNs(backward, HEADER_BYTES)
  const rttS = rttNs / NS_PER_S
  const narrowest = forward.narrowest?.rateBitsPerSecond ?? Infinity
  const firstBytes = initialWindowBytes(tcp)
  const paced = (windowBytes: number): number => windowBytes <= firstBytes ? Infinity : BBR_STARTUP_GAIN * windowBytes / 2 / mssBytes * packetBits / rttS
  const byBuffers = mostWindowBytes / mssBytes * packetBits / rttS
  const byAcknowledgements = (backward.narrowest?.rateBitsPerSecond ?? Infinity) / (HEADER_BYTES * 8) * ACKED_SEGMENTS * packetBits
  const byBottleneck = loneCap(forward, congestion, packetBits, rttS)
  const lossWindow = congestion === 'bbr' || forward.loss.episodes === 0 ? Infinity : meanWindow(congestion, forward.loss.episodes, rttS)
  const capOf = (windowSegments: number): number => Math.min(byBuffers, byAcknowledgements, byBottleneck, windowSegments * packetBits / rttS)
  const pipe = narrowest * rttS / packetBits
  const buffer = forward.narrowest?.bufferPackets(packetBytes) ?? Infinity
  const overshoot = overshootRange(firstBytes, pipe * mssBytes, buffer * mssBytes)
  const overshoots = slowStartOvershoots(tcp) && overshoot.windowBytes < mostWindowBytes
  return {
    forward,
    handshakeNs: transitNs(forward, SYN_BYTES) + transitNs(backward, SYN_BYTES),
    handshakeLoss: 1 - (1 - forward.loss.packets) * (1 - backward.loss.packets),
    rttNs,
    // In a train of packets only the narrowest link's serialisation is felt by each; all others' by the last one alone.
    deliveryNs: forward.propagationNs + serialisationNs(forward, packetBytes) - packetBits * NS_PER_S / narrowest,
    packetBits,
    bytesPerBit: mssBytes / packetBits * (1 - forward.loss.packets),
    cap: capOf(lossWindow),
    fillsBottleneck: capOf(lossWindow) === byBottleneck,
    lossWindow,
    capOf,
    mostBottleneckBytes: (pipe + buffer) * mssBytes,
    endsInOvershoot: bytes => overshoots && bytes > overshoot.fromBytes && bytes <= overshoot.toBytes,
    initialWindowBytes: firstBytes,
    mostWindowBytes,
    startRate: congestion === 'bbr' ? paced : () => Infinity
  }
}

/**
 * The bytes of a transfer that slow start sends into a full queue, and the window with which it begins to. Acknowledgements
 * come a service apart and each lets two segments out, so that the queue grows by one for each of them: from nothing, in
 * the round whose acknowledged window is a buffer or more for the first time, or from what the round before has left, where
 * that window was more than the pipe. A window grows by a segment for each that is acknowledged: 2w - IW are out when it is
 * w. From there on every second one is lost until the first loss is seen, when all w that were in flight have been
 * acknowledged, and twice as many have been sent.
 */
function overshootRange (initialBytes: number, pipeBytes: number, bufferBytes: number): { readonly windowBytes: number, readonly fromBytes: number, readonly toBytes: number } {
  const acknowledgedBytes = initialBytes * 2 ** Math.max(0, Math.ceil(Math.log2(bufferBytes / initialBytes)))
  const windowBytes = bufferBytes + Math.min(pipeBytes, acknowledgedBytes)
  const fromBytes = 2 * windowBytes - initialBytes
  return { windowBytes, fromBytes, toBytes: fromBytes + 2 * windowBytes }
}

/** Whether nothing but a loss ends slow start. */
function slowStartOvershoots ({ congestion, hystart }: Readonly<TcpOptions>): boolean {
  return congestion === 'reno' || (congestion === 'cubic' && hystart === 'off')
}

/**
 * BBR's answer to more loss is to slow down without end. Reno and CUBIC get two segments out for each acknowledgement, back
 * to back: a queue that does not take them loses one of any two, and no sawtooth comes about.
 *
 * @throws ERR_UNSUPPORTED where there is no formula for the controller over this route
 */
export function checkFormula ({ loss, narrowest }: Route, { congestion, mssBytes }: Readonly<TcpOptions>): void {
  const buffer = narrowest?.bufferPackets(mssBytes + HEADER_BYTES) ?? Infinity
  if (congestion === 'bbr' && loss.packets >= BBR_MOST_LOSS) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no formula for BBR at so much loss', { path: 'congestion', expected: 'a loss below 0.2', found: String(loss.packets) })
  }
  if (congestion !== 'bbr' && buffer < LEAST_BUFFER) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no formula for so short a queue', {
      path: `link:${narrowest?.from}-${narrowest?.to}.queue`, expected: `room for ${LEAST_BUFFER} packets`, found: `${buffer} packets`
    })
  }
}

/** What a flow that is alone uses of its narrowest link, which is less than all where its window falls below the pipe. */
function loneCap ({ narrowest }: Route, congestion: TcpOptions['congestion'], packetBits: number, rttS: number): number {
  if (narrowest === undefined) {
    return Infinity
  }
  const { rateBitsPerSecond } = narrowest
  if (congestion === 'bbr') {
    const idleS = rttS + Math.max(rttS, BBR_PROBE_S)
    return rateBitsPerSecond * BBR_PROBE_INTERVAL_S / (BBR_PROBE_INTERVAL_S + idleS)
  }
  const buffer = narrowest.bufferPackets(packetBits / 8)
  const pipe = rateBitsPerSecond * rttS / packetBits
  return buffer === Infinity ? Infinity : rateBitsPerSecond * sawtooth(congestion, { pipe, buffer, rttS }).utilisation
}
