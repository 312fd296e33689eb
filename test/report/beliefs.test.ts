import test from 'ava'
import type { WireName } from '../../src/experiment/unit.ts'
import { agreementSentence } from '../../src/report/agreement-sentences.ts'
import { analyse } from '../../src/report/analysis.ts'
import { beliefCause, beliefReason, beliefSentence } from '../../src/report/belief-sentences.ts'
import { judgeBelief } from '../../src/report/beliefs.ts'
import type { ArmEvidence, Belief, MetricBelief } from '../../src/report/beliefs.ts'
import type { ResultsData } from '../../src/results/data.ts'
import type { Transfer } from '../../src/stats/transfer.ts'
import { syntheticResults } from './fixtures/results.ts'

const three = syntheticResults({ simSeeds: 4, stackSeeds: 3, tcpSeeds: 3 })

/** The one metric of the case `cold-dial`, whose samples take what `value` says on each wire in each arm and run. */
function coldDial (value: (wire: WireName, arm: string, seed: string) => number, from: ResultsData = three): MetricBelief {
  const units = from.units.map((unit) => unit.case === 'cold-dial'
    ? { ...unit, samples: unit.samples.map((sample) => ({ ...sample, value: value(unit.wire, unit.arm, unit.seed) })) }
    : unit)
  const belief = analyse({ run: from.run, units }).beliefs.find((one) => one.case.name === 'cold-dial')
  if (belief === undefined) {
    throw new Error('the fixture has a cold dial')
  }
  return belief
}

const halved = (arm: string): number => arm === 'plain' ? 1 : 0.5

test('medians and effects that agree are believed', (t) => {
  const belief = coldDial((wire, arm) => (wire === 'sim' ? 100 : 103) * halved(arm))
  t.like(belief, { belief: 'all', model: 'sim', reference: 'tcp' })
  t.deepEqual(belief.arms.map(({ seeds }) => seeds), [3, 3, 3, 3])
  t.is(beliefReason(belief), '4 medians differ by 2.9% at most, 3 effects agree')
})

test('a metric is held to a wire that has its baseline, where any has', (t) => {
  const without = (wires: readonly WireName[]): ResultsData => ({ ...three, units: three.units.filter(({ wire, arm }) => !wires.includes(wire) || arm !== 'plain') })
  const values = (wire: WireName, arm: string): number => (wire === 'sim' ? 100 : 103) * halved(arm)
  t.like(coldDial(values, without(['tcp'])), { belief: 'all', model: 'sim', reference: 'stack' })
  t.like(coldDial(values, without(['sim', 'stack', 'tcp'])), { belief: 'all', reference: 'tcp' })
})

test('values that are 30% off are not believed, but what is concluded from their ratios is', (t) => {
  const belief = coldDial((wire, arm) => (wire === 'sim' ? 70 : 100) * halved(arm))
  t.is(belief.belief, 'effects')
  t.is(beliefReason(belief), '3 effects agree; dial every request: 35 ms simulated, 50 ms real (-30%)')
})

test('a gain that is another one on real peers is believed in its direction', (t) => {
  const belief = coldDial((wire, arm) => arm === 'plain' ? 100 : wire === 'sim' ? 20 : 70)
  t.is(belief.belief, 'direction')
  t.is(beliefReason(belief), 'dial every request: -80% simulated, -30% real')
})

test('a gain that is a loss on real peers is not believed', (t) => {
  const belief = coldDial((wire, arm) => arm === 'plain' ? 100 : wire === 'sim' ? 50 : 150)
  t.is(belief.belief, 'nothing')
  t.is(beliefReason(belief), 'dial every request: -50% simulated, +50% real')
})

