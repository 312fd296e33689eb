import { nullRecorder } from '../../core/recorder.ts'
import { BandwidthMeter } from './meter.ts'
import { ConcurrencyLimiter } from './concurrency-limiter.ts'
import { DelayWindow } from './delay-window.ts'
import { FairSharing } from './fair-sharing.ts'
import { Fifo } from './fifo.ts'
import { InboundShaper } from './inbound.ts'
import { Ledbat } from './ledbat.ts'
import { MiddlewareChain } from './middleware.ts'
import { parseBandwidthOptions } from './options.ts'
import { Scheduler } from './scheduler.ts'
import { shapeStream } from './shaped-stream.ts'
import { StrictPriority } from './strict-priority.ts'
import type { Clock } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Recorder } from '../../core/recorder.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Downlink, PausableStream } from '../downlink.ts'
import type { Stream } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Flow, SendWindow, Uplink } from '../uplink.ts'
import type { Discipline } from './discipline.ts'
import type { BandwidthEvent, BandwidthMetrics } from './events.ts'
import type { BandwidthOptions, BandwidthSettings } from './options.ts'
import type { ShapingEnvironment } from './shaped-stream.ts'

export type { Permit, PermitEnd } from './concurrency-limiter.ts'
export type { BandwidthEvent, BandwidthMetrics } from './events.ts'
export type { BandwidthOptions } from './options.ts'

/** What the manager works with. */
export interface BandwidthComponents {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly random: RandomStream
  /** The `host` of recorded events. */
  readonly host: string
  readonly recorder?: Recorder<BandwidthEvent>
}

/**
 * Holds a node to an upload and a download rate, and shares them: among classes by guarantee and weight, in each among
 * peers. What is sent waits here rather than in the muxer and in TCP, where nothing can overtake any more.
 */
export class BandwidthManager implements Uplink, Downlink {
  /** What went and came, by class, peer and protocol. */
  readonly meter = new BandwidthMeter()
  /** Undefined where the option `concurrency` is false. */
  readonly limiter: ConcurrencyLimiter | undefined
  readonly #clock: Clock
  readonly #settings: BandwidthSettings
  readonly #quantumBytes: number
  readonly #scheduler: Scheduler
  readonly #inbound: InboundShaper
  readonly #shaping: ShapingEnvironment
  readonly #record: (event: Unstamped<BandwidthEvent>) => void
  /** Since when flows have been waiting without a break. */
  #waitingSinceMs: number | undefined
  #saturated = false

