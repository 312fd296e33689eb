import test from 'ava'
import { completeSeeds } from '../../src/results/complete-seeds.ts'
import { holes } from '../../src/results/data.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { syntheticResults } from '../report/fixtures/results.ts'

const whole = syntheticResults({ simSeeds: 2, stackSeeds: 0, tcpSeeds: 2 })
const seedsOn = ({ run }: ResultsData, wire: string): readonly string[] => run.plan.filter((part) => part.wire === wire).flatMap(({ seeds }) => seeds)

test('of a run under way only seeds count of which every run has ended', (t) => {
  const [last] = seedsOn(whole, 'tcp').slice(-1)
  const units = whole.units.filter(({ wire, seed, arm }) => wire !== 'tcp' || seed !== last || arm === 'plain')
  const soFar = completeSeeds({ ...whole, units })
  t.deepEqual(seedsOn(soFar, 'sim'), seedsOn(whole, 'sim'))
  t.deepEqual(seedsOn(soFar, 'tcp'), seedsOn(whole, 'tcp').slice(0, -1))
  t.deepEqual(holes(soFar), [])
})

test('an arm that real peers have not is not waited for', (t) => {
  const { run } = whole
  const cases = run.experiment.cases.map((theCase) => ({ ...theCase, realArms: ['plain'] }))
  const some = { run: { ...run, experiment: { ...run.experiment, cases } }, units: whole.units.filter(({ wire, arm }) => wire !== 'tcp' || arm === 'plain') }
  t.true(some.units.length < whole.units.length)
  t.deepEqual(completeSeeds(some), some)
})