test('a single real run on the other side of what twenty simulated ones scatter by is not believed, within that it settles nothing', (t) => {
  const one = syntheticResults({ simSeeds: 20, tcpSeeds: 1 })
  // Real: 20% more. Simulated: from 80% less on the seed that both have in equal steps to 70% less, or to 40% more.
  const scattered = (byMs: number): MetricBelief => coldDial((wire, arm, seed) => arm === 'plain' ? 100 : wire === 'tcp' ? 120 : 20 + byMs * Number(seed.split('/')[1]) / 19, one)
  t.is(scattered(10).belief, 'nothing')
  t.is(beliefReason(scattered(10)), 'dial every request: -80% [one run] simulated, +20% [one run] real; all single runs simulated: -75% [-80, -70]')
  t.is(scattered(120).belief, 'open')
})

test('arms that change places are not believed, although both are better than the baseline', (t) => {
  const times: Record<string, number> = { 'dial-every-request': 100, plain: 100, pool: 20, 'pool-timeouts': 60 }
  const swapped: Record<string, number> = { ...times, pool: 60, 'pool-timeouts': 20 }
  const belief = coldDial((wire, arm) => (wire === 'sim' ? times : swapped)[arm])
  t.is(belief.belief, 'nothing')
  t.is(beliefReason(belief), 'pool is below pool + timeouts simulated, above it real')
})

test('where no arms are compared, only values can be believed', (t) => {
  const trips = (factor: number): Belief[] => {
    const units = three.units.map((unit) => unit.case === 'round-trips' && unit.wire === 'sim'
      ? { ...unit, samples: unit.samples.map((sample) => ({ ...sample, value: sample.value * factor })) }
      : unit)
    return analyse({ run: three.run, units }).beliefs.filter(({ case: { name } }) => name === 'round-trips').map(({ belief }) => belief)
  }
  t.deepEqual(trips(1), ['all', 'all'])
  t.deepEqual(trips(0.8), ['nothing', 'nothing'])
})

test('values within a promised limit are believed, however large the difference is in percent', (t) => {
  const value = (wire: WireName): number => wire === 'tcp' ? 10 : 7
  t.is(coldDial(value).belief, 'effects')
  const { run } = three
  const agreement = run.experiment.arms.map(({ name }) => ({ case: 'cold-dial', metric: 'dial-p50', arm: name, limitMs: 3 }))
  t.is(coldDial(value, { ...three, run: { ...run, experiment: { ...run.experiment, agreement } } }).belief, 'all')
})

/** The failed first requests, of which so many a run are made and so many fail on each wire in each arm. */
function failedRequests (failed: (wire: WireName, arm: string) => number, requests: (arm: string) => number = () => 400): MetricBelief {
  const units = three.units.map((unit) => unit.case === 'first-address-dead'
    ? { ...unit, samples: Array.from({ length: requests(unit.arm) }, (_, index) => ({ ...unit.samples[0], ok: index >= failed(unit.wire, unit.arm) })) }
    : unit)
  const belief = analyse({ run: three.run, units }).beliefs.find(({ case: { name }, metric }) => name === 'first-address-dead' && metric.name === 'failed-share')
  if (belief === undefined) {
    throw new Error('the fixture has failed requests')
  }
  return belief
}

test('shares are the same within a quarter of the reference\'s: that all failures are gone is not that half of them are', (t) => {
  // From 5% to nothing in simulation; on real peers to 0.5%, 1% and 3%.
  const gone = (left: number): MetricBelief => failedRequests((wire, arm) => arm === 'plain' ? 20 : wire === 'tcp' ? left : 0)
  t.is(gone(2).belief, 'all')
  t.is(gone(4).belief, 'effects')
  t.is(gone(12).belief, 'direction')
  t.is(beliefReason(gone(12)), 'dial every request: -100% simulated, -40% real')
})

test('half a point of a share is no difference, nor is what one request makes of it', (t) => {
  const more = (failures: number, requests: number): Belief => failedRequests((wire) => wire === 'tcp' ? failures : 0, () => requests).belief
  // Half a point of 400 requests are two; one of 60 requests is 1.7 points.
  t.deepEqual([more(2, 400), more(3, 400), more(1, 60), more(2, 60)], ['all', 'effects', 'all', 'effects'])
})

