import test from 'ava'
import * as fc from 'fast-check'
import { DelayWindow } from '../../../src/optim/bandwidth/delay-window.ts'
import { DeliveryRate } from '../../../src/optim/bandwidth/delivery-rate.ts'
import { Ledbat } from '../../../src/optim/bandwidth/ledbat.ts'
import { MAXIMUM_WINDOW_BYTES, MINIMUM_WINDOW_BYTES } from '../../../src/optim/bandwidth/window-bounds.ts'
import { WindowedExtreme } from '../../../src/optim/bandwidth/windowed-extreme.ts'
import type { SendWindow } from '../../../src/optim/uplink.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const SEGMENT = 10_000

test('the extreme is that of the samples of the last slots, against one that keeps them all', t => {
  const step = fc.record({ gapMs: fc.integer({ min: 0, max: 40 }), sample: fc.integer({ min: 1, max: 100 }) })
  fc.assert(fc.property(fc.constantFrom('least' as const, 'greatest' as const), fc.array(step, { minLength: 1, maxLength: 30 }), (kind, steps) => {
    const extreme = new WindowedExtreme(kind, 10, 5)
    const all: Array<{ atMs: number, sample: number }> = []
    let nowMs = 0
    for (const { gapMs, sample } of steps) {
      nowMs += gapMs
      all.push({ atMs: nowMs, sample })
      extreme.add(nowMs, sample)
      // Slots are counted from the first sample.
      const fromMs = all[0].atMs + (Math.floor((nowMs - all[0].atMs) / 10) - 4) * 10
      const recent = all.filter(({ atMs }) => atMs >= fromMs).map(({ sample }) => sample)
      if (extreme.value(nowMs) !== (kind === 'least' ? Math.min(...recent) : Math.max(...recent))) {
        return false
      }
    }
    return true
  }))
  t.pass()
})

/**
 * RFC 6817, section 2.4.2, to the letter, with plain lists; its units here are a segment and a floor of 64 KiB. A sender
 * that the window limits has filled it, since the RFC's is one of bytes.
 */
class LedbatOfTheRfc {
  cwnd = MINIMUM_WINDOW_BYTES
  readonly currentDelays: number[] = []
  readonly baseDelays: Array<{ minute: number, delayMs: number }> = []
  startMs: number | undefined

  onAck (nowMs: number, bytesNewlyAcked: number, delayMs: number, flightsize: number): void {
    this.startMs ??= nowMs
    const minute = Math.floor((nowMs - this.startMs) / 60_000)
    this.baseDelays.push({ minute, delayMs })
    this.currentDelays.push(delayMs)
    const queuingDelay = Math.min(...this.currentDelays.slice(-4)) - Math.min(...this.baseDelays.filter(entry => entry.minute > minute - 10).map(entry => entry.delayMs))
    const offTarget = (100 - queuingDelay) / 100
    this.cwnd += offTarget * bytesNewlyAcked * SEGMENT / this.cwnd
    this.cwnd = Math.min(this.cwnd, flightsize + SEGMENT)
    this.cwnd = Math.max(this.cwnd, MINIMUM_WINDOW_BYTES)
  }
}

test('LEDBAT follows the RFC\'s pseudocode, while no acknowledgement is so late that it counts as a loss', t => {
  const ack = fc.record({ gapMs: fc.integer({ min: 0, max: 40_000 }), bytes: fc.integer({ min: 1, max: 60_000 }), rttMs: fc.integer({ min: 1, max: 900 }), inFlightBytes: fc.integer({ min: 0, max: 200_000 }) })
  fc.assert(fc.property(fc.array(ack, { maxLength: 40 }), acks => {
    const ledbat = new Ledbat(SEGMENT, 100)
    const rfc = new LedbatOfTheRfc()
    let nowMs = 0
    return acks.every(({ gapMs, bytes, rttMs, inFlightBytes }) => {
      nowMs += gapMs
      ledbat.onAcknowledged({ nowMs, bytes, rttMs, inFlightBytes, applicationLimited: false })
      rfc.onAck(nowMs, bytes, rttMs, Math.max(inFlightBytes, rfc.cwnd))
      return Math.abs(ledbat.windowBytes - rfc.cwnd) < 1e-6
    })
  }))
  t.pass()
})

