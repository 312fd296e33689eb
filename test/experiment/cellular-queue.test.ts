import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'

test('the example of a link that follows a trace runs, and FQ-CoDel spares requests the download\'s queue', async t => {
  const loaded = await loadExperiment('cellular-queue', new URL('../../experiments/', import.meta.url))
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const medianOf = async (name: string): Promise<number> => {
    const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm: 'plain', seed: 'example' }, wire: new SimWire() })
    t.is(error, undefined)
    return quantile(samples.map(({ value }) => value), 0.5)
  }
  const [dropTail, fqCodel] = [await medianOf('drop-tail'), await medianOf('fq-codel')]
  // A stream and a reply are two round trips of 60 ms, behind any queue.
  t.true(fqCodel > 120 && fqCodel < dropTail, `${fqCodel} and ${dropTail} ms`)
})
