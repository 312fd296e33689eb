import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'
import { SimWire } from '../../src/wires/sim.ts'

const BULK_BYTES = 4e6
const loaded = await loadExperiment('drain-once', new URL('../../experiments/', import.meta.url))

async function samplesOf (arm: string): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({ bulkBytes: BULK_BYTES }) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: 'bulk', arm, seed: 'drain' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

function mostBuffered (samples: readonly SampleEvent[]): number {
  return Math.max(...samples.filter(({ metric }) => metric === 'buffered').map(({ value }) => value))
}

test('onDrain() waits once, and then most of the transfer is buffered, as without any back-pressure', async t => {
  const [once, never] = [mostBuffered(await samplesOf('on-drain')), mostBuffered(await samplesOf('no-back-pressure'))]
  // What has left is what yamux's first window and the socket take before the second wait: far less than half.
  t.true(once > BULK_BYTES / 2, `${once} bytes`)
  t.true(never >= once && never <= BULK_BYTES, `${never} bytes`)
})

test('the drain event keeps what is buffered to the chunk that was handed over last', async t => {
  const most = mostBuffered(await samplesOf('drain-event'))
  t.true(most <= 64 * 1024, `${most} bytes`)
})

test('no arm carries more than the path does, and modules are heard of by their acknowledgements', async t => {
  for (const arm of ['drain-event', 'request-stream', 'batching', 'full']) {
    const goodputs = (await samplesOf(arm)).filter(({ metric }) => metric === 'goodput')
    t.is(goodputs.length, 1)
    t.true(goodputs[0].value > 0 && goodputs[0].value < 20e6, `${arm}: ${goodputs[0].value} bit/s`)
  }
})