test('LEDBAT: a first segment that sees no queue widens the window by segment x bytes / window', t => {
  const ledbat = new Ledbat(SEGMENT, 100)
  ledbat.onAcknowledged({ nowMs: 50, bytes: SEGMENT, rttMs: 50, inFlightBytes: 65_536, applicationLimited: false })
  t.is(ledbat.windowBytes, 65_536 + SEGMENT * SEGMENT / 65_536)
})

test('LEDBAT does not grow while the application is what limits it, but shrinks', t => {
  const ledbat = new Ledbat(SEGMENT, 100)
  const acknowledge = (rttMs: number, applicationLimited: boolean): void => {
    for (let i = 0; i < 5; i++) {
      ledbat.onAcknowledged({ nowMs: 50, bytes: SEGMENT, rttMs, inFlightBytes: 1e6, applicationLimited })
    }
  }
  acknowledge(50, true)
  t.is(ledbat.windowBytes, MINIMUM_WINDOW_BYTES)
  acknowledge(50, false)
  const grown = ledbat.windowBytes
  t.true(grown > MINIMUM_WINDOW_BYTES)
  acknowledge(250, true)
  t.true(ledbat.windowBytes < grown)
})

test('LEDBAT grows though messages of half its floor leave room in it that none fits into', t => {
  const ledbat = new Ledbat(SEGMENT, 100)
  const messageBytes = MINIMUM_WINDOW_BYTES / 2 + 1
  let underWay = 1
  for (let i = 0; i < 100; i++) {
    ledbat.onAcknowledged({ nowMs: 50 * i, bytes: messageBytes, rttMs: 50, inFlightBytes: underWay * messageBytes, applicationLimited: false })
    underWay = Math.floor(ledbat.windowBytes / messageBytes)
  }
  // A segment a window, as TCP: i samples of m bytes make w^2 = w0^2 + 2 i segment m, less what rounding steps take.
  t.true(ledbat.windowBytes > 0.95 * Math.sqrt(MINIMUM_WINDOW_BYTES ** 2 + 2 * 100 * SEGMENT * messageBytes), `${ledbat.windowBytes}`)
})

test('LEDBAT: a window that the application did not fill is not saved up while it shrinks', t => {
  const ledbat = new Ledbat(SEGMENT, 100)
  for (let i = 0; i < 100; i++) {
    ledbat.onAcknowledged({ nowMs: i, bytes: SEGMENT, rttMs: 50, inFlightBytes: 1e6, applicationLimited: false })
  }
  t.true(ledbat.windowBytes > 80_000 + SEGMENT)
  for (let i = 100; i < 104; i++) {
    ledbat.onAcknowledged({ nowMs: i, bytes: SEGMENT, rttMs: 200, inFlightBytes: 80_000, applicationLimited: true })
  }
  t.is(ledbat.windowBytes, 80_000 + SEGMENT)
})

test('LEDBAT yields: while others queue more than its target on the path, it goes down to its floor', t => {
  const ledbat = new Ledbat(SEGMENT, 100)
  const acknowledge = (nowMs: number, rttMs: number): void => ledbat.onAcknowledged({ nowMs, bytes: SEGMENT, rttMs, inFlightBytes: 1e6, applicationLimited: false })
  for (let i = 0; i < 5000; i++) {
    acknowledge(i, 40)
  }
  t.true(ledbat.windowBytes > 10 * MINIMUM_WINDOW_BYTES)
  // Half beyond the target it shrinks half as fast as it grew.
  for (let i = 5000; i < 16_000; i++) {
    acknowledge(i, 40 + 150)
  }
  t.is(ledbat.windowBytes, MINIMUM_WINDOW_BYTES)
})

