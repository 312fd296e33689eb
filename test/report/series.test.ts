import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { commonSeeds, seriesOf } from '../../src/report/series.ts'
import { agreementsOf } from '../../src/report/wire-agreements.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { syntheticResults } from './fixtures/results.ts'

const whole = syntheticResults({ simSeeds: 3, tcpSeeds: 2 })
const theCase = whole.run.experiment.cases[0]
const [{ sample }] = theCase.metrics

/** The same with a warm-up that half of all samples fall into. */
function warmedUp ({ run, units }: ResultsData): { readonly results: ResultsData, readonly cutMs: number } {
  const times = units.filter(unit => unit.case === theCase.name).flatMap(unit => unit.samples.map(({ timeMs }) => timeMs)).sort((a, b) => a - b)
  const cutMs = times[times.length >> 1]
  const cases = run.experiment.cases.map(one => one.name === theCase.name ? { ...one, warmUpMs: cutMs } : one)
  return { results: { run: { ...run, experiment: { ...run.experiment, cases } }, units }, cutMs }
}

test('neither distributions nor agreements of wires have samples of the warm-up', t => {
  const { results, cutMs } = warmedUp(whole)
  const [described] = results.run.experiment.cases
  for (const { arm, total } of seriesOf(results, { wire: 'sim', case: described, sample })) {
    const own = results.units.filter(unit => unit.wire === 'sim' && unit.case === theCase.name && unit.arm === arm.name)
    t.is(total, own.flatMap(unit => unit.samples).filter(({ metric, timeMs }) => metric === sample && timeMs >= cutMs).length)
  }
  const samplesOf = (of: ResultsData): number => agreementsOf(of, randomStream('a')).filter(one => one.case.name === theCase.name).reduce((sum, { modelSamples, referenceSamples }) => sum + modelSamples + referenceSamples, 0)
  t.true(samplesOf(results) < samplesOf(whole))
})

test('arms are pooled over the seeds on which all of them ran well', t => {
  const [{ seed, arm }] = whole.units.filter(unit => unit.wire === 'sim' && unit.case === theCase.name)
  const results = { ...whole, units: whole.units.filter(unit => !(unit.seed === seed && unit.arm === arm && unit.case === theCase.name)) }
  const seeds = commonSeeds(results, { wire: 'sim', case: theCase })
  t.is(seeds.size, 2)
  t.false(seeds.has(seed))
})
