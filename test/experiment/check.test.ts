import test from 'ava'
import * as z from 'zod'
import { checkExperiment } from '../../src/experiment/check.ts'
import type { Case, Experiment } from '../../src/experiment/definition.ts'
import { experiment as queueing } from '../fixtures/experiments/queueing.ts'

const [idle, busy] = queueing.cases
const [metric] = idle.metrics
const [plain, tuned] = queueing.arms

/** Valid, and with some of everything that can be wrong. */
const experiment: Experiment = {
  ...queueing,
  cases: [
    { ...idle, sweep: { name: 'distance', levels: { rttMs: 10, loss: 0 } } },
    { ...busy, sweep: { name: 'distance', levels: { rttMs: 20, loss: 0 } } },
    { ...busy, name: 'alone', arms: ['plain'] },
    { ...busy, name: 'real-only', wires: ['tcp'] }
  ],
  promises: [{ promise: 'half the time', reading: 'the median', case: 'idle', metric: 'response-p50', arm: 'tuned', target: { change: -0.5 } }],
  sweeps: [{ name: 'distance', title: 'Distance', description: 'farther and farther', factors: [{ name: 'rttMs', title: 'Round trip', unit: 'ms' }, { name: 'loss', title: 'Loss', unit: 'share' }] }],
  precision: { halfWidth: 0.05, maximumSeeds: 100, targets: [{ case: 'busy', metric: 'response-p50', arm: 'tuned' }] }
}

const threshold = queueing.thresholds[0]
const promise = { ...experiment.promises![0] }
const withCase = (changes: Partial<Record<keyof Case, unknown>>): object => ({ cases: [{ ...experiment.cases[0], ...changes }, ...experiment.cases.slice(1)] })
const withSweep = (sweep: unknown): object => withCase({ sweep })
const target = (changes: object): object => ({ precision: { ...experiment.precision, targets: [{ ...experiment.precision!.targets[0], ...changes }] } })

test('what may be written is let through', t => {
  t.notThrows(() => checkExperiment(queueing, 'queueing.ts'))
  t.notThrows(() => checkExperiment(experiment, 'queueing.ts'))
})

const refused = test.macro({
  title: (_, path: string, about: string) => `${about} is refused, at ${path}`,
  exec (t, path: string, _about: string, changes: object, expected: RegExp, found: RegExp) {
    const error = t.throws(() => checkExperiment({ ...experiment, ...changes }, 'queueing.ts'), { code: 'ERR_INVALID_FILE' }) as unknown as { path: string, expected: string, found: string }
    t.is(error.path, `queueing.ts: experiment.${path}`)
    t.regex(error.expected, expected)
    t.regex(error.found, found)
  }
})

