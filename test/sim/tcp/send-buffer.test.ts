import test from 'ava'
import * as fc from 'fast-check'
import { tcpOptions } from '../../../src/sim/tcp/options.ts'
import { SendBuffer } from '../../../src/sim/tcp/send-buffer.ts'
import type { SendBufferLoad } from '../../../src/sim/tcp/send-buffer.ts'

const MSS = 1448
/** Payload of the largest buffer of TCP's: 45 segments. */
const SKB = 45 * MSS
/** What tcp_sndbuf_expand reckons for a segment: 1448 B, headers and skb_shared_info are 2 KiB, and 256 B of sk_buff. */
const SEGMENT_MEMORY = 2048 + 256
const NOTHING: SendBufferLoad = { cwndBytes: 10 * MSS, cwndFull: false, greatestPeerWindowBytes: 200_000, outstandingBytes: 0, outstandingSegments: 0, unsentBytes: 0, burstSegments: 2 }

function written (bytes: number, options: Parameters<typeof tcpOptions>[0] = {}): SendBuffer {
  const buffer = new SendBuffer(tcpOptions(options))
  buffer.write(bytes)
  return buffer
}

test('a fresh buffer has 46,080 B, as ss shows it of Linux 6.18, and its last skb is filled: it takes one of 65,160 B', t => {
  t.is(2 * 10 * SEGMENT_MEMORY, 46_080)
  const buffer = written(200_000)
  t.is(buffer.take(NOTHING), SKB)
  t.is(buffer.waitingBytes, 200_000 - SKB)
})

test('a full buffer takes nothing until a third of it is free', t => {
  const buffer = written(1e6, { bursts: 'single', sendBufferBytes: 12 * (MSS + 832) })
  t.is(buffer.take(NOTHING), 12 * MSS)
  const left = (segments: number): SendBufferLoad => ({ ...NOTHING, outstandingBytes: segments * MSS, outstandingSegments: segments, burstSegments: 1 })
  t.is(buffer.take(left(11)), 0)
  t.is(buffer.take(left(9)), 0)
  t.is(buffer.take(left(8)), 4 * MSS)
})

test('a program that waits has room for twice the window, measured of a kernel: 580,608 B at 126 segments, 635,904 at 138', t => {
  for (const [segments, memory] of [[126, 580_608], [138, 635_904]]) {
    const buffer = written(1e7)
    buffer.take(NOTHING)
    // What is free is all but what waits for its acknowledgement; the last skb goes beyond.
    const load = { ...NOTHING, cwndBytes: segments * MSS, outstandingBytes: segments * MSS, outstandingSegments: segments }
    const inFlight = load.outstandingBytes + segments / 2 * 832
    t.is(buffer.take(load), 0)
    buffer.expand({ ...load, cwndFull: true })
    t.is(buffer.take(load), 0)
    buffer.expand(load)
    t.is(buffer.take(load), Math.ceil((memory - inFlight) / (SKB + 832)) * SKB)
  }
})

test('a buffer of the kernel holds half of the peer\'s greatest window at most: 27 segments of 80,896 B', t => {
  const buffer = written(200_000)
  t.is(buffer.take({ ...NOTHING, greatestPeerWindowBytes: 80_896 }), 2 * 27 * MSS)
})

test('the last buffer is filled by a later write though the limit is reached, as long as something of it is unsent', t => {
  const load = { ...NOTHING, greatestPeerWindowBytes: 80_896 }
  const buffer = written(50_000)
  t.is(buffer.take(load), 50_000)
  const lastBytes = 50_000 - 27 * MSS
  buffer.write(65_536)
  t.is(buffer.take({ ...load, unsentBytes: 50_000 }), 27 * MSS - lastBytes)
  t.is(buffer.take({ ...load, unsentBytes: 27 * MSS + lastBytes }), 0)
})

test('a write that is taken in part counts whole as not written, and what is written meanwhile is handed over with it done, at once', t => {
  const buffer = written(100_000)
  t.is(buffer.take(NOTHING), SKB)
  t.is(buffer.unwrittenBytes, 100_000)
  buffer.write(40_000)
  buffer.write(30_000)
  t.is(buffer.unwrittenBytes, 170_000)
  t.is(buffer.take(NOTHING), SKB)
  t.is(buffer.waitingBytes, 170_000 - 2 * SKB)
  t.is(buffer.unwrittenBytes, 70_000)
})

test('the window of a program that does not wait changes nothing', t => {
  const buffer = written(1_000)
  t.is(buffer.take({ ...NOTHING, cwndBytes: 1_000 * MSS }), 1_000)
  buffer.expand({ ...NOTHING, cwndBytes: 1_000 * MSS })
  buffer.write(1e6)
  t.is(buffer.take({ ...NOTHING, cwndBytes: 1_000 * MSS }), SKB)
})

test('before the peer has offered a window nothing bounds a buffer but its own size', t => {
  t.is(written(200_000).take({ ...NOTHING, greatestPeerWindowBytes: 0 }), SKB)
})

test('whatever is written, sent and acknowledged, all is taken in the end, never more than was written, never beyond the limit but for the last skb, and a write counts until all of it is taken', t => {
  const step = fc.record({
    write: fc.nat({ max: 300_000 }), sent: fc.double({ min: 0, max: 1, noNaN: true }), acknowledged: fc.double({ min: 0, max: 1, noNaN: true }),
    segments: fc.integer({ min: 1, max: 500 }), cwndFull: fc.boolean(), peerWindow: fc.integer({ min: 0, max: 300_000 })
  })
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 2_000, max: 1e6 }), (steps, sendBufferBytes) => {
    const buffer = new SendBuffer(tcpOptions({ sendBufferBytes }))
    let [written, taken, unsent, outstanding, greatestPeerWindowBytes] = [0, 0, 0, 0, 0]
    const load = (segments: number, cwndFull: boolean): SendBufferLoad => ({
      cwndBytes: segments * MSS, cwndFull, greatestPeerWindowBytes, outstandingBytes: outstanding, outstandingSegments: Math.ceil(outstanding / MSS), unsentBytes: unsent, burstSegments: 2
    })
    for (const { write, sent, acknowledged, segments, cwndFull, peerWindow } of steps) {
      buffer.write(write)
      written += write
      const leaving = Math.floor(unsent * sent)
      unsent -= leaving
      outstanding = Math.floor((outstanding + leaving) * (1 - acknowledged))
      greatestPeerWindowBytes = Math.max(greatestPeerWindowBytes, peerWindow)
      buffer.expand(load(segments, cwndFull))
      const held = unsent + outstanding
      const now = buffer.take(load(segments, cwndFull))
      taken += now
      unsent += now
      const { waitingBytes, unwrittenBytes } = buffer
      // A last skb that was begun is filled whatever is held; a new one is begun below the limit.
      if (now > 0 && held + now > Math.max(held, sendBufferBytes) + SKB || taken + waitingBytes !== written || unwrittenBytes < waitingBytes || unwrittenBytes > written || (unwrittenBytes === 0) !== (waitingBytes === 0)) {
        return false
      }
    }
    while (buffer.waitingBytes > 0) {
      unsent = 0
      outstanding = 0
      taken += buffer.take(load(1, false))
    }
    return taken === written && buffer.unwrittenBytes === 0
  }))
  t.pass()
})
