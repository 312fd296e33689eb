import test from 'ava'
import { aloneStage, planStages, sharedStage } from '../../src/cli/stages.ts'
import type { RealUnits, Stage } from '../../src/cli/stages.ts'
import type { Case } from '../../src/experiment/definition.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import type { UnitKey } from '../../src/experiment/unit.ts'

const { experiment } = await loadExperiment('connection-setup', new URL('../../experiments/', import.meta.url))

/** 70% of its processors are 1.4, 40% of its memory has room for 100 processes. */
const machine = { cores: 2, memoryBytes: 25e9 }

/** So many hosts, in so many processes where they share. */
function caseOf (name: string, busyProcessors: number | undefined, hosts: number, processes = hosts, limitMs = 1_000): Case {
  const { busyProcessors: _none, ...theCase } = experiment.cases[0]
  return {
    ...theCase,
    name,
    ...busyProcessors !== undefined && { busyProcessors },
    scenario: () => ({
      hosts: Array.from({ length: hosts }, (_, index) => ({ name: `host-${index}`, role: 'idle', ...processes < hosts && { process: `process-${index % processes}` } })),
      paths: [],
      limitMs
    })
  }
}

function realUnits (seeds: number, cases: readonly Case[]): RealUnits {
  const units = cases.flatMap(({ name }) => Array.from({ length: seeds }, (_, seed): UnitKey => ({ wire: 'tcp', case: name, arm: 'plain', seed: `stages/${seed}` })))
  return { experiment: { ...experiment, cases }, parameters: {}, units }
}

function sharedOf (seeds: number, ...cases: readonly Case[]): Stage {
  return sharedStage([realUnits(seeds, cases)], machine)
}

/** How many of a case may run at a time where nothing else does, in the order in which the cases come. */
function atATime ({ units, capacity, weightOf }: Stage): Array<readonly [string, number]> {
  return [...new Map(units.map(unit => [unit.case, unit]))].map(([name, unit]) => [name, Math.floor(capacity / weightOf(unit))] as const)
}

test('real runs share the machine, as many as keep seven tenths of its processors busy', t => {
  t.deepEqual(atATime(sharedOf(28, caseOf('pair', 0.1, 2))), [['pair', 14]])
  t.deepEqual(atATime(sharedOf(30, caseOf('half', 0.5, 2))), [['half', 2]])
})

test('... or fewer where their processes would take more than four tenths of its memory', t => {
  t.deepEqual(atATime(sharedOf(30, caseOf('ten', 0.05, 10))), [['ten', 10]])
  t.deepEqual(atATime(sharedOf(30, caseOf('shared', 0.05, 100, 20))), [['shared', 5]])
})

test('runs of which nothing is said, and those that take all that there is, go alone', t => {
  const cases = [caseOf('busy', undefined, 2), caseOf('whole', 1.4, 2), caseOf('many', 0.05, 100), caseOf('pair', 0.1, 2)]
  t.deepEqual([...new Set(sharedOf(3, ...cases).units.map(unit => unit.case))], ['pair'])
  const alone = aloneStage(realUnits(3, cases), machine)
  t.deepEqual(alone.units.map(unit => unit.case), ['busy', 'busy', 'busy', 'whole', 'whole', 'whole', 'many', 'many', 'many'])
  t.deepEqual(atATime(alone), [['busy', 1], ['whole', 1], ['many', 1]])
})

test('a larger machine has more of them at a time', t => {
  const large = { cores: 8, memoryBytes: 100e9 }
  t.deepEqual(atATime(sharedStage([realUnits(80, [caseOf('pair', 0.12, 2)])], large)), [['pair', 40]])
})

test('runs of several cases, and of several experiments, share that, the longest first', t => {
  const cases = [caseOf('pair', 0.1, 2), caseOf('twenty', 0.9, 20, 20, 2_000)]
  const { units, capacity, weightOf } = sharedOf(2, ...cases)
  t.deepEqual(units.map(unit => unit.case), ['twenty', 'twenty', 'pair', 'pair'])
  // Two long ones, one after the other, and beside the first of them the short ones.
  t.true(weightOf(units[0]) + weightOf(units[2]) <= capacity)
  t.true(2 * weightOf(units[0]) > capacity)
  const [first, second] = cases.map(theCase => realUnits(2, [theCase]))
  const together = sharedStage([first, second], machine)
  t.deepEqual(together.units, [...second.units, ...first.units])
  t.is(together.weightOf(first.units[0]), weightOf(units[2]))
})

test('they go no more at a time than they need to be over as soon as they can', t => {
  t.deepEqual(atATime(sharedOf(20, caseOf('pair', 0.1, 2))), [['pair', 10]])
  t.deepEqual(atATime(sharedOf(15, caseOf('pair', 0.1, 2))), [['pair', 8]])
  t.deepEqual(atATime(sharedOf(3, caseOf('pair', 0.1, 2))), [['pair', 3]])
  // Two of the short ones beside the eight long ones, four times; with eight at a time they would come after them.
  t.deepEqual(atATime(sharedOf(8, caseOf('long', 0.1, 2, 2, 60_000), caseOf('short', 0.1, 2, 2, 10_000))), [['long', 10], ['short', 10]])
})

test('an experiment has all that is in virtual time first, then the real runs that share the machine, then those that go alone', t => {
  const cases = [caseOf('busy', undefined, 2), caseOf('pair', 0.1, 2)]
  const { units } = realUnits(2, cases)
  const virtual = (['stack', 'sim'] as const).map((wire): UnitKey => ({ wire, case: 'pair', arm: 'plain', seed: 'stages/0' }))
  const stages = planStages({ ...experiment, cases }, {}, [...units, ...virtual], { jobs: 3, machine })
  t.deepEqual(stages.map(stage => [stage.wire, stage.units.length]), [['sim', 1], ['stack', 1], ['tcp', 2], ['tcp', 2]])
  t.deepEqual(stages[2].units.map(unit => unit.case), ['pair', 'pair'])
  t.is(stages[0].capacity, 3)
  t.is(stages[0].scenarioLimitMsOf, undefined)
})

test('how long a real run lasts at most is what its scenario says, also of one that goes alone', t => {
  const real = realUnits(1, [caseOf('pair', 0.1, 2, 2, 7_000), caseOf('busy', undefined, 2, 2, 400_000)])
  const [shared, alone] = [sharedStage([real], machine), aloneStage(real, machine)]
  t.deepEqual([shared, alone].map(({ units: [unit], scenarioLimitMsOf }) => [unit.case, scenarioLimitMsOf?.(unit)]), [['pair', 7_000], ['busy', 400_000]])
})

test('a case that throws is planned alone, and its runs say what it threw', t => {
  const broken: Case = { ...caseOf('broken', 0.1, 2), scenario: () => { throw new Error('of the case') } }
  const { units, scenarioLimitMsOf } = aloneStage(realUnits(2, [broken, caseOf('pair', 0.1, 2)]), machine)
  t.deepEqual(units.map(unit => unit.case), ['broken', 'broken'])
  t.is(scenarioLimitMsOf?.(units[0]), 0)
})
