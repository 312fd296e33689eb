import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'
import { SimWire } from '../../src/wires/sim.ts'

const BULK_BYTES = 4e6
const CHUNK_BYTES = 32 * 1024
const loaded = await loadExperiment('drain-once', new URL('../../experiments/', import.meta.url))

async function samplesOf (arm: string, bulkBytes = BULK_BYTES): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({ bulkBytes }) as Record<string, number>
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
  t.true(most <= CHUNK_BYTES, `${most} bytes`)
})

test('no arm carries more than the path does, and modules are heard of by their acknowledgements', async t => {
  for (const arm of ['drain-event', 'window', 'batching', 'batching-at-once', 'full']) {
    const goodputs = (await samplesOf(arm)).filter(({ metric }) => metric === 'goodput')
    t.is(goodputs.length, 1)
    t.true(goodputs[0].value > 0 && goodputs[0].value < 20e6, `${arm}: ${goodputs[0].value} bit/s`)
  }
})

test('a window by hand keeps what is buffered to the message that was handed over last', async t => {
  const most = mostBuffered(await samplesOf('window'))
  // With its length of 3 bytes.
  t.true(most <= CHUNK_BYTES + 3, `${most} bytes`)
})

test('a module holds no more than the 32 messages that it is given at a time, and without one the module holds no more than its 4 MiB a peer', async t => {
  const MIB = 1024 * 1024
  for (const arm of ['batching', 'full']) {
    const most = mostBuffered(await samplesOf(arm))
    // Of each message its length prefix and what stands around it in a batch.
    t.true(most > 0 && most <= 32 * (CHUNK_BYTES + 200), `${arm}: ${most} bytes`)
  }
  const most = mostBuffered(await samplesOf('batching-at-once', 8e6))
  t.true(most > MIB && most <= 4 * MIB, `${most} bytes`)
})
