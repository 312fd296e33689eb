import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import { renderReport } from '../../src/report/html.ts'
import { silentMetrics } from '../../src/report/silent-metrics.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { syntheticResults } from './fixtures/results.ts'

const results = syntheticResults({ simSeeds: 2, tcpSeeds: 0 })
const theCase = results.run.experiment.cases.find(({ arms }) => arms === undefined)!
const [{ sample }] = theCase.metrics

/** Without the samples of the first kind that these arms recorded in the first case. */
function silenced (silent: (arm: string) => boolean): ResultsData {
  return {
    ...results,
    units: results.units.map(unit => unit.case === theCase.name && silent(unit.arm) ? { ...unit, samples: unit.samples.filter(({ metric }) => metric !== sample) } : unit)
  }
}

test('where every arm recorded every kind of sample, nothing is silent', t => {
  t.deepEqual(silentMetrics(results, analyse(results)), [])
})

test('a kind of sample that an arm did not record, though its runs ended well, is named with the arm', async t => {
  const [, { name, title }] = results.run.experiment.arms.filter(arm => results.units.some(unit => unit.case === theCase.name && unit.arm === arm.name))
  const data = silenced(arm => arm === name)
  const silent = silentMetrics(data, analyse(data))
  t.is(silent.length, 1)
  t.true(silent[0].startsWith(`${theCase.title}: `) && silent[0].endsWith(`, of ${title} in simulation`), silent[0])
  t.true((await renderReport(data, analyse(data))).includes(`<li>${silent[0]}</li>`))
})

test('one that nobody recorded is of no arm', t => {
  const data = silenced(() => true)
  t.deepEqual(silentMetrics(data, analyse(data)).map(text => text.slice(text.lastIndexOf(','))), [', of no arm'])
})