  /**
   * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION, with a path below `bandwidthManager`
   */
  constructor ({ clock, deadlines, random, host, recorder = nullRecorder }: BandwidthComponents, options: BandwidthOptions = {}) {
    const settings = parseBandwidthOptions(options)
    const { uploadBitsPerSecond, downloadBitsPerSecond, concurrency } = settings
    this.#clock = clock
    this.#settings = settings
    this.#quantumBytes = quantumBytes(uploadBitsPerSecond)
    this.#record = event => recorder.record({ ...event, timeMs: clock.now(), host })
    this.#scheduler = new Scheduler(clock, deadlines, {
      rateBitsPerSecond: uploadBitsPerSecond,
      burstBytes: settings.burstBytes ?? burstBytes(uploadBitsPerSecond),
      quantumBytes: this.#quantumBytes,
      discipline: disciplineOf(settings, this.#quantumBytes)
    }, {
      onSent: (flow, bytes) => this.meter.count(clock.now(), 'upload', flow.class, flow.peer, bytes),
      onWaiting: waiting => this.#onWaiting(waiting)
    })
    this.#inbound = new InboundShaper(clock, deadlines, downloadBitsPerSecond, burstBytes(downloadBitsPerSecond), {
      onPaused: (stream, forMs) => this.#record({ type: 'bandwidth:stream-paused', peer: stream.peer, class: stream.class, reason: 'rate', forMs }),
      onResumed: (stream, reason) => this.#record({ type: 'bandwidth:stream-resumed', peer: stream.peer, class: stream.class, reason }),
      onSaturated: saturated => this.#recordSaturated('download', saturated, 'streams')
    })
    const onFull = (reason: 'stream' | 'waiters') => (peer: string, trafficClass: TrafficClass): void =>
      this.#record({ type: 'bandwidth:queue-full', peer, class: trafficClass, reason })
    this.limiter = concurrency === false ? undefined : new ConcurrencyLimiter(concurrency, random.fork('concurrency'), {
      onFull: onFull('waiters'),
      onLimit: (peer, limit, from) => this.#record({ type: 'bandwidth:concurrency-limit', peer, limit, from, reason: 'samples' })
    })
    this.#shaping = {
      uplink: this.#scheduler,
      refund: bytes => this.#scheduler.refund(bytes),
      downlink: this,
      highWaterBytes: settings.streamHighWaterBytes,
      maximumBytes: settings.streamMaximumBytes,
      onSent: (protocol, bytes) => this.meter.countProtocol(clock.now(), 'upload', protocol, bytes),
      onFull: onFull('stream'),
      shaped: new WeakMap()
    }
  }

  ready (flow: Flow): void {
    this.#scheduler.ready(flow)
  }

  remove (flow: Flow): void {
    this.#scheduler.remove(flow)
  }

  /** Bytes that `transmit` answered for were not sent after all. */
  refund (bytes: number): void {
    this.#scheduler.refund(bytes)
  }

  rateBitsPerSecond (flow: Flow): number {
    const { peerCapBitsPerSecond, classes } = this.#settings
    return Math.min(this.#scheduler.rateBitsPerSecond(flow), peerCapBitsPerSecond, classes[flow.class].capBitsPerSecond)
  }

  /** LEDBAT for bulk, which yields to others on the path; for the rest, what fills the path and the target delay. */
  newWindow (trafficClass: TrafficClass): SendWindow {
    const { targetDelayMs } = this.#settings
    return trafficClass === 'bulk' ? new Ledbat(this.#quantumBytes, targetDelayMs) : new DelayWindow(this.#quantumBytes, targetDelayMs)
  }

  received (stream: PausableStream, protocol: string, bytes: number): void {
    const nowMs = this.#clock.now()
    this.meter.count(nowMs, 'download', stream.class, stream.peer, bytes)
    this.meter.countProtocol(nowMs, 'download', protocol, bytes)
    this.#inbound.received(stream, bytes)
  }

  closed (stream: PausableStream): void {
    this.#inbound.closed(stream)
  }

  /** How long to wait before asking for a reply of about so many bytes, in milliseconds. Those asked later wait longer. */
  expectReply (trafficClass: TrafficClass, bytes: number): number {
    return this.#inbound.expectReply(trafficClass, bytes)
  }

  /** A reply that was to be asked for was not, or had so many bytes less. */
  refundReply (bytes: number): void {
    this.#inbound.refundReply(bytes)
  }

  /** The same stream, shaped both ways: see `shapeStream`. */
  shape<S extends Stream> (stream: S, peer: string, trafficClass: TrafficClass): S {
    return shapeStream(stream, peer, trafficClass, this.#shaping)
  }

  /**
   * Calls back once, when all that was given to `send` of a shaped stream was handed to the transport: from within the
   * transmission that was the last, or at once where nothing waits, or where the stream is not shaped here. Not at all
   * where the stream ends before, as its `close` event says.
   */
  whenSent (stream: Stream, callback: () => void): void {
    const shaped = this.#shaping.shaped.get(stream)
    if (shaped === undefined) {
      callback()
    } else {
      shaped.members.whenSent(callback)
    }
  }

  /** For `node.use(protocol, manager.middleware({ class: 'bulk' }))`: shapes the streams of a protocol that knows nothing of it. */
  middleware ({ class: trafficClass = 'normal' }: { readonly class?: TrafficClass } = {}): MiddlewareChain {
    return new MiddlewareChain((stream, connection) => this.shape(stream, connection.remotePeer.toString(), trafficClass))
  }

  get metrics (): BandwidthMetrics {
    const nowMs = this.#clock.now()
    return {
      uploadBitsPerSecond: this.#settings.uploadBitsPerSecond,
      downloadBitsPerSecond: this.#settings.downloadBitsPerSecond,
      waitingFlows: this.#scheduler.waitingFlows,
      waitingBytes: this.#scheduler.waitingBytes,
      saturated: { upload: this.#saturated, download: this.#inbound.saturated },
      pausedStreams: this.#inbound.pausedStreams,
      permits: this.limiter?.permits ?? 0,
      permitWaiters: this.limiter?.waiters ?? 0,
      upload: this.meter.byClass(nowMs, 'upload'),
      download: this.meter.byClass(nowMs, 'download')
    }
  }

  /** Sends what waits at once, resumes what was paused, rejects who waits for a permit. No timer is left, and nothing is shaped any more. */
  stop (): void {
    this.#scheduler.stop()
    this.#inbound.stop()
    this.limiter?.stop()
    this.#onWaiting(false)
  }

  #onWaiting (waiting: boolean): void {
    if (!waiting) {
      this.#waitingSinceMs = undefined
      this.#saturate(false)
      return
    }
    const nowMs = this.#clock.now()
    this.#waitingSinceMs ??= nowMs
    if (nowMs - this.#waitingSinceMs >= SATURATED_MS) {
      this.#saturate(true)
    }
  }

  #saturate (saturated: boolean): void {
    if (this.#saturated !== saturated) {
      this.#saturated = saturated
      this.#recordSaturated('upload', saturated, 'rate')
    }
  }

  #recordSaturated (direction: 'upload' | 'download', saturated: boolean, reason: 'rate' | 'streams'): void {
    this.#record({ type: 'bandwidth:saturated', direction, phase: saturated ? 'begin' : 'end', reason: saturated ? reason : 'idle' })
  }
}

/** Ethernet's, IPv4 and TCP headers taken off. */
const SEGMENT_BYTES = 1460
/** What goes at a time: BBR's send quantum, `clamp(rate x 1 ms, 2 MSS, 64 KiB)`. */
const QUANTUM_MS = 1
const MAXIMUM_QUANTUM_BYTES = 64 * 1024
/** See `BandwidthOptions.burstBytes`. */
const BURST_MS = 10
/** Waiting for a shorter while than this is what shaping is, not saturation. */
const SATURATED_MS = 100

function quantumBytes (rateBitsPerSecond: number): number {
  return Math.min(Math.max(rateBitsPerSecond * QUANTUM_MS / 8e3, 2 * SEGMENT_BYTES), MAXIMUM_QUANTUM_BYTES)
}

function burstBytes (rateBitsPerSecond: number): number {
  return Math.max(rateBitsPerSecond * BURST_MS / 8e3, 2 * SEGMENT_BYTES)
}

function disciplineOf ({ discipline, uploadBitsPerSecond, classes, peerCapBitsPerSecond }: BandwidthSettings, quantumBytes: number): Discipline {
  if (discipline === 'fair') {
    return new FairSharing({ rateBitsPerSecond: uploadBitsPerSecond, quantumBytes, classes, peerCapBitsPerSecond })
  }
  return discipline === 'fifo' ? new Fifo() : new StrictPriority()
}

/** Distributive, so that each event keeps its own fields. */
type Unstamped<Event> = Event extends unknown ? Omit<Event, 'timeMs' | 'host'> : never
