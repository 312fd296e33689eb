import test from 'ava'
import { experiment, PUBLISHED } from '../../../experiments/libp2p-perf.ts'
import { loadExperiment } from '../../../src/experiment/registry.ts'
import { runUnit } from '../../../src/experiment/run-unit.ts'
import { SimWire } from '../../../src/wires/sim.ts'
import { StackWire } from '../../../src/wires/stack.ts'
import type { RunParameters, Wire } from '../../../src/wires/wire.ts'

const RTT_MS = 63.3
const RATE_BITS_PER_MS = 4.78e6
const PACKET_MS = 1500 * 8 / RATE_BITS_PER_MS
/** yamux's largest window, and what js-libp2p writes at once, which is a frame. */
const WINDOW_BYTES = 16 * 2 ** 20
const BLOCK_BYTES = 64 * 1024
/** Segments of 1448 B for a block and its headers: yamux's, and Noise's for each of two messages. */
const BLOCK_PACKETS = Math.ceil((BLOCK_BYTES + 12 + 2 * 18) / 1448)
/** Bytes that a stream took and its kernel has not: Node's high-water mark, and the block that passed it. */
const UNSENT_BYTES = 64 * 1024 + BLOCK_BYTES

/** The stack with a null cipher: the same bytes at the same times, sooner. */
const WIRES = [new SimWire(), new StackWire({ cipher: 'null' })] as const

async function samplesOf (wire: Wire, caseName: string, arm: string, changed: RunParameters): Promise<(metric: string) => number[]> {
  const loaded = await loadExperiment('libp2p-perf')
  const parameters = loaded.experiment.parameters.parse(changed) as RunParameters
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: wire.name, case: caseName, arm, seed: '1' }, wire })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return metric => samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

const ratesOfSim = new Map<string, number[]>()

for (const wire of WIRES) {
  test.serial(`connect and one byte take five round trips on ${wire.name}, and a packet's time for each of their ten messages at most`, async t => {
    const times = (await samplesOf(wire, 'connect-and-byte', 'tuned', { connections: 3 }))('connect-and-byte')
    t.is(times.length, 3)
    for (const timeMs of times) {
      t.true(timeMs >= 5 * RTT_MS && timeMs <= 5 * RTT_MS + 10 * PACKET_MS, `${timeMs} ms`)
    }
  })

  // A byte of the window comes back when the whole block that it stood in has arrived, and the update has crossed the path.
  const steadyBitsPerMs = WINDOW_BYTES * 8 / (RTT_MS + BLOCK_PACKETS * PACKET_MS)
  for (const direction of ['upload', 'download']) {
    test.serial(`an upload or download on ${wire.name} carries a window in each round trip and the time of a block, once it has begun: ${direction}`, async t => {
      // Four round trips, so that both ends of an interval find the stream in the same part of its cycle. The ramp ends in the third.
      const intervalMs = 4 * RTT_MS
      const rates = (await samplesOf(wire, direction, 'tuned', { transferMs: 6 * intervalMs, intervalMs }))(direction)
      const steady = rates.at(-1) ?? NaN
      // What a stream has taken is known to within what may wait in it, at the beginning and at the end.
      const error = 2 * UNSENT_BYTES * 8 / (intervalMs * steadyBitsPerMs)
      t.true(Math.abs(steady / 1e3 / steadyBitsPerMs - 1) <= error, `${steady / 1e9} Gbit/s, not ${steadyBitsPerMs / 1e6} ± ${error * 100}%`)
      if (wire.name === 'sim') {
        ratesOfSim.set(direction, rates)
      } else {
        t.deepEqual(rates, ratesOfSim.get(direction), 'the session model carries to the byte what libp2p does, in each interval')
      }
    })
  }
}

// A program that waits is told of room when a third of it is free, and then fills it: an skb of 65,160 B may go beyond.
test.serial('with Linux\'s own buffers a transfer carries at most the 4 MiB of its send buffer in a round trip, and two thirds of them', async t => {
  const intervalMs = 8 * RTT_MS
  const rates = (await samplesOf(WIRES[0], 'upload', 'untuned', { transferMs: 4 * intervalMs, intervalMs }))('upload')
  const share = (rates.at(-1) ?? NaN) / (4 * 2 ** 20 * 8e3 / RTT_MS)
  const error = (2 * UNSENT_BYTES + 65_160) / (8 * 4 * 2 ** 20)
  t.true(share <= 1 + error && share >= 2 / 3 - error, `${share}`)
})

test('every published figure is one that a threshold holds a wire to', t => {
  t.deepEqual(new Set(experiment.thresholds.map(({ limit }) => limit)), new Set(Object.values(PUBLISHED)))
})
