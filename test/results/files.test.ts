import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { describeMachine } from '../../src/results/environment.ts'
import { compareUnits, holes } from '../../src/results/data.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { readResults, writeResults } from '../../src/results/files.ts'
import { compareSamples } from '../../src/results/samples.ts'
import { syntheticResults } from '../report/fixtures/results.ts'

const FILES = ['manifest.json', 'samples.parquet', 'summary.csv']

async function folder (t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'twinwire-results-'))
  t.teardown(async () => await rm(directory, { recursive: true }))
  return directory
}

async function bytes (directory: string): Promise<string[]> {
  return await Promise.all(FILES.map(async (name) => await readFile(join(directory, name), 'base64')))
}

const small = syntheticResults({ simSeeds: 2, tcpSeeds: 1 })

/** As files keep it: in order. */
function inOrder ({ run, units }: ResultsData): ResultsData {
  return { run, units: [...units].sort(compareUnits).map((unit) => ({ ...unit, samples: [...unit.samples].sort(compareSamples) })) }
}

test('what was written is read again', async (t) => {
  const directory = await folder(t)
  await writeResults(directory, small)
  t.deepEqual(await readResults(directory), inOrder(small))
})

test('how late packets were, how busy the machine, an error and a trace hash are read again, and what was read gives the same results', async (t) => {
  const [one, other] = [await folder(t), await folder(t)]
  const units = small.units.map((unit, i) => ({ ...unit, ...unit.wire === 'tcp' && { packetLateness: { meanMs: 0.1, p99Ms: 1.5 }, busyShare: 0.4 }, ...i === 0 && { error: { code: 'ERR_TIMEOUT', message: 'the run hung' } } }))
  await writeResults(one, { run: { ...small.run, tookSeconds: 61.5 }, units })
  const read = await readResults(one)
  t.deepEqual(read, inOrder({ run: { ...small.run, tookSeconds: 61.5 }, units }))
  await writeResults(other, read)
  t.deepEqual(await readResults(other), read)
})

test('runs and samples in any order give the same bytes', async (t) => {
  const [one, other] = [await folder(t), await folder(t)]
  const random = randomStream('order')
  await writeResults(one, small)
  await writeResults(other, { run: small.run, units: random.shuffle(small.units.map((unit) => ({ ...unit, samples: random.shuffle([...unit.samples]) }))) })
  t.deepEqual(await bytes(one), await bytes(other))
})

test('results written over others replace them whole', async (t) => {
  const [one, other] = [await folder(t), await folder(t)]
  await writeResults(one, syntheticResults({ simSeeds: 3, tcpSeeds: 0 }))
  await writeResults(one, small)
  await writeResults(other, small)
  t.deepEqual(await bytes(one), await bytes(other))
})

test('a run that failed and one that is missing make the results partial, and keep what there is', async (t) => {
  const directory = await folder(t)
  const [first, second, ...others] = small.units
  const failed = { ...first, samples: first.samples.slice(0, 2), error: { code: 'ERR_HOST_DIED', message: 'the host died' } }
  await writeResults(directory, { run: small.run, units: [failed, ...others] })
  const results = await readResults(directory)
  t.is(results.units.length, small.units.length - 1)
  t.deepEqual(holes(results).map(({ code }) => code), ['ERR_HOST_DIED', 'ERR_RESULTS_INCOMPLETE'])
  t.is(holes(results)[1].seed, second.seed)
  t.is((JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as { status: string }).status, 'partial')
})

test('a case asks only for the arms that take part in it', (t) => {
  t.deepEqual(holes(small), [])
  t.true(small.units.every((unit) => unit.case !== 'round-trips' || unit.arm === 'plain'))
})

test('arms that real peers have not are no holes, and are known when results are read again', async (t) => {
  const directory = await folder(t)
  const { run, units } = syntheticResults({ simSeeds: 2, stackSeeds: 0, tcpSeeds: 1 })
  const results: ResultsData = {
    run: { ...run, experiment: { ...run.experiment, cases: run.experiment.cases.map((theCase) => ({ ...theCase, realArms: ['plain'] })) } },
    units: units.filter(({ wire, arm }) => wire !== 'tcp' || arm === 'plain')
  }
  t.true(results.units.length < units.length)
  t.deepEqual(holes(results), [])
  await writeResults(directory, results)
  t.deepEqual(await readResults(directory), inOrder(results))
})

