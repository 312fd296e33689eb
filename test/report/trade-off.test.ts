import test from 'ava'
import type { Metric } from '../../src/experiment/definition.ts'
import { analyse } from '../../src/report/analysis.ts'
import { armStyles } from '../../src/report/palette.ts'
import { tradeOffFigures } from '../../src/report/trade-off.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { fullResults } from './fixtures/full.ts'

/** A cost that an arm pays the same in each run. */
interface Paid {
  readonly name: string
  readonly unit: Metric['unit']
  readonly of: (arm: string) => number
}

/** One case whose costs are these, in their order. */
function withCosts (costs: readonly Paid[]): ResultsData {
  const { run, units } = fullResults({ simSeeds: 6, stackSeeds: 0, tcpSeeds: 0, holes: 0 })
  const { promises: _promises, precision: _precision, sweeps: _sweeps, agreement: _agreement, ...experiment } = run.experiment
  const [{ metrics, ...theCase }] = experiment.cases
  const paid = costs.map(({ name, unit }): Metric => ({ name, title: `Paid ${name}`, sample: name, statistic: 'mean', unit, better: 'lower', role: 'cost', minimumEffect: 0.05 }))
  return {
    run: { ...run, experiment: { ...experiment, cases: [{ ...theCase, metrics: [...metrics.filter(({ role }) => role !== 'cost'), ...paid] }] } },
    units: units.filter((unit) => unit.case === theCase.name).map((unit) => ({
      ...unit,
      samples: [
        ...unit.samples.filter(({ metric }) => metric === 'request'),
        ...costs.map(({ name, of }) => ({ type: 'sample' as const, timeMs: 1, host: 'client', metric: name, value: of(unit.arm), ok: true, reason: '' }))
      ]
    }))
  }
}

async function figuresOf (costs: readonly Paid[]): Promise<string[]> {
  const results = withCosts(costs)
  return (await tradeOffFigures(results, analyse(results), armStyles(results.run.experiment.arms, 'plain'))).map(({ text }) => text)
}

const same: Paid = { name: 'attempts', unit: 'count', of: () => 1 }

test('gain is drawn against the cost that differs most from the baseline, whichever is stated first', async (t) => {
  const little: Paid = { name: 'bytes', unit: 'bytes', of: (arm) => arm === 'full' ? 1100 : 1000 }
  const much: Paid = { name: 'addresses', unit: 'count', of: (arm) => arm === 'full' ? 2 : 1 }
  for (const costs of [[same, little, much], [much, little, same]]) {
    const [figure, ...others] = await figuresOf(costs)
    t.is(others.length, 0)
    t.true(figure.includes('Paid addresses (cost)'))
    t.false(figure.includes('Paid bytes'))
  }
})

test('a cost that only others than the baseline pay differs from it, and one that is a half differs as much as the double', async (t) => {
  const [onlyOthers] = await figuresOf([{ name: 'bytes', unit: 'bytes', of: (arm) => arm === 'full' ? 1e6 : 1000 }, { name: 'probes', unit: 'count', of: (arm) => arm === 'full' ? 1 : 0 }])
  t.true(onlyOthers.includes('Paid probes (cost)'))
  const [half] = await figuresOf([{ name: 'bytes', unit: 'bytes', of: (arm) => arm === 'full' ? 1800 : 1000 }, { name: 'probes', unit: 'count', of: (arm) => arm === 'full' ? 1 : 2 }])
  t.true(half.includes('Paid probes (cost)'))
})

test('where no cost varies there is nothing to draw', async (t) => {
  t.deepEqual(await figuresOf([same]), [])
  t.deepEqual(await figuresOf([]), [])
})

test('counts below a thousand are written as one writes them, not with a prefix of units', async (t) => {
  const [figure] = await figuresOf([{ name: 'attempts', unit: 'count', of: (arm) => arm === 'full' ? 1.02 : 0.98 }])
  const ticks = [...figure.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)
  t.true(ticks.includes('0.98') || ticks.includes('0.99'), ticks.join(' '))
  t.false(ticks.some((tick) => /^[\d.]+[mk]$/.test(tick)), ticks.join(' '))
})