test('LEDBAT halves on loss, once a round trip, and takes an acknowledgement after the congestion timeout for one', t => {
  const ledbat = new Ledbat(SEGMENT, 100)
  const acknowledge = (nowMs: number, rttMs: number): void => ledbat.onAcknowledged({ nowMs, bytes: 60_000, rttMs, inFlightBytes: 1e6, applicationLimited: false })
  for (let i = 0; i < 1000; i++) {
    acknowledge(i, 50)
  }
  const grown = ledbat.windowBytes
  t.true(grown > 4 * MINIMUM_WINDOW_BYTES)
  ledbat.onLoss(2000)
  t.is(ledbat.windowBytes, grown / 2)
  ledbat.onLoss(2049)
  t.is(ledbat.windowBytes, grown / 2)
  t.is(ledbat.congestionTimeoutMs, 1000)
  acknowledge(3001, 1001)
  t.is(ledbat.windowBytes, grown / 4)
})

test('a window is never below one batch nor above what yamux has, whatever is acknowledged', t => {
  const ack = fc.record({ gapMs: fc.double({ min: 0, max: 5000, noNaN: true }), bytes: fc.integer({ min: 0, max: 1e8 }), rttMs: fc.double({ min: 0, max: 1e5, noNaN: true }), inFlightBytes: fc.integer({ min: 0, max: 1e9 }), applicationLimited: fc.boolean() })
  fc.assert(fc.property(fc.array(ack, { maxLength: 20 }), acks => {
    const windows: SendWindow[] = [new Ledbat(SEGMENT, 100), new DelayWindow(SEGMENT, 100)]
    let nowMs = 0
    return acks.every(({ gapMs, ...sample }) => {
      nowMs += gapMs
      return windows.every(window => {
        window.onAcknowledged({ nowMs, ...sample })
        return window.windowBytes >= MINIMUM_WINDOW_BYTES && window.windowBytes <= MAXIMUM_WINDOW_BYTES
      })
    })
  }))
  t.pass()
})

test('the delivery rate is what was acknowledged since the last acknowledgement before the sending, over the time since', t => {
  const step = fc.record({ gapMs: fc.integer({ min: 1, max: 30 }), bytes: fc.integer({ min: 1, max: 1000 }) })
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 200 }), (steps, rttMs) => {
    const delivery = new DeliveryRate()
    const all: Array<{ atMs: number, bytes: number }> = []
    let nowMs = 0
    return steps.every(({ gapMs, bytes }) => {
      nowMs += gapMs
      all.push({ atMs: nowMs, bytes })
      const before = all.filter(({ atMs }) => atMs <= nowMs - rttMs).at(-1)
      const delivered = all.filter(({ atMs }) => atMs > (before?.atMs ?? -Infinity)).reduce((sum, { bytes }) => sum + bytes, 0)
      return Math.abs(delivery.sample(nowMs, bytes, rttMs) - 8e3 * delivered / (before === undefined ? rttMs : nowMs - before.atMs)) < 1e-6
    })
  }))
  t.pass()
})

interface Link {
  readonly rateBitsPerSecond: number
  readonly baseMs: number
}

interface Passage {
  readonly atMs: number
  readonly queueMs: number
  readonly inFlightBytes: number
  readonly bytes: number
}

