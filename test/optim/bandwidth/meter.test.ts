import test from 'ava'
import * as fc from 'fast-check'
import { BandwidthMeter, OTHER_PROTOCOLS } from '../../../src/optim/bandwidth/meter.ts'
import { RateWindow } from '../../../src/optim/bandwidth/rate-window.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

test('a rate is that of the present slot and the nine before, against one that keeps every byte', t => {
  const step = fc.record({ gapMs: fc.integer({ min: 0, max: 40 }), bytes: fc.integer({ min: 0, max: 1000 }) })
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.integer({ min: 0, max: 150 }), (steps, afterMs) => {
    const window = new RateWindow(100)
    const all: Array<{ atMs: number, bytes: number }> = []
    let nowMs = 0
    for (const { gapMs, bytes } of steps) {
      nowMs += gapMs
      all.push({ atMs: nowMs, bytes })
      window.add(nowMs, bytes)
    }
    nowMs += afterMs
    const elapsedMs = nowMs - all[0].atMs
    const fromMs = all[0].atMs + (Math.floor(elapsedMs / 10) - 9) * 10
    const bytes = all.filter(({ atMs }) => atMs >= fromMs).reduce((sum, { bytes }) => sum + bytes, 0)
    const coveredMs = Math.max(10, Math.min(elapsedMs, nowMs - fromMs))
    return Math.abs(window.bitsPerSecond(nowMs) - 8e3 * bytes / coveredMs) < 1e-6
  }))
  t.pass()
})

test('a steady rate is shown as what it is over each window, and as nothing a window after it ends', t => {
  const meter = new BandwidthMeter()
  for (let atMs = 0; atMs < 120_000; atMs += 10) {
    meter.count(atMs, 'upload', 'bulk', 'a', 100)
  }
  const { bytes, over1s, over10s, over60s } = meter.byClass(120_000, 'upload').bulk
  t.is(bytes, 1_200_000)
  for (const rate of [over1s, over10s, over60s]) {
    t.true(Math.abs(rate - 80e3) <= 80e3 * 0.02)
  }
  const later = meter.ofPeer(131_000, 'upload', 'a')
  t.is(later.over1s, 0)
  t.is(later.over10s, 0)
  t.true(later.over60s > 0)
  t.is(meter.byClass(131_000, 'download').bulk.bytes, 0)
})

test('each peer is metered by itself, up to a bound, beyond which those not heard of for longest are forgotten', t => {
  const meter = new BandwidthMeter()
  for (let i = 0; i < 2000; i++) {
    meter.count(0, 'download', 'normal', String(i), 1)
  }
  t.is(meter.ofPeer(0, 'download', '1999').bytes, 1)
  t.is(meter.ofPeer(0, 'download', '0').bytes, 0)
  t.is(meter.byClass(0, 'download').normal.bytes, 2000)
})

test('each protocol is metered by itself, up to a bound, beyond which the rest is one', t => {
  const meter = new BandwidthMeter()
  for (let i = 0; i < 1000; i++) {
    meter.countProtocol(0, 'upload', `/${i}`, 1)
  }
  const protocols = meter.byProtocol(0, 'upload')
  t.is(protocols.size, 65)
  t.is(protocols.get('/63')?.bytes, 1)
  t.is(protocols.get(OTHER_PROTOCOLS)?.bytes, 1000 - 64)
})
