import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { SimWire } from '../../src/wires/sim.ts'

const root = new URL('../../', import.meta.url)

test('the experiment of the README is whole, and answers its question', async t => {
  const readme = await readFile(new URL('README.md', root), 'utf8')
  const source = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(match => match[1]).find(code => code.includes('export const experiment'))
  const directory = await mkdtemp(join(tmpdir(), 'twinwire-'))
  t.teardown(async () => { await rm(directory, { recursive: true }) })
  const absolute = source?.replaceAll("'../src/", `'${new URL('src/', root).href}`).replace("'zod'", `'${import.meta.resolve('zod')}'`) ?? ''
  await writeFile(join(directory, 'forced-dial.ts'), absolute)
  const loaded = await loadExperiment('forced-dial', pathToFileURL(`${directory}/`))
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const values: number[] = []
  for (const arm of ['reuse', 'force']) {
    const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: 'second-dial', arm, seed: 'readme' }, wire: new SimWire() })
    t.is(error, undefined)
    values.push(samples[0].value)
  }
  const rttMs = 50
  t.is(values[0], 0)
  // Three round trips and the serialisation of a few hundred bytes at 20 Mbit/s.
  t.true(values[1] >= 3 * rttMs && values[1] < 3 * rttMs + 1)
})
