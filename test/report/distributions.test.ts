import test from 'ava'
import type { Metric } from '../../src/experiment/definition.ts'
import { analyse } from '../../src/report/analysis.ts'
import { chooseDistributions } from '../../src/report/distribution-choice.ts'
import { distributionFigures } from '../../src/report/distributions.ts'
import { armStyles } from '../../src/report/palette.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { fullResults, largeResults } from './fixtures/full.ts'

const bytes: Metric = { name: 'wire', title: 'Bytes on the wire a request, mean', sample: 'wire-bytes', statistic: 'mean', unit: 'bytes', better: 'lower', role: 'cost', minimumEffect: 0.05 }

/** The first case alone, with a cost in bytes stated before all else. */
function withBytes (): ResultsData {
  const { run, units } = fullResults({ simSeeds: 6, stackSeeds: 0, tcpSeeds: 0, holes: 0 })
  const { promises: _promises, precision: _precision, sweeps: _sweeps, agreement: _agreement, ...experiment } = run.experiment
  const [theCase] = experiment.cases
  return {
    run: { ...run, experiment: { ...experiment, cases: [{ ...theCase, metrics: [bytes, ...theCase.metrics] }] } },
    units: units.filter((unit) => unit.case === theCase.name).map((unit) => ({
      ...unit,
      samples: [{ type: 'sample' as const, timeMs: 1, host: 'client', metric: 'wire-bytes', value: 1000 + unit.arm.length, ok: true, reason: '' }, ...unit.samples]
    }))
  }
}

async function figuresOf (results: ResultsData): Promise<string[]> {
  const chosen = chooseDistributions(results, analyse(results)).shown
  return (await distributionFigures(results, chosen, armStyles(results.run.experiment.arms, 'plain'))).map(({ text }) => text)
}

test('distributions are titled by what was measured, not by its name in the code, and costs come after goals', async (t) => {
  const titles = (await figuresOf(withBytes())).map((figure) => /<h3>([^<]*)<\/h3>/.exec(figure)?.[1])
  t.deepEqual(titles, ['First address dead: request', 'First address dead: bytes on the wire a request', 'First address dead: attempts a request'])
})

test('only times are long: bytes are large, and counts many', async (t) => {
  const said = (await figuresOf(withBytes())).map((figure) => /share of samples (at most this \w+)/.exec(figure)?.[1])
  t.deepEqual(said, ['at most this long', 'at most this large', 'at most this many'])
})

test('where not all distributions are drawn, goals are before costs', (t) => {
  const results = largeResults(12)
  const { shown, leftOut } = chooseDistributions(results, analyse(results))
  t.true(leftOut > 0)
  t.deepEqual(new Set(shown.map(({ metric }) => metric.role ?? 'goal')), new Set(['goal']))
})