test(refused, 'cases', 'an experiment without cases', { cases: [] }, /at least 1/, /\[\]/)
test(refused, 'arms', 'an experiment without arms', { arms: [] }, /at least 1/, /\[\]/)
test(refused, 'cases[0].metrics', 'a case without metrics', withCase({ metrics: [] }), /at least 1/, /\[\]/)
test(refused, 'cases[0].arms', 'a case of no arms', withCase({ arms: [] }), /an arm or more/, /none/)
test(refused, 'tresholds', 'a misspelt field', { tresholds: [] }, /^thresholds /, /"tresholds"/)
test(refused, 'cases[0].scenario', 'a scenario that is no function', withCase({ scenario: {} }), /a function/, /\{\}/)
test(refused, 'cases[1].name', 'a second case of one name', { cases: [idle, idle] }, /a name of its own/, /^"idle", which experiment\.cases\[0\] has too$/)
test(refused, 'arms[1].name', 'a second arm of one name', { arms: [plain, plain] }, /a name of its own/, /"plain"/)
test(refused, 'cases[0].metrics[1].name', 'a second metric of one name', withCase({ metrics: [metric, { ...metric, statistic: 'p99' }] }), /a name of its own/, /"response-p50"/)
test(refused, 'sweeps[1].name', 'a second sweep of one name', { sweeps: [experiment.sweeps![0], experiment.sweeps![0]] }, /a name of its own/, /"distance"/)
test(refused, 'sweeps[0].factors[1].name', 'a second factor of one name', { sweeps: [{ ...experiment.sweeps![0], factors: [experiment.sweeps![0].factors[0], experiment.sweeps![0].factors[0]] }] }, /a name of its own/, /"rttMs"/)
test(refused, 'cases[0].name', 'a name with capitals', withCase({ name: 'Idle' }), /lower-case words joined by dashes/, /"Idle"/)
test(refused, 'subject', 'a subject that is no arm', { subject: 'tune' }, /^tuned /, /"tune"/)
test(refused, 'subject', 'a subject that is compared with nothing', { subject: 'plain' }, /compared with a baseline/, /"plain"/)
test(refused, 'arms[1].name', 'a name with a blank', { arms: [plain, { ...tuned, name: 'well tuned' }] }, /lower-case words/, /"well tuned"/)
test(refused, 'cases[0].metrics[0].name', 'a name that ends in a dash', withCase({ metrics: [{ ...metric, name: 'response-' }] }), /lower-case words/, /"response-"/)
test(refused, 'cases[0].metrics[0].minimumEffect', 'a negative minimum effect', withCase({ metrics: [{ ...metric, minimumEffect: -0.1 }] }), /at least 0/, /-0\.1/)
test(refused, 'cases[0].metrics[0].minimumEffect', 'a minimum effect that is no number', withCase({ metrics: [{ ...metric, minimumEffect: NaN }] }), /a finite number/, /NaN/)
test(refused, 'cases[0].metrics[0].baseline', 'an unknown baseline', withCase({ metrics: [{ ...metric, baseline: 'plane' }] }), /^plain \(known are plain, tuned\)$/, /"plane"/)
test(refused, 'cases[2].metrics[0].baseline', 'a baseline that takes no part', { cases: [idle, busy, { ...experiment.cases[2], metrics: [{ ...metric, baseline: 'tuned' }] }] }, /takes part in alone: plain$/, /"tuned"/)
test(refused, 'cases[0].arms[0]', 'an unknown arm of a case', withCase({ arms: ['tund'] }), /^tuned /, /"tund"/)
test(refused, 'cases[0].arms[1]', 'an arm that is listed twice', withCase({ arms: ['plain', 'plain'] }), /once/, /"plain"/)
test(refused, 'cases[0].realArms', 'a case of no real arms', withCase({ realArms: [] }), /an arm or more/, /none/)
test(refused, 'cases[0].realArms', 'arms of real peers that there are none of', withCase({ realArms: ['plain'], wires: ['sim', 'stack'] }), /nothing where no real peers run/, /^plain where wires are sim, stack$/)
test(refused, 'cases[0].realArms[0]', 'an arm of real peers that takes no part', withCase({ arms: ['plain'], realArms: ['tuned'] }), /takes part in idle: plain$/, /"tuned"/)
test(refused, 'cases[0].realArms[1]', 'an arm of real peers that is listed twice', withCase({ realArms: ['plain', 'plain'] }), /once/, /"plain"/)
test(refused, 'thresholds[0].arm', 'a threshold of real peers about an arm that they have not', { ...withCase({ realArms: ['plain'] }), thresholds: [{ ...threshold, case: 'idle', metric: 'response-p50', arm: 'tuned', wire: 'tcp' }] }, /^an arm that takes part in idle on tcp: plain$/, /"tuned"/)
test(refused, 'cases[0].busyProcessors', 'a run that keeps no processor busy', withCase({ busyProcessors: 0 }), /greater than 0|more than 0|>0/, /0/)
test(refused, 'cases[0].busyProcessors', 'a load of real runs that there are none of', withCase({ busyProcessors: 0.1, wires: ['sim', 'stack'] }), /nothing where no real peers run/, /^0\.1 where wires are sim, stack$/)
test(refused, 'cases[0].warmUpMs', 'a negative warm-up', withCase({ warmUpMs: -1 }), /at least 0/, /-1/)
test(refused, 'cases[0].sweep.name', 'an unknown sweep', withSweep({ name: 'distanse', levels: {} }), /^distance /, /"distanse"/)
test(refused, 'cases[0].sweep.levels', 'a missing level', withSweep({ name: 'distance', levels: { rttMs: 10 } }), /a level of each factor: rttMs, loss/, /none of loss/)
test(refused, 'cases[0].sweep.levels.los', 'an unknown level', withSweep({ name: 'distance', levels: { rttMs: 10, los: 0 } }), /^loss /, /"los"/)
test(refused, 'thresholds[0].case', 'a threshold of an unknown case', { thresholds: [{ ...threshold, case: 'idel' }] }, /^idle /, /"idel"/)
test(refused, 'thresholds[0].metric', 'a threshold of an unknown metric', { thresholds: [{ ...threshold, metric: 'response-p5' }] }, /^response-p50 /, /"response-p5"/)
test(refused, 'thresholds[0].arm', 'a threshold of an unknown arm', { thresholds: [{ ...threshold, arm: 'zebra' }] }, /^one of plain, tuned$/, /"zebra"/)
test(refused, 'thresholds[0].arm', 'a threshold of an arm that takes no part', { thresholds: [{ ...threshold, case: 'alone' }] }, /takes part in alone: plain$/, /"tuned"/)
test(refused, 'agreement[0].metric', 'an agreement of what is no time', { cases: [{ ...idle, metrics: [{ ...metric, unit: 'share' }] }, busy] }, /a metric in ms/, /response-p50 in share/)
test(refused, 'agreement[0]', 'an agreement with a wire that is no more real', { agreement: [{ ...queueing.agreement![0], model: 'tcp', reference: 'stack' }] }, /an earlier model/, /tcp and stack/)
test(refused, 'promises[0].metric', 'a claim of an unknown metric', { promises: [{ ...promise, metric: 'responce-p50' }] }, /^response-p50 /, /"responce-p50"/)
test(refused, 'promises[0].arm', "a change that is claimed of the baseline", { promises: [{ ...promise, arm: 'plain' }] }, /compared with the baseline/, /"plain", the baseline itself/)
test(refused, 'precision.targets[0].case', 'a precision of an unknown case', target({ case: 'bus' }), /^busy /, /"bus"/)
test(refused, 'precision.targets[0].arm', 'a precision of the baseline', target({ arm: 'plain' }), /compared with the baseline/, /"plain"/)
test(refused, 'precision.targets[0].case', 'a precision where nothing is simulated', target({ case: 'real-only' }), /a case that runs on sim/, /real-only, which runs on tcp/)
test(refused, 'precision.halfWidth', 'a precision of nothing', { precision: { ...experiment.precision, halfWidth: 0 } }, /greater than 0/, /^0$/)
test(refused, 'repetitions.sim', 'half a repetition', { repetitions: { sim: 1.5 } }, /whole number|int/, /1\.5/)
test(refused, 'parameters.delayMs', 'a parameter without a default', { parameters: z.object({ delayMs: z.number() }) }, /a default/, /none/)
test(refused, 'parameters.delays', 'a parameter that is a list', { parameters: z.object({ delays: z.array(z.number()).default([]) }) }, /a number, a text/, /\[\]/)
test(refused, 'parameters', 'parameters that are no schema', { parameters: { delayMs: 80 } }, /a zod object/, /delayMs/)

test('what is no experiment at all is refused', t => {
  for (const nonsense of [null, 3, [], 'experiment']) {
    t.throws(() => checkExperiment(nonsense, 'queueing.ts'), { code: 'ERR_INVALID_FILE', message: /queueing\.ts: experiment; expected an object/ })
  }
})