test('how much one request makes is asked of the arms that are compared, not of another that made few', (t) => {
  // Six of 400 requests fail with the pool on real peers, none in simulation; of forty that careless code makes one would be two and a half points.
  const belief = failedRequests((wire, arm) => wire === 'tcp' && arm === 'pool' ? 6 : 0, (arm) => arm === 'dial-every-request' ? 40 : 400)
  t.deepEqual(belief.arms.map(({ arm: { name }, close }) => [name, close]), [['dial-every-request', true], ['plain', true], ['pool', false], ['pool-timeouts', true]])
  t.is(belief.belief, 'nothing')
  // Of what these forty requests are held to it is no difference.
  t.is(failedRequests((wire, arm) => wire === 'tcp' && arm === 'dial-every-request' ? 1 : 0, (arm) => arm === 'dial-every-request' ? 40 : 400).belief, 'all')
})

test('large shares are the same within five points', (t) => {
  const off = (failures: number): Belief => failedRequests((wire) => wire === 'tcp' ? failures : 160).belief
  t.deepEqual([off(180), off(181)], ['all', 'effects'])
})

test('the rule takes the gravest of its evidence', (t) => {
  const arm = (close: boolean, transfer?: Transfer): Pick<ArmEvidence, 'close' | 'effect'> => {
    const effect = { pairs: 3, baselineMean: 1, armMean: 1, difference: { estimate: 0, low: 0, high: 0 }, pValue: 1, superiority: 0.5 }
    return transfer === undefined ? { close } : { close, effect: { model: effect, reference: effect, transfer } }
  }
  t.is(judgeBelief([], false), 'unchecked')
  t.is(judgeBelief([arm(true)], false), 'all')
  t.is(judgeBelief([arm(true, 'same'), arm(false, 'same')], false), 'effects')
  t.is(judgeBelief([arm(true, 'same'), arm(true, 'direction')], false), 'direction')
  t.is(judgeBelief([arm(true, 'same'), arm(true, 'direction')], true), 'nothing')
  t.is(judgeBelief([arm(true, 'direction'), arm(true, 'unsettled')], true), 'open')
  t.is(judgeBelief([arm(true, 'unsettled'), arm(true, 'different')], false), 'nothing')
})

test('with the stack between, the difference is laid at one door, the other, or both', (t) => {
  const cause = (sim: number, stack: number, tcp: number): string | undefined => beliefCause(coldDial((wire) => ({ sim, stack, tcp })[wire]))
  t.is(cause(80, 99, 100), 'the session model (simulated against stack -19%, stack against real -1.0%)')
  t.is(cause(80, 80, 100), 'computing and the kernel (simulated against stack 0%, stack against real -20%)')
  t.is(cause(80, 90, 100), 'both (simulated against stack -10%, stack against real -10%)')
  t.is(cause(100, 100, 100), undefined)
  const two = syntheticResults({ simSeeds: 3, tcpSeeds: 3 })
  t.is(beliefCause(coldDial((wire) => wire === 'sim' ? 80 : 100, two)), undefined)
})

