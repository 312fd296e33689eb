import test from 'ava'
import type { SampleEvent } from '../../src/experiment/definition.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { SimWire } from '../../src/wires/sim.ts'

const RTT_MS = 80

test('the experiment that init writes runs as it is: all arms meet the same arrivals, and a kept stream saves a round trip, by hand and in the pool', async t => {
  const loaded = await loadExperiment('my-question', new URL('../../examples/', import.meta.url))
  const { experiment } = loaded
  const parameters = experiment.parameters.parse({}) as Record<string, number>
  const samplesOf = async (arm: string): Promise<readonly SampleEvent[]> => {
    const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: 'reset', arm, seed: 'init/0' }, wire: new SimWire() })
    t.is(error, undefined)
    return samples
  }
  const [plain, kept, pool] = [await samplesOf('plain'), await samplesOf('kept-streams'), await samplesOf('pool')]
  const requests = (samples: readonly SampleEvent[]): SampleEvent[] => samples.filter(({ metric }) => metric === 'request')
  // A sample is complete its value after its arrival.
  const arrivals = (samples: readonly SampleEvent[]): number[] => requests(samples).map(({ timeMs, value }) => Math.round((timeMs - value) * 1e6)).sort((a, b) => a - b)
  t.deepEqual(arrivals(plain), arrivals(kept))
  t.deepEqual(arrivals(plain), arrivals(pool))
  const medianMs = (samples: readonly SampleEvent[]): number => requests(samples).map(({ value }) => value).sort((a, b) => a - b)[Math.floor(requests(samples).length / 2)]
  // Two round trips (stream, request) against one; 1100 bytes at 20 Mbit/s take half a millisecond.
  t.true(medianMs(plain) >= 2 * RTT_MS && medianMs(plain) < 2 * RTT_MS + 3, String(medianMs(plain)))
  for (const samples of [kept, pool]) {
    t.true(medianMs(samples) >= RTT_MS && medianMs(samples) < RTT_MS + 3, String(medianMs(samples)))
  }
})
