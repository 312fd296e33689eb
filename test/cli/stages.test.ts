import assert from 'node:assert/strict'
import test from 'ava'
import { planStages } from '../../src/cli/stages.ts'
import type { Stage } from '../../src/cli/stages.ts'
import type { Case, Experiment } from '../../src/experiment/definition.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import type { UnitKey } from '../../src/experiment/unit.ts'

const { experiment } = await loadExperiment('connection-setup', new URL('../../experiments/', import.meta.url))

/** So many hosts, in so many processes where they share. */
function caseOf (name: string, waits: boolean, hosts: number, processes = hosts, limitMs = 1_000): Case {
  return {
    ...experiment.cases[0],
    name,
    waits,
    scenario: () => ({
      hosts: Array.from({ length: hosts }, (_, index) => ({ name: `host-${index}`, role: 'idle', ...processes < hosts && { process: `process-${index % processes}` } })),
      paths: [],
      limitMs
    })
  }
}

function stageOf (seeds: number, ...cases: readonly Case[]): Stage {
  return stageOn('relay', seeds, ...cases)
}

function stageOn (tcpNetwork: 'relay' | 'namespaces', seeds: number, ...cases: readonly Case[]): Stage {
  const units = cases.flatMap(({ name }) => Array.from({ length: seeds }, (_, seed): UnitKey => ({ wire: 'tcp', case: name, arm: 'plain', seed: `stages/${seed}` })))
  const [stage, ...others] = planStages({ ...experiment, cases } satisfies Experiment, {}, units, { jobs: 2, tcpNetwork })
  assert.deepEqual([stage.wire, stage.units.length, others], ['tcp', units.length, []])
  return stage
}

/** How many of a case may run at a time where nothing else does, in the order in which the cases come. */
function atATime ({ units, capacity, weightOf }: Stage): Array<readonly [string, number]> {
  return [...new Map(units.map(unit => [unit.case, unit]))].map(([name, unit]) => [name, Math.floor(capacity / weightOf(unit))] as const)
}

test('where a process carries the packets, four of real runs that mostly wait go at a time, or fewer where their processes would be more than 48', t => {
  t.deepEqual(atATime(stageOn('namespaces', 12, caseOf('pair', true, 2))), [['pair', 4]])
  t.deepEqual(atATime(stageOn('namespaces', 12, caseOf('thirteen', true, 13))), [['thirteen', 3]])
  t.deepEqual(atATime(stageOn('namespaces', 14, caseOf('alone', false, 2))), [['alone', 1]])
})

test('real runs that mostly wait go fourteen at a time, or fewer where their processes would be more than 48; all others alone', t => {
  t.deepEqual(atATime(stageOf(14, caseOf('pair', true, 2))), [['pair', 14]])
  t.deepEqual(atATime(stageOf(14, caseOf('ten', true, 10))), [['ten', 4]])
  t.deepEqual(atATime(stageOf(14, caseOf('shared', true, 100, 12))), [['shared', 4]])
  t.deepEqual(atATime(stageOf(14, caseOf('busy', false, 2))), [['busy', 1]])
  t.deepEqual(atATime(stageOf(14, caseOf('many', true, 100))), [['many', 1]])
})

test('runs of several cases share that, the longest first, and those that go alone last', t => {
  const { units, capacity, weightOf } = stageOf(2, caseOf('busy', false, 2), caseOf('pair', true, 2), caseOf('twenty', true, 20, 20, 2_000))
  t.deepEqual(units.map(unit => unit.case), ['twenty', 'twenty', 'pair', 'pair', 'busy', 'busy'])
  // Forty of 48 processes and one of fourteen runs: the second pair begins when the first is over, and ends with the others.
  t.is(units.slice(0, 3).reduce((sum, unit) => sum + weightOf(unit), 0), capacity)
  t.is(weightOf(units[4]), capacity)
})

test('they go no more at a time than they need to be over as soon as they can', t => {
  t.deepEqual(atATime(stageOf(20, caseOf('pair', true, 2))), [['pair', 10]])
  t.deepEqual(atATime(stageOf(15, caseOf('pair', true, 2))), [['pair', 8]])
  t.deepEqual(atATime(stageOf(3, caseOf('pair', true, 2))), [['pair', 3]])
  // Two of the short ones beside the eight long ones, four times; with eight at a time they would come after them.
  t.deepEqual(atATime(stageOf(8, caseOf('long', true, 2, 2, 60_000), caseOf('short', true, 2, 2, 10_000))), [['long', 10], ['short', 10]])
})

test('how long a real run lasts at most is what its scenario says, also of one that goes alone; of a case that throws nothing is known', t => {
  const broken: Case = { ...caseOf('broken', true, 2), scenario: () => { throw new Error('of the case') } }
  const { units, scenarioLimitMsOf } = stageOf(1, caseOf('pair', true, 2, 2, 7_000), caseOf('busy', false, 2, 2, 400_000), broken)
  t.deepEqual(units.map(unit => [unit.case, scenarioLimitMsOf?.(unit)]), [['pair', 7_000], ['busy', 400_000], ['broken', 0]])
  const [simulations] = planStages(experiment, {}, [{ wire: 'sim', case: experiment.cases[0].name, arm: 'plain', seed: 'stages/0' }], { jobs: 2 })
  t.is(simulations.scenarioLimitMsOf, undefined)
})

test('a case that throws is planned alone, and its runs say what it threw', t => {
  const broken: Case = { ...caseOf('broken', true, 2), scenario: () => { throw new Error('of the case') } }
  t.deepEqual(atATime(stageOf(14, broken, caseOf('pair', true, 2))), [['pair', 14], ['broken', 1]])
})
