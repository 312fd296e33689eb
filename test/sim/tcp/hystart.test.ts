import test from 'ava'
import type { AckSample } from '../../../src/sim/tcp/congestion.ts'
import { HyStart } from '../../../src/sim/tcp/hystart.ts'
import { MS } from './scripted-network.ts'

const RTT_MS = 100
/** What the sender's bursts may add to a train: 1 ms. */
const BURST_MS = 1
const WINDOW = 1000

/** How long a train of acknowledgements, a millisecond apart, may become before slow start ends. */
function longestTrainMs (pacing: boolean): number {
  const exit = new HyStart(pacing)
  exit.begin(0)
  for (let ms = 0; ms <= 3 * RTT_MS; ms++) {
    // Written out in full for the type; HyStart reads four of them.
    const sample = { nowNs: ms * MS, rttNs: RTT_MS * MS, acknowledgedSequence: ms + 1, nextSequence: 10_000 } as AckSample
    if (exit.full(sample, WINDOW, RTT_MS * MS)) {
      return ms - 1
    }
  }
  return Infinity
}

test('a train of acknowledgements longer than half of the round trip and a burst ends slow start', t => {
  t.is(longestTrainMs(false), Math.floor((RTT_MS + BURST_MS) / 2))
})

test('with pacing, which spreads segments over half of the round trip itself, it may be as long as all of it (Linux: hystart_update)', t => {
  t.is(longestTrainMs(true), RTT_MS + BURST_MS)
})
