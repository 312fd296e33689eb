import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import type { Analysis } from '../../src/report/analysis.ts'
import { agreementFigures } from '../../src/report/agreement-figures.ts'
import { agreementSentence } from '../../src/report/agreement-sentences.ts'
import type { Comparison } from '../../src/report/findings.ts'
import { agreementFound, effectSentence, effectsOf, verdictText } from '../../src/report/sentences.ts'
import type { Effect } from '../../src/report/sentences.ts'
import { headline } from '../../src/report/headline.ts'
import { agreementRows, valuesByWire } from '../../src/report/wire-agreements.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { syntheticResults } from './fixtures/results.ts'

const results = syntheticResults()
const analysis = analyse(results)

function simulated (from: Analysis): Effect[] {
  return effectsOf(from.findings.filter(({ wire }) => wire === 'sim'))
}

function comparison (from: Analysis, caseName: string, metric: string, arm: string): Comparison | undefined {
  return simulated(from).find((effect) => effect.finding.case.name === caseName && effect.finding.metric.name === metric && effect.arm.arm.name === arm)?.comparison
}

test('an arm that is better on every seed has improved, one that is the same has not', (t) => {
  t.is(comparison(analysis, 'first-address-dead', 'first-p90', 'pool')?.verdict, 'improved')
  t.is(comparison(analysis, 'warm-request', 'request-p50', 'dial-every-request')?.verdict, 'regressed')
  t.is(comparison(analysis, 'cold-dial', 'dial-p50', 'pool')?.verdict, 'no meaningful change')
})

test('the baseline is compared with nothing, and a case with one arm neither', (t) => {
  t.is(comparison(analysis, 'warm-request', 'request-p50', 'plain'), undefined)
  const trips = analysis.findings.filter((finding) => finding.case.name === 'round-trips' && finding.wire === 'sim')
  t.deepEqual(trips.map(({ arms }) => arms.map(({ arm }) => arm.name)), [['plain'], ['plain']])
})

test('the same results give the same analysis, in whatever order runs came', (t) => {
  t.deepEqual(analyse({ run: results.run, units: results.units.toReversed() }), analysis)
})

test('p-values are corrected over all comparisons of a wire', (t) => {
  // 7 metrics of 3 arms; the smallest p there is for 20 pairs, 2^-19, times the 21 comparisons.
  t.is(simulated(analysis).length, 21)
  const smallest = Math.min(...simulated(analysis).map(({ comparison }) => comparison.adjustedPValue))
  t.is(smallest, 21 / 2 ** 19)
})

test('a threshold is checked against the median over simulated runs, and one that fails fails the whole', (t) => {
  t.deepEqual(analysis.thresholds.map(({ holds }) => holds), [true, true, false])
  t.false(analysis.passed)
  const { run, units } = results
  const kept = { ...run, experiment: { ...run.experiment, thresholds: run.experiment.thresholds.slice(0, 2) } }
  t.true(analyse({ run: kept, units }).passed)
})

test('a threshold that nothing can be checked with does not hold', (t) => {
  const { thresholds, passed } = analyse({ run: results.run, units: [] })
  t.true(thresholds.every(({ holds, value }) => !holds && value === undefined))
  t.false(passed)
})

test('wires are compared on common seeds only', (t) => {
  const dial = analysis.agreements.find((agreement) => agreement.case.name === 'cold-dial' && agreement.arm.name === 'pool')
  // 5 seeds of 20 dials, although 20 seeds were simulated.
  t.is(dial?.modelSamples, 100)
  t.is(dial?.referenceSamples, 100)
})