/** A sender that always has more, with this window, over one bottleneck with a queue that never drops. */
function sendThrough (window: SendWindow, linkAt: (nowMs: number) => Link, forMs: number): Passage[] {
  const passages: Passage[] = []
  const flight: Array<{ sentMs: number, acknowledgedMs: number, queueMs: number }> = []
  let nowMs = 0
  let freeMs = 0
  while (nowMs < forMs) {
    const { rateBitsPerSecond, baseMs } = linkAt(nowMs)
    while ((flight.length + 1) * SEGMENT <= window.windowBytes) {
      const startMs = Math.max(nowMs, freeMs)
      freeMs = startMs + 8e3 * SEGMENT / rateBitsPerSecond
      flight.push({ sentMs: nowMs, acknowledgedMs: freeMs + baseMs, queueMs: startMs - nowMs })
    }
    const first = flight.shift()
    if (first === undefined) {
      throw new Error('nothing is under way')
    }
    nowMs = first.acknowledgedMs
    passages.push({ atMs: nowMs, queueMs: first.queueMs, inFlightBytes: (flight.length + 1) * SEGMENT, bytes: SEGMENT })
    window.onAcknowledged({ nowMs, bytes: SEGMENT, rttMs: nowMs - first.sentMs, inFlightBytes: (flight.length + 1) * SEGMENT, applicationLimited: false })
  }
  return passages
}

const within = (passages: readonly Passage[], fromMs: number, toMs: number): { readonly queueMs: number, readonly inFlightBytes: number, readonly rateBitsPerSecond: number } => {
  const some = passages.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
  return {
    queueMs: Math.max(...some.map(({ queueMs }) => queueMs)),
    inFlightBytes: Math.max(...some.map(({ inFlightBytes }) => inFlightBytes)),
    rateBitsPerSecond: 8e3 * some.reduce((sum, { bytes }) => sum + bytes, 0) / (toMs - fromMs)
  }
}

for (const [name, create, settledMs] of [
  ['the delay window', () => new DelayWindow(SEGMENT, 100), 3000],
  ['LEDBAT', () => new Ledbat(SEGMENT, 100), 30_000]
] as const) {
  for (const [rateMbit, baseMs] of [[20, 40], [80, 10], [50, 200]]) {
    test(`${name} fills a path of ${rateMbit} Mbit/s and ${baseMs} ms, and what waits below the scheduler is at most rate x target delay`, t => {
      const rateBitsPerSecond = rateMbit * 1e6
      const passages = sendThrough(create(), () => ({ rateBitsPerSecond, baseMs }), settledMs + 30_000)
      const { queueMs, rateBitsPerSecond: achieved } = within(passages, settledMs, settledMs + 30_000)
      // The delay window lets its queue run dry in each five seconds, and has the path half full for a round trip or so.
      t.true(achieved >= 0.94 * rateBitsPerSecond, `${achieved}`)
      // Two segments: acknowledgements come in segments, and so does the window's use.
      t.true(queueMs <= 100 + 2 * 8e3 * SEGMENT / rateBitsPerSecond, `${queueMs}`)
    })
  }
}

test('the delay window follows a path whose rate falls to a quarter within six seconds', t => {
  const passages = sendThrough(new DelayWindow(SEGMENT, 100), nowMs => ({ rateBitsPerSecond: nowMs < 5000 ? 40e6 : 10e6, baseMs: 40 }), 25_000)
  const { inFlightBytes, rateBitsPerSecond } = within(passages, 11_000, 25_000)
  // A segment takes 8 ms now: the least round trip is 48.
  t.true(inFlightBytes <= 10e6 * (48 + 100) / 8e3 + 2 * SEGMENT, `${inFlightBytes}`)
  t.true(rateBitsPerSecond >= 0.94 * 10e6)
})

test('the delay window believes within fifteen seconds that a path became longer, and fills it', t => {
  const passages = sendThrough(new DelayWindow(SEGMENT, 20), nowMs => ({ rateBitsPerSecond: 40e6, baseMs: nowMs < 8000 ? 40 : 120 }), 40_000)
  const { inFlightBytes, rateBitsPerSecond } = within(passages, 23_000, 40_000)
  t.true(inFlightBytes <= 40e6 * (120 + 20) / 8e3 + 2 * SEGMENT, `${inFlightBytes}`)
  t.true(rateBitsPerSecond >= 0.94 * 40e6, `${rateBitsPerSecond}`)
})