test('three wires, a case that one of them cannot carry and a promise about two of them are written and read again', async (t) => {
  const directory = await folder(t)
  const { run, units } = syntheticResults({ simSeeds: 2, stackSeeds: 1, tcpSeeds: 1 })
  const [trips, ...others] = run.experiment.cases
  const results: ResultsData = {
    run: {
      ...run,
      experiment: {
        ...run.experiment,
        cases: [{ ...trips, wires: ['sim', 'tcp'] }, ...others],
        agreement: [{ case: 'cold-dial', metric: 'dial-p50', arm: 'plain', model: 'stack', reference: 'tcp', limitMs: 5 }]
      }
    },
    units: units.filter((unit) => unit.wire !== 'stack' || unit.case !== 'round-trips')
  }
  t.deepEqual(holes(results), [])
  await writeResults(directory, results)
  t.deepEqual(await readResults(directory), inOrder(results))
})

test('no samples at all can be written and read', async (t) => {
  const directory = await folder(t)
  await writeResults(directory, { run: small.run, units: [] })
  t.deepEqual(await readResults(directory), { run: small.run, units: [] })
})

for (const name of FILES) {
  test(`without ${name} the results are incomplete`, async (t) => {
    const directory = await folder(t)
    await writeResults(directory, small)
    await rm(join(directory, name))
    const error = await t.throwsAsync(async () => await readResults(directory), { code: 'ERR_RESULTS_INCOMPLETE' })
    t.true(error?.message.includes(join(directory, name)))
  })

  test(`${name} cut in the middle is noticed`, async (t) => {
    const directory = await folder(t)
    await writeResults(directory, small)
    const whole = await readFile(join(directory, name))
    await writeFile(join(directory, name), whole.subarray(0, whole.length / 2))
    await t.throwsAsync(async () => await readResults(directory), { code: 'ERR_INVALID_FILE' })
  })
}

test('a manifest says where it is wrong', async (t) => {
  const directory = await folder(t)
  await writeResults(directory, small)
  const path = join(directory, 'manifest.json')
  const manifest = await readFile(path, 'utf8')
  await writeFile(path, manifest.replace('"cores": 2', '"cores": "two"'))
  await t.throwsAsync(async () => await readResults(directory), { code: 'ERR_INVALID_FILE', message: /machine\.cores.*found "two"/ })
  await writeFile(path, manifest.replace('"schemaVersion": 1', '"schemaVersion": 99'))
  await t.throwsAsync(async () => await readResults(directory), { code: 'ERR_INVALID_FILE', message: /expected schemaVersion 1; found 99/ })
})

test('two results of one run, and samples that are no numbers, are refused', async (t) => {
  const directory = await folder(t)
  const [unit] = small.units
  await t.throwsAsync(async () => await writeResults(directory, { run: small.run, units: [unit, unit] }), { code: 'ERR_INVALID_OPTION' })
  const broken = { ...unit, samples: [{ ...unit.samples[0], value: NaN }] }
  await t.throwsAsync(async () => await writeResults(directory, { run: small.run, units: [broken] }), { code: 'ERR_INVALID_OPTION' })
})

test('the summary has a line for each run and metric', async (t) => {
  const directory = await folder(t)
  await writeResults(directory, small)
  const [header, ...lines] = (await readFile(join(directory, 'summary.csv'), 'utf8')).trimEnd().split('\n')
  t.is(header, 'wire,case,arm,seed,metric,n,failures,mean,p50,p90,p99,maximum,value')
  // 3 seeds: 2 metrics of 1 arm, and 7 metrics of 4 arms.
  t.is(lines.length, 3 * (2 + 7 * 4))
  t.true(lines.every((line) => line.split(',').length === 13))
})

test('this machine has a name and cores', (t) => {
  const { cpu, cores, memoryBytes } = describeMachine()
  t.true(cpu.length > 0 && cores > 0 && memoryBytes > 0)
})