test('each two of three wires are compared on the seeds that both have', (t) => {
  const { agreements } = analyse(syntheticResults({ simSeeds: 6, stackSeeds: 4, tcpSeeds: 2 }))
  const dial = agreements.filter((agreement) => agreement.case.name === 'cold-dial' && agreement.arm.name === 'pool')
  t.deepEqual(dial.map(({ model, reference }) => [model, reference]), [['sim', 'stack'], ['stack', 'tcp'], ['sim', 'tcp']])
  // Of 20 dials a seed.
  t.deepEqual(dial.map(({ seeds, modelSamples, referenceSamples }) => [seeds.length, modelSamples, referenceSamples]), [[4, 80, 80], [2, 40, 40], [2, 40, 40]])
})

test('real runs are not lost where the stack has fewer, and a row shows those that the simulation is held to', (t) => {
  const { agreements } = analyse(syntheticResults({ simSeeds: 6, stackSeeds: 1, tcpSeeds: 3 }))
  const [row] = agreementRows(agreements.filter((agreement) => agreement.case.name === 'cold-dial' && agreement.arm.name === 'pool'))
  const both = row.pairs.find(({ model, reference }) => model === 'sim' && reference === 'tcp')!
  t.is(both.seeds.length, 3)
  const values = valuesByWire(row, 0)
  t.deepEqual([values.get('sim'), values.get('tcp')], [both.quantiles[0].model, both.quantiles[0].reference])
  t.deepEqual([...values.keys()], ['sim', 'stack', 'tcp'])
})

test('a quantile that is a failure on both wires says nothing of how far they agree, and one that is a failure on one does', (t) => {
  const whole = syntheticResults({ simSeeds: 2, stackSeeds: 0, tcpSeeds: 2 })
  const failing = (...wires: readonly string[]): ResultsData => ({
    run: whole.run,
    // The slowest fifth of all dials waits for a limit of 10 s.
    units: whole.units.map((unit) => unit.case === 'cold-dial' && wires.includes(unit.wire)
      ? { ...unit, samples: unit.samples.map((sample, index) => index % 5 === 0 ? { ...sample, ok: false, value: 10_000 } : sample) }
      : unit)
  })
  const failedAt = (results: ResultsData): number[] => [...analyse(results).agreements.find((agreement) => agreement.case.name === 'cold-dial' && agreement.arm.name === 'pool')!.failedAt]
  t.deepEqual(failedAt(failing('sim', 'tcp')), [0.9, 0.99])
  t.deepEqual(failedAt(failing('tcp')), [])
  const p99Of = (results: ResultsData): number => agreementFigures(analyse(results), { model: 'sim', reference: 'tcp' })!.p99Comparisons
  t.is(p99Of(failing('tcp')) - p99Of(failing('sim', 'tcp')), 4, 'of four arms')
})

test('a row of agreements has each wire once, the most modelled first', (t) => {
  const rows = agreementRows(analyse(syntheticResults({ simSeeds: 2, stackSeeds: 2, tcpSeeds: 2 })).agreements)
  // 2 samples of 1 arm, and 4 of 4 arms.
  t.is(rows.length, 2 + 4 * 4)
  t.true(rows.every((row) => [...valuesByWire(row, 0).keys()].join() === 'sim,stack,tcp' && row.pairs.length === 3))
})

test('what two of three wires differ by typically is laid at the session model and at computing', (t) => {
  const three = syntheticResults({ simSeeds: 3, stackSeeds: 3, tcpSeeds: 3 })
  // The fixture adds 1 ms on the stack and 2 more on real peers; half of its medians are near 80, half near 250 ms or more.
  t.regex(agreementSentence(analyse(three), three), /^Times at the median differ by \d\.\d% \(median over 18 comparisons of the simulation with real peers; within 10%\), .*\. In times at the median the simulation differs from the stack by 0\.\d% \(over 18; the session model\), the stack from real peers by 0\.\d% \(over 18; computing and the kernel\)\.$/)
})

test('arms of which neither ever succeeded are not compared: failing sooner is no gain', (t) => {
  const hopeless: ResultsData = {
    run: results.run,
    units: results.units.filter((unit) => unit.case === 'cold-dial').map((unit) => ({
      ...unit,
      samples: unit.samples.map((sample) => ({ ...sample, ok: false, reason: 'ERR_TIMEOUT', value: unit.arm === 'pool' ? 10 : 1000 }))
    }))
  }
  t.is(comparison(analyse(hopeless), 'cold-dial', 'dial-p50', 'pool'), undefined)
})

