import test from 'ava'
import { planUnits } from '../../src/experiment/plan.ts'
import { pairsOf } from '../../src/experiment/wire-pair.ts'
import { experiment } from '../fixtures/experiments/queueing.ts'

test('of wires in any order each more modelled one is held to each more real one, neighbours first', t => {
  t.deepEqual(pairsOf(['tcp', 'sim', 'stack']), [
    { model: 'sim', reference: 'stack' }, { model: 'stack', reference: 'tcp' }, { model: 'sim', reference: 'tcp' }
  ])
  t.deepEqual(pairsOf(['tcp', 'sim']), [{ model: 'sim', reference: 'tcp' }])
  t.deepEqual(pairsOf(['stack']), [])
})

test('a case is planned on the wires that can carry it only', t => {
  const [idle, busy] = experiment.cases
  const units = planUnits({ ...experiment, cases: [idle, { ...busy, wires: ['stack', 'tcp'] }] }, [{ wire: 'sim', seeds: ['a'] }, { wire: 'stack', seeds: ['a'] }])
  t.deepEqual(units.map(({ wire, case: name, arm }) => `${wire} ${name} ${arm}`), [
    'sim idle plain', 'sim idle tuned', 'stack idle plain', 'stack idle tuned', 'stack busy plain', 'stack busy tuned'
  ])
})
