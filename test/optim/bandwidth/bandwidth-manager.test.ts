import test from 'ava'
import { MemoryRecorder } from '../../../src/core/recorder.ts'
import { randomStream } from '../../../src/core/random.ts'
import { BandwidthManager } from '../../../src/optim/bandwidth/bandwidth-manager.ts'
import { Ledbat } from '../../../src/optim/bandwidth/ledbat.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import { inVirtualTime } from '../timeouts/virtual-time.ts'
import { ManualTime } from './manual-time.ts'
import { GreedyFlow, TestFlow } from './test-flow.ts'
import type { BandwidthEvent, BandwidthOptions } from '../../../src/optim/bandwidth/bandwidth-manager.ts'
import type { Uplink } from '../../../src/optim/uplink.ts'

function setUp (options: BandwidthOptions = {}): { readonly time: ManualTime, readonly manager: BandwidthManager, readonly recorder: MemoryRecorder<BandwidthEvent> } {
  const time = new ManualTime()
  const recorder = new MemoryRecorder<BandwidthEvent>()
  return { time, recorder, manager: new BandwidthManager({ clock: time, deadlines: time.deadlines, random: randomStream(1), host: 'a', recorder }, options) }
}

test('by default 10 MB/s go out, with a burst of 10 ms, 10 KB at a time', async t => {
  await inVirtualTime(async ({ clock }) => {
    const deadlines = new Deadlines(clock)
    const manager: Uplink & { stop(): void } = new BandwidthManager({ clock, deadlines, random: randomStream(1), host: 'a' })
    const flow = new GreedyFlow('b', 'normal', 100)
    manager.ready(flow)
    // The burst, and the transmission that goes over it.
    t.is(flow.sentBytes, 110_000)
    await new Promise<void>(resolve => { clock.setTimeout(resolve, 1000) })
    t.true(flow.sentBytes >= 10_000_000 && flow.sentBytes <= 10_120_000)
    manager.remove(flow)
    t.is(deadlines.size, 0)
    manager.stop()
  })
})

test('with an infinite rate nothing waits', t => {
  const { time, manager } = setUp({ uploadBitsPerSecond: Infinity })
  const flow = new TestFlow('b', 'bulk')
  flow.offer(manager, ...Array.from({ length: 1000 }, () => 60_000))
  t.is(flow.sentBytes, 60_000_000)
  t.is(manager.rateBitsPerSecond(flow), Infinity)
  t.is(time.deadlines.size, 0)
})

test('a flow may count on its share of the rate, and on no more than its peer\'s cap', t => {
  const { manager } = setUp({ uploadBitsPerSecond: 8e6, peerCapBitsPerSecond: 2e6 })
  const flow = new GreedyFlow('b', 'normal', 100)
  t.is(manager.rateBitsPerSecond(flow), 2e6)
  for (let i = 0; i < 10; i++) {
    manager.ready(new GreedyFlow(String(i), 'normal', 100))
  }
  t.is(manager.rateBitsPerSecond(flow), 8e6 / 11)
  const capped = setUp({ uploadBitsPerSecond: Infinity, classes: { bulk: { capBitsPerSecond: 1e6 } } }).manager
  t.is(capped.rateBitsPerSecond(new GreedyFlow('b', 'bulk', 100)), 1e6)
})

test('bulk has a LEDBAT window, the rest one of the delay', t => {
  const { manager } = setUp()
  t.true(manager.newWindow('bulk') instanceof Ledbat)
  t.false(manager.newWindow('normal') instanceof Ledbat)
})

test('saturation of the way out is told once it has lasted, and its end', t => {
  const { time, manager, recorder } = setUp({ uploadBitsPerSecond: 8e6 })
  const flow = new TestFlow('b', 'normal')
  flow.offer(manager, ...Array.from({ length: 60 }, () => 1000))
  time.runTo(1000)
  t.deepEqual(recorder.events, [])
  flow.offer(manager, ...Array.from({ length: 500 }, () => 1000))
  time.runTo(1090)
  t.deepEqual(recorder.events, [])
  time.runTo(1200)
  t.true(manager.metrics.saturated.upload)
  time.runTo(3000)
  t.deepEqual(recorder.events.map(({ type, ...event }) => [type, 'phase' in event ? event.phase : '', event.reason, event.host]), [
    ['bandwidth:saturated', 'begin', 'rate', 'a'],
    ['bandwidth:saturated', 'end', 'idle', 'a']
  ])
})

test('metrics show what waits, what is limited and what went', t => {
  const { time, manager } = setUp({ uploadBitsPerSecond: 8e6 })
  const flow = new TestFlow('b', 'bulk')
  flow.offer(manager, ...Array.from({ length: 100 }, () => 1000))
  manager.limiter?.tryAcquire('b')
  const { waitingFlows, waitingBytes, permits, upload } = manager.metrics
  t.is(waitingFlows, 1)
  t.is(waitingBytes + upload.bulk.bytes, 100_000)
  t.is(permits, 1)
  time.runTo(1000)
  t.is(manager.metrics.waitingFlows, 0)
  t.is(manager.metrics.upload.bulk.bytes, 100_000)
  t.is(manager.meter.ofPeer(1000, 'upload', 'b').bytes, 100_000)
})

test('the limit of requests can be switched off, and be one\'s own', t => {
  t.is(setUp({ concurrency: false }).manager.limiter, undefined)
  const { limiter } = setUp({ concurrency: { limit: () => ({ limit: 7, onSample () {} }) } }).manager
  t.is(limiter?.limit('b'), 7)
})

test('a wrong option is refused with its path', t => {
  const wrong: Array<[BandwidthOptions, string, string]> = [
    [{ uploadBitsPerSecond: 0 }, 'ERR_INVALID_OPTION', 'bandwidthManager.uploadBitsPerSecond'],
    [{ downloadBitsPerSecond: NaN }, 'ERR_INVALID_OPTION', 'bandwidthManager.downloadBitsPerSecond'],
    [{ targetDelayMs: 101 }, 'ERR_INVALID_OPTION', 'bandwidthManager.targetDelayMs'],
    [{ classes: { bulk: { guaranteedShare: 0.5 } } }, 'ERR_INVALID_OPTION', 'bandwidthManager.classes'],
    [{ classes: { bulk: { weight: -1 } } }, 'ERR_INVALID_OPTION', 'bandwidthManager.classes.bulk.weight'],
    [{ classes: { bulk: { weight: 1e-9 } } }, 'ERR_INVALID_OPTION', 'bandwidthManager.classes.bulk.weight'],
    [{ classes: { urgent: { weight: 1001 } } }, 'ERR_INVALID_OPTION', 'bandwidthManager.classes.urgent.weight'],
    [{ streamHighWaterBytes: 10, streamMaximumBytes: 5 }, 'ERR_INVALID_OPTION', 'bandwidthManager.streamHighWaterBytes'],
    [{ uploadBitPerSecond: 1 } as BandwidthOptions, 'ERR_UNKNOWN_OPTION', 'bandwidthManager.uploadBitPerSecond']
  ]
  for (const [options, code, path] of wrong) {
    t.like(t.throws(() => setUp(options)), { code, path })
  }
})

test('two runs of one schedule record the same', t => {
  const run = (): string => {
    const { time, manager, recorder } = setUp({ uploadBitsPerSecond: 8e6 })
    for (let i = 0; i < 50; i++) {
      new TestFlow(String(i), 'normal').offer(manager, 30_000)
    }
    time.runTo(10_000)
    return recorder.digest()
  }
  t.is(run(), run())
})