test('sentences state change, interval, both values and the verdict', (t) => {
  const effect = simulated(analysis).find(({ finding, arm }) => finding.case.name === 'first-address-dead' && arm.arm.name === 'pool')
  t.regex(effect === undefined ? '' : effectSentence(effect), /^Pool: first address dead, p90 first request -[89]\d(\.\d)?% \[-\d+(\.\d)?, -\d+(\.\d)?\] \(\d\.\d+ s -> \d+ ms\): improved\.$/)
  t.regex(headline(results, analysis), /^Pool \+ timeouts, most of all arms, against plain libp2p: \d of 7 goals better, none worse(, \d inconclusive)?, 1 not measured \(too much failed\); largest gain: .* in simulation\.$/)
})

test('the agreement names its worst, and its absence how to get it', (t) => {
  t.regex(agreementSentence(analysis, results), /^Times at the median differ by \d\.\d% \(median over 18 comparisons of the simulation with real peers; within 10%\), at p99 by \d\.\d% \(over 15\)\. The largest difference of medians, of whatever unit, is \d\.\d%: /)
  const alone = syntheticResults({ simSeeds: 3, tcpSeeds: 0 })
  t.is(agreementSentence(analyse(alone), alone), 'Not validated on real peers: run `twinwire validate connection-setup`.')
  const real = syntheticResults({ simSeeds: 0, tcpSeeds: 3 })
  t.is(agreementSentence(analyse(real), real), 'Measured on real peers alone: nothing was simulated.')
})

test('few seeds give no verdict and say how many are missing', (t) => {
  const few = syntheticResults({ simSeeds: 3, tcpSeeds: 0 })
  t.regex(headline(few, analyse(few)), /^No verdict yet: \d+ of 21 comparisons are inconclusive; about \d+ more seeds would settle the clearest\.$/)
})

test('of one run of each arm there is no verdict, and the largest difference is named', (t) => {
  const one = syntheticResults({ simSeeds: 1, tcpSeeds: 0 })
  t.regex(headline(one, analyse(one)), /^One run of each arm, too few for any verdict; the largest difference of .* from plain libp2p: .* \[one run\], from .* to .* in simulation\.$/)
})

test('so few seeds that no effect could be significant are called that, with how many are missing', (t) => {
  const few = simulated(analyse(syntheticResults({ simSeeds: 3, tcpSeeds: 0 })))
  const open = few.filter(({ comparison: { verdict } }) => verdict === 'inconclusive')
  t.true(open.length > 0)
  for (const { comparison } of open) {
    // The least p-value of 3 pairs is 1/4.
    t.regex(verdictText(comparison), /^too few seeds for a verdict( \(about \d+ more seeds?\))?$/)
  }
  // 20 pairs can reach 2^-19 times 21 comparisons: far below 5%.
  t.true(simulated(analysis).every(({ comparison: { tooFewPairs } }) => !tooFewPairs))
})

