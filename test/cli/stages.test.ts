import test from 'ava'
import { planStages } from '../../src/cli/stages.ts'
import type { Case, Experiment } from '../../src/experiment/definition.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import type { UnitKey } from '../../src/experiment/unit.ts'

const { experiment } = await loadExperiment('connection-setup', new URL('../../experiments/', import.meta.url))

/** So many hosts, in so many processes where they share. */
function caseOf (name: string, waits: boolean, hosts: number, processes = hosts): Case {
  return {
    ...experiment.cases[0],
    name,
    waits,
    scenario: () => ({
      hosts: Array.from({ length: hosts }, (_, index) => ({ name: `host-${index}`, role: 'idle', ...processes < hosts && { process: `process-${index % processes}` } })),
      paths: [],
      limitMs: 1_000
    })
  }
}

function stagesOf (seeds: number, ...cases: readonly Case[]): Array<readonly [string, number]> {
  const units = cases.flatMap(({ name }) => Array.from({ length: seeds }, (_, seed): UnitKey => ({ wire: 'tcp', case: name, arm: 'plain', seed: `stages/${seed}` })))
  return planStages({ ...experiment, cases } satisfies Experiment, {}, units, 2).flatMap(({ units, lanes }) => [...new Set(units.map(unit => unit.case))].map(name => [name, lanes] as const))
}

test('real runs that mostly wait go fourteen at a time, or fewer where their processes would be more than 48; all others alone, last', t => {
  t.deepEqual(stagesOf(14, caseOf('busy', false, 2), caseOf('ten', true, 10), caseOf('pair', true, 2), caseOf('many', true, 100), caseOf('shared', true, 100, 12)), [
    ['pair', 14], ['ten', 4], ['shared', 4], ['busy', 1], ['many', 1]
  ])
})

test('they go no more at a time than their rounds need', t => {
  t.deepEqual(stagesOf(20, caseOf('pair', true, 2)), [['pair', 10]])
  t.deepEqual(stagesOf(15, caseOf('pair', true, 2)), [['pair', 8]])
  t.deepEqual(stagesOf(3, caseOf('pair', true, 2)), [['pair', 3]])
})

test('a case that throws is planned alone, and its runs say what it threw', t => {
  const broken: Case = { ...caseOf('broken', true, 2), scenario: () => { throw new Error('of the case') } }
  t.deepEqual(stagesOf(14, broken, caseOf('pair', true, 2)), [['pair', 14], ['broken', 1]])
})
