import test from 'ava'
import * as fc from 'fast-check'
import { InboundShaper } from '../../../src/optim/bandwidth/inbound.ts'
import { TRAFFIC_CLASSES } from '../../../src/optim/traffic-class.ts'
import { ManualTime } from './manual-time.ts'
import type { PausableStream } from '../../../src/optim/downlink.ts'
import type { TrafficClass } from '../../../src/optim/traffic-class.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const BYTES_PER_MS = 1000
const BURST = 10_000

class TestStream implements PausableStream {
  readonly peer = 'a'
  readonly class: TrafficClass
  paused = false

  constructor (trafficClass: TrafficClass) {
    this.class = trafficClass
  }

  pause (): void {
    this.paused = true
  }

  resume (): void {
    this.paused = false
  }
}

function setUp (): { readonly time: ManualTime, readonly shaper: InboundShaper, readonly events: string[] } {
  const time = new ManualTime()
  const events: string[] = []
  const shaper = new InboundShaper(time, time.deadlines, 8e3 * BYTES_PER_MS, BURST, {
    onPaused: (stream, forMs) => events.push(`paused ${stream.class} ${forMs}`),
    onResumed: (stream, reason) => events.push(`resumed ${stream.class} ${reason}`),
    onSaturated: saturated => events.push(`saturated ${saturated}`)
  })
  return { time, shaper, events }
}

test('replies of bulk are asked for at the rate: over any window T, those asked for <= R T + burst + one reply', t => {
  const request = fc.record({ gapMs: fc.integer({ min: 0, max: 20 }), bytes: fc.integer({ min: 1, max: 20_000 }) })
  fc.assert(fc.property(fc.array(request, { minLength: 1, maxLength: 20 }), requests => {
    const { time, shaper } = setUp()
    const asked = requests.map(({ gapMs, bytes }) => {
      time.runTo(time.now() + gapMs)
      return { atMs: time.now() + shaper.expectReply('bulk', bytes), bytes }
    })
    return asked.every((first, i) => {
      let bytes = 0
      let largest = 0
      return asked.slice(i).every(last => {
        bytes += last.bytes
        largest = Math.max(largest, last.bytes)
        return bytes <= (last.atMs - first.atMs) * BYTES_PER_MS + BURST + largest + 1e-3
      })
    })
  }))
  t.pass()
})

test('more pressing requests wait less, and what was not asked for after all is given back', t => {
  const { shaper } = setUp()
  t.is(shaper.expectReply('normal', BURST + 100_000), 0)
  t.is(shaper.expectReply('urgent', 1000), 0)
  t.is(shaper.expectReply('normal', 1000), 101 - 50)
  t.is(shaper.expectReply('bulk', 1000), 102)
  shaper.refundReply(3000)
  t.is(shaper.expectReply('bulk', 1000), 100)
})

test('what comes unasked makes those wait who ask', t => {
  const { shaper } = setUp()
  shaper.received(new TestStream('urgent'), BURST + 50_000)
  t.is(shaper.expectReply('bulk', 1000), 50)
})

test('while one is paused there is a timer, a stream is paused only beyond the rate, and in the end all are resumed and none is left', t => {
  const step = fc.record({ gapMs: fc.integer({ min: 0, max: 50 }), which: fc.integer({ min: 0, max: 5 }), bytes: fc.integer({ min: 1, max: 60_000 }), close: fc.boolean() })
  fc.assert(fc.property(fc.array(step, { maxLength: 25 }), steps => {
    const { time, shaper } = setUp()
    const streams = Array.from({ length: 6 }, (_, i) => new TestStream(TRAFFIC_CLASSES[i % 3]))
    const closed = new Set<TestStream>()
    /** A bucket of the test's own. */
    let aheadMs = 0
    for (const { gapMs, which, bytes, close } of steps) {
      time.runTo(time.now() + gapMs)
      aheadMs = Math.max(0, aheadMs - gapMs)
      const stream = streams[which]
      if (close) {
        closed.add(stream)
        shaper.closed(stream)
      } else if (!stream.paused && !closed.has(stream)) {
        aheadMs += bytes / BYTES_PER_MS
        shaper.received(stream, bytes)
        if (stream.paused !== aheadMs - BURST / BYTES_PER_MS - { bulk: 0, normal: 50, urgent: 200 }[stream.class] > 1e-6) {
          return false
        }
      }
      const paused = streams.filter(stream => stream.paused && !closed.has(stream)).length
      if (paused !== shaper.pausedStreams || (paused > 0 && time.deadlines.size === 0)) {
        return false
      }
    }
    time.runTo(time.now() + aheadMs + 1)
    const open = streams.filter(stream => !closed.has(stream))
    time.runTo(time.now() + 1000)
    return open.every(({ paused }) => !paused) && shaper.pausedStreams === 0 && time.deadlines.size === 0 && !shaper.saturated
  }))
  t.pass()
})

test('a pause that one notices is told with its end, a short one is not, and saturation from the first pause to a second without', t => {
  const { time, shaper, events } = setUp()
  const stream = new TestStream('bulk')
  shaper.received(stream, BURST + 150_000)
  time.runTo(150)
  shaper.received(stream, BURST + 5000)
  time.runTo(2000)
  t.deepEqual(events, ['paused bulk 150', 'saturated true', 'resumed bulk rate', 'saturated false'])
})