test('an arm that fails on seeds on which the baseline does not is not said to have improved, nor to have met a promise', (t) => {
  const promises = [{ promise: 'ten times faster', reading: 'first request', case: 'first-address-dead', metric: 'first-p90', arm: 'pool', target: { change: -0.8 } }]
  const seeds = syntheticResults({ simSeeds: 16, tcpSeeds: 0 })
  const found = (lost: number) => {
    const { claims: [claim], ...rest } = analyse({
      run: { ...seeds.run, experiment: { ...seeds.run.experiment, promises } },
      units: seeds.units.map((unit) => unit.arm === 'pool' && Number(unit.seed.split('/')[1]) < lost ? { ...unit, samples: [], error: { code: 'ERR_TIMEOUT', message: 'the run hung' } } : unit)
    })
    return { claim, dead: comparison({ ...rest, claims: [] }, 'first-address-dead', 'first-p90', 'pool'), cold: comparison({ ...rest, claims: [] }, 'cold-dial', 'dial-p50', 'pool') }
  }
  const [whole, holed] = [found(0), found(2)]
  t.is(whole.dead?.verdict, 'improved')
  t.is(whole.dead?.lostSeeds, undefined)
  t.is(whole.claim.outcome, 'met')
  t.is(holed.dead?.pairs, 14)
  t.is(holed.dead?.verdict, 'inconclusive')
  t.is(holed.dead === undefined ? '' : verdictText(holed.dead), 'withheld: failed on 2 seeds of the baseline')
  t.is(holed.cold?.verdict, 'inconclusive')
  t.is(holed.claim.outcome, 'open')
})

test('seeds that never ran, or on which the baseline failed as well, withhold nothing', (t) => {
  const { run, units } = syntheticResults({ simSeeds: 16, tcpSeeds: 0 })
  const isLast = ({ seed }: { readonly seed: string }): boolean => seed.endsWith('/15')
  const cut = analyse({ run, units: units.filter((unit) => unit.arm !== 'pool' || !isLast(unit)) })
  const both = analyse({ run, units: units.map((unit) => isLast(unit) ? { ...unit, samples: [], error: { code: 'ERR_TIMEOUT', message: 'the run hung' } } : unit) })
  for (const found of [cut, both]) {
    t.like(comparison(found, 'first-address-dead', 'first-p90', 'pool'), { pairs: 15, verdict: 'improved' })
  }
})

test('that an arm regressed stands, whatever it lost', (t) => {
  const { run, units } = syntheticResults({ simSeeds: 16, tcpSeeds: 0 })
  const holed = units.map((unit) => unit.arm === 'dial-every-request' && unit.seed.endsWith('/3') ? { ...unit, samples: [], error: { code: 'ERR_TIMEOUT', message: 'the run hung' } } : unit)
  t.like(comparison(analyse({ run, units: holed }), 'warm-request', 'request-p50', 'dial-every-request'), { verdict: 'regressed', lostSeeds: 1 })
})

function promising (from: ResultsData, promises: Partial<Pick<ResultsData['run']['experiment'], 'thresholds' | 'agreement'>>): Analysis {
  const { agreement: _none, ...experiment } = from.run.experiment
  return analyse({ units: from.units, run: { ...from.run, experiment: { ...experiment, thresholds: [], ...promises } } })
}

const simulatedOnly = syntheticResults({ simSeeds: 3, tcpSeeds: 0 })
/** Real values are 3 ms higher, give or take the noise of 6 ms that both wires share. */
const dial = { case: 'round-trips', metric: 'dial-80', arm: 'plain' } as const

test('an agreement that was promised is checked between medians, in milliseconds', (t) => {
  const near = promising(results, { agreement: [{ ...dial, limitMs: 10 }] })
  t.like(near.agreementThresholds[0], { checked: true, holds: true })
  t.true(near.passed)
  t.regex(agreementFound(near.agreementThresholds[0]), /^3(\.00)? ms \(24\d ms simulated, 24\d ms real\)$/)
  const far = promising(results, { agreement: [{ ...dial, limitMs: 2 }] })
  t.like(far.agreementThresholds[0], { checked: true, holds: false })
  t.false(far.passed)
})

test('without real peers an agreement and a real threshold are not checked, and fail nothing', (t) => {
  const { agreementThresholds, thresholds, passed } = promising(simulatedOnly, {
    agreement: [{ ...dial, limitMs: 0 }],
    thresholds: [{ ...dial, wire: 'tcp', limit: 0, direction: 'at-most' }]
  })
  t.like(agreementThresholds[0], { checked: false, holds: true, medians: undefined })
  t.like(thresholds[0], { checked: false, holds: true, value: undefined })
  t.true(passed)
})