test('without real peers the stack is what the simulation is held to', (t) => {
  const stack = syntheticResults({ simSeeds: 3, stackSeeds: 3, tcpSeeds: 0 })
  const analysis = analyse(stack)
  t.true(analysis.beliefs.every(({ model, reference }) => model === 'sim' && reference === 'stack'))
  t.regex(beliefSentence(analysis, stack), /agrees? with the stack/)
  t.regex(agreementSentence(analysis, stack), /^Times at the median differ by 0\.\d% \(median over 18 comparisons of the simulation with the stack; .* No real peers ran\.$/)
})

test('what real peers did not run is told apart from what they did', (t) => {
  const units = three.units.filter(({ wire, case: name }) => wire !== 'tcp' || name !== 'cold-dial')
  const analysis = analyse({ run: three.run, units })
  const ofReal = analysis.beliefs.filter(({ reference }) => reference === 'tcp')
  t.true(ofReal.length < analysis.beliefs.length)
  t.regex(beliefSentence(analysis, three), new RegExp(`^The simulation can be believed for this question in part: of ${ofReal.length} metrics the simulation agrees with real peers on \\d in medians and effects\\. Too few runs to tell: .*\\. Held to the stack alone, which has the same TCP, the simulation agrees on one further in medians and effects\\.$`))
})

test('what only the stack checks, and contradicts, leaves a part of the question open, though real peers agree', (t) => {
  const units = three.units.filter(({ wire, case: name }) => wire !== 'tcp' || name !== 'cold-dial').map((unit) => {
    const apart = unit.case === 'cold-dial' && unit.wire === 'stack' && unit.arm !== 'plain'
    return { ...unit, samples: unit.samples.map((sample) => ({ ...sample, value: apart ? 300 : 100, ok: true })) }
  })
  const analysis = analyse({ run: three.run, units })
  t.regex(beliefSentence(analysis, three), /^The simulation can be believed for this question in part: the 8 metrics that real peers ran agree with real peers in medians and effects\. Held to the stack alone, which has the same TCP, the simulation agrees on none of 1 further metric\. (Not to be believed|Too few runs to tell): .*\.$/)
})

test('runs that failed on real peers leave the stack as the reference', (t) => {
  const units = three.units.map((unit) => unit.wire === 'tcp' && unit.case === 'cold-dial' ? { ...unit, error: { code: 'ERR_UNSUPPORTED', message: '' } } : unit)
  const { beliefs } = analyse({ run: three.run, units })
  t.deepEqual([...new Set(beliefs.filter(({ case: { name } }) => name === 'cold-dial').map(({ reference }) => reference))], ['stack'])
})

test('a simulation that nothing checked is not believed, and the sentence says how to check it', (t) => {
  const alone = syntheticResults({ simSeeds: 3, tcpSeeds: 0 })
  const analysis = analyse(alone)
  t.true(analysis.beliefs.every(({ belief }) => belief === 'unchecked'))
  t.is(beliefSentence(analysis, alone), 'Not validated on real peers: run `twinwire validate connection-setup`.')
  const units = three.units.map((unit) => unit.wire === 'sim' ? unit : { ...unit, error: { code: 'ERR_TIMEOUT', message: '' } })
  const failed = { run: three.run, units }
  t.is(beliefSentence(analyse(failed), failed), 'Not validated: no seed ran well on two wires.')
})

test('a metric in which the wires differ by design gets no verdict', (t) => {
  const { run, units } = three
  const cases = run.experiment.cases.map((one) => ({ ...one, metrics: one.metrics.map((metric) => ({ ...metric, wireSpecific: true })) }))
  t.deepEqual(analyse({ run: { ...run, experiment: { ...run.experiment, cases, thresholds: [] } }, units }).beliefs, [])
})

test('the sentence over all metrics names what is not to be relied on', (t) => {
  const saying = (change: (belief: MetricBelief, index: number) => Belief): string => {
    const analysis = analyse(three)
    return beliefSentence({ ...analysis, beliefs: analysis.beliefs.map((belief, index) => ({ ...belief, belief: change(belief, index) })) }, three)
  }
  t.is(saying(() => 'all'), 'The simulation can be believed for this question: all 9 metrics agree with real peers in medians and effects.')
  t.is(saying((_, index) => index === 0 ? 'effects' : 'all'), 'Effects can be believed for this question, values not everywhere: of 9 metrics the simulation agrees with real peers on 8 in medians and effects, 1 in effects only.')
  t.regex(saying((_, index) => index === 0 ? 'direction' : 'all'), /^Which arm is better can be believed for this question, by how much not everywhere: /)
  t.is(saying((_, index) => index < 2 ? 'nothing' : index === 2 ? 'open' : 'all'), 'The simulation can be believed for this question in part: of 9 metrics the simulation agrees with real peers on 6 in medians and effects. ' +
    'Not to be believed: round trips, dial at 80 ms; round trips, warm echo at 80 ms. Too few runs to tell: cold dial, median dial.')
  t.regex(saying(() => 'nothing'), /^The simulation cannot be believed for this question: of 9 metrics none is known to agree with real peers\. Not to be believed: .*; and 6 more\.$/)
})
