import test from 'ava'
import { CLIENT, connectedPair, MS } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448

function departures (pacing: boolean): number[] {
  const { kernel, client, network } = connectedPair(DELAY, { options: { congestion: 'reno', bursts: 'single', pacing, quickAcks: 16 } })
  client.write(100 * MSS)
  kernel.run(5 * RTT)
  return network.data(CLIENT).map(({ atNs }) => atNs)
}

test('with pacing the first ten segments leave at once, and the next twenty over half a round trip', t => {
  const times = departures(true)
  t.deepEqual(new Set(times.slice(0, 10)), new Set([RTT]))
  // The window is 20 when its last acknowledgement has come: twice that a round trip is one each 40th of it.
  const second = times.slice(10, 30)
  t.is(second[0], 2 * RTT)
  const gaps = second.slice(1).map((atNs, i) => atNs - second[i])
  t.true(gaps.slice(2).every(gapNs => Math.abs(gapNs - RTT / 40) <= 1), String(gaps))
  t.true(second[19] - second[0] <= RTT / 2)
})

test('without pacing a window leaves as its acknowledgements come', t => {
  const times = departures(false)
  t.deepEqual(new Set(times.slice(10, 30)), new Set([2 * RTT]))
})
