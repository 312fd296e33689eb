import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'

const loaded = await loadExperiment('cellular-queue', new URL('../../experiments/', import.meta.url))

async function medianOf (name: string, arm: string): Promise<number> {
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: 'example' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return quantile(samples.map(({ value }) => value), 0.5)
}

test('the example of a link that follows a trace runs, and FQ-CoDel spares requests the download\'s queue', async t => {
  const [dropTail, fqCodel] = [await medianOf('drop-tail', 'plain'), await medianOf('fq-codel', 'plain')]
  // A stream and a reply are two round trips of 60 ms, behind any queue.
  t.true(fqCodel > 120 && fqCodel < dropTail, `${fqCodel} and ${dropTail} ms`)
})

test('behind FQ-CoDel a request on a stream that is kept, by hand or by the pool, takes one round trip and less than two', async t => {
  for (const arm of ['kept-streams', 'pool']) {
    const median = await medianOf('fq-codel', arm)
    t.true(median > 60 && median < 120, `${arm}: ${median} ms`)
  }
})