test('an agreement on whose wires no common seed ran well does not hold', (t) => {
  const { run, units } = results
  t.false(promising({ run, units: units.filter(({ wire }) => wire === 'sim') }, { agreement: [{ ...dial, limitMs: 1000 }] }).passed)
})

test('a threshold is checked on the wire that it names', (t) => {
  const { thresholds } = promising(results, { thresholds: [
    { ...dial, wire: 'tcp', limit: 0, direction: 'at-least' },
    { ...dial, limit: 0, direction: 'at-least' }
  ] })
  const real = results.units.filter(({ wire, case: name }) => wire === 'tcp' && name === 'round-trips').length
  t.true(real > 0)
  t.deepEqual(thresholds.map(({ checked, holds }) => [checked, holds]), [[true, true], [true, true]])
  t.not(thresholds[0].value?.estimate, thresholds[1].value?.estimate)
})

test('an agreement is checked between the wires that it names', (t) => {
  const three = syntheticResults({ simSeeds: 3, stackSeeds: 3, tcpSeeds: 3 })
  const { agreementThresholds: [stack, sessions] } = promising(three, { agreement: [
    { ...dial, model: 'stack', reference: 'tcp', limitMs: 2.5 }, { ...dial, model: 'sim', reference: 'stack', limitMs: 0.5 }
  ] })
  // The fixture puts 1 ms between simulation and stack, 2 between stack and real peers.
  t.like(stack, { checked: true, holds: true })
  t.regex(agreementFound(stack), /^2(\.00)? ms \(24\d ms stack, 24\d ms real\)$/)
  t.like(sessions, { checked: true, holds: false })
  t.false(promising(three, { agreement: [{ ...dial, model: 'sim', reference: 'stack', limitMs: 0.5 }] }).passed)
  t.like(promising(results, { agreement: [{ ...dial, model: 'stack', limitMs: 0 }] }).agreementThresholds[0], { checked: false, holds: true })
})

test('an agreement with a wire that is no more real is refused', (t) => {
  t.throws(() => promising(results, { agreement: [{ ...dial, model: 'tcp', reference: 'stack', limitMs: 1 }] }), { code: 'ERR_INVALID_OPTION', message: /found tcp and stack/ })
})

test('what a wire cannot carry is no hole, and no promise about it is checked', (t) => {
  const { run, units } = syntheticResults({ simSeeds: 2, stackSeeds: 2, tcpSeeds: 2 })
  const cases = run.experiment.cases.map((one) => one.name === 'round-trips' ? { ...one, wires: ['stack', 'tcp'] as const } : one)
  const kept = units.filter((unit) => unit.case !== 'round-trips' || unit.wire !== 'sim')
  const analysis = analyse({
    units: kept,
    run: { ...run, experiment: { ...run.experiment, cases, agreement: [{ ...dial, limitMs: 0 }], thresholds: [{ ...dial, limit: 0, direction: 'at-most' }] } }
  })
  t.deepEqual(analysis.holes, [])
  t.true(analysis.passed)
  t.deepEqual(analysis.findings.filter((finding) => finding.case.name === 'round-trips').map(({ wire }) => wire), ['stack', 'stack', 'tcp', 'tcp'])
  t.true(analysis.beliefs.filter((belief) => belief.case.name === 'round-trips').every(({ model, reference }) => model === 'stack' && reference === 'tcp'))
})

test('an agreement about what is no time is refused', (t) => {
  t.throws(() => promising(results, { agreement: [{ case: 'silent-death', metric: 'failed-share', arm: 'plain', limitMs: 1 }] }), { code: 'ERR_INVALID_OPTION', message: /expected a metric in ms/ })
  t.throws(() => promising(results, { agreement: [{ ...dial, arm: 'nobody', limitMs: 1 }] }), { code: 'ERR_INVALID_OPTION', message: /experiment\.agreement/ })
})
