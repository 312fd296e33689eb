import test from 'ava'
import type { Experiment } from '../../src/experiment/definition.ts'
import { leadingFamilies } from '../../src/experiment/family.ts'
import { planSeeds, planUnits } from '../../src/experiment/plan.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { UnitKey } from '../../src/experiment/unit.ts'
import type { RunOutcome, RunRequest, Wire } from '../../src/wires/wire.ts'
import { FakeWire } from '../fixtures/fake-wire.ts'

const loaded = await loadExperiment('queueing', new URL('../fixtures/experiments/', import.meta.url))
const parameters = { delayMs: 80, requests: 3 }

/** Keeps what it was asked, and answers with what it is given. */
class RecordingWire implements Wire {
  readonly name = 'sim'
  readonly requests: RunRequest[] = []
  readonly #outcome: RunOutcome

  constructor (outcome: RunOutcome = { events: [], interrupted: false }) {
    this.#outcome = outcome
  }

  async run (request: RunRequest): Promise<RunOutcome> {
    this.requests.push(request)
    return this.#outcome
  }

  async stop (): Promise<void> {}
}

function unit (arm: string, seed = 's/0', caseName = 'idle'): UnitKey {
  return { wire: 'sim', case: caseName, arm, seed }
}

test('a plan has every case and arm of a seed before the next seed', t => {
  t.deepEqual(planSeeds('root', 2), ['root/0', 'root/1'])
  const units = planUnits(loaded.experiment, [{ wire: 'sim', seeds: planSeeds('root', 2) }, { wire: 'tcp', seeds: planSeeds('root', 1) }])
  t.is(units.length, 3 * 2 * 2)
  t.deepEqual(units.slice(0, 5).map(({ wire, seed, case: caseName, arm }) => [wire, seed, caseName, arm].join(' ')), [
    'sim root/0 idle plain', 'sim root/0 idle tuned', 'sim root/0 busy plain', 'sim root/0 busy tuned', 'sim root/1 idle plain'
  ])
})

test('on real peers the arms of a seed and a case are in an order that is drawn from the seed: each first in some', t => {
  const arms = ['a', 'b', 'c'].map(name => ({ ...loaded.experiment.arms[0], name }))
  const experiment = { ...loaded.experiment, arms }
  const seeds = planSeeds('root', 30)
  const orders = (wire: UnitKey['wire']): string[][] => {
    const units = planUnits(experiment, [{ wire, seeds }])
    return seeds.flatMap(seed => experiment.cases.map(({ name }) => units.filter(unit => unit.seed === seed && unit.case === name).map(({ arm }) => arm)))
  }
  const drawn = orders('tcp')
  t.deepEqual(drawn, orders('tcp'))
  t.true(drawn.every(order => order.toSorted().join('') === 'abc'))
  // Of 90 orders all six are there but once in two million times.
  t.is(new Set(drawn.map(order => order.join(''))).size, 6)
  t.deepEqual(new Set(orders('sim').map(order => order.join(''))), new Set(['abc']))
})

test('real peers may have some of a case\'s arms only, and what they have not is none of the plan, nor of its comparisons', t => {
  const cases = loaded.experiment.cases.map(theCase => ({ ...theCase, realArms: ['tuned'] }))
  const units = planUnits({ ...loaded.experiment, cases }, [{ wire: 'stack', seeds: ['root/0'] }, { wire: 'tcp', seeds: ['root/0'] }])
  const armsOn = (wire: UnitKey['wire']): Set<string> => new Set(units.filter(unit => unit.wire === wire).map(({ arm }) => arm))
  t.deepEqual(armsOn('stack'), new Set(['plain', 'tuned']))
  t.deepEqual(armsOn('tcp'), new Set(['tuned']))
  const families = (wire: UnitKey['wire']): number[] => leadingFamilies({ ...loaded.experiment, cases, promises: [] }, [{ wire, seeds: ['root/0'] }]).map(({ comparisons }) => comparisons)
  // Its baseline is the other one.
  t.deepEqual(families('tcp'), [0])
  t.true(families('stack')[0] > 0)
})

test('a case can have some of the arms only', t => {
  const [idle, busy] = loaded.experiment.cases
  const experiment = { ...loaded.experiment, cases: [{ ...idle, arms: ['tuned'] }, busy] }
  t.deepEqual(planUnits(experiment, [{ wire: 'sim', seeds: ['s/0'] }]).map(({ case: caseName, arm }) => `${caseName} ${arm}`), [
    'idle tuned', 'busy plain', 'busy tuned'
  ])
})

test('all arms of a seed meet the same network, other seeds and cases another', async t => {
  const wire = new RecordingWire()
  for (const key of [unit('plain'), unit('tuned'), unit('plain', 's/1'), unit('plain', 's/0', 'busy')]) {
    await runUnit({ loaded, parameters, unit: key, wire })
  }
  const [plain, tuned, otherSeed, otherCase] = wire.requests
  t.deepEqual(plain.scenario, tuned.scenario)
  t.notDeepEqual(plain.scenario, otherSeed.scenario)
  t.notDeepEqual(plain.scenario, otherCase.scenario)
})

test('roles are told the case and the arm beside the parameters', async t => {
  const wire = new RecordingWire()
  await runUnit({ loaded, parameters, unit: unit('tuned'), wire })
  t.like(wire.requests[0], { seed: 's/0', parameters: { ...parameters, case: 'idle', arm: 'tuned' }, rolesModule: loaded.rolesModule })
})

test('a run that went well has its samples and its trace hash, and no error', async t => {
  const result = await runUnit({ loaded, parameters, unit: unit('plain'), wire: new FakeWire('sim') })
  t.is(result.samples.length, 3)
  t.is(result.traceHash?.split(' ')[0], 's/0')
  t.false('error' in result)
})

test('a run cut short says so, whatever its roles threw because of it', async t => {
  const wire = new RecordingWire({ events: [], interrupted: true, error: { code: 'ERR_ABORTED', message: 'aborted' } })
  const { error } = await runUnit({ loaded, parameters, unit: unit('plain'), wire })
  t.is(error?.code, 'ERR_INTERRUPTED')
})

test('an experiment that throws, or describes an impossible network, fails its run only', async t => {
  const withScenario = (scenario: Experiment['cases'][number]['scenario']): typeof loaded => ({
    ...loaded, experiment: { ...loaded.experiment, cases: loaded.experiment.cases.map(theCase => ({ ...theCase, scenario })) }
  })
  const throwing = withScenario(() => { throw new RangeError('a mistake') })
  t.deepEqual((await runUnit({ loaded: throwing, parameters, unit: unit('plain'), wire: new RecordingWire() })).error, {
    code: 'RangeError', message: 'a mistake'
  })
  const impossible = withScenario(() => ({ hosts: [{ name: 'a', role: 'client' }], paths: [], limitMs: -1 }))
  const { error } = await runUnit({ loaded: impossible, parameters, unit: unit('plain'), wire: new RecordingWire() })
  t.is(error?.code, 'ERR_INVALID_OPTION')
  t.regex(error?.message ?? '', /at scenario\.limitMs; .*found -1/)
})
