import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import type { Analysis } from '../../src/report/analysis.ts'
import { countedEffects, countedGoals } from '../../src/report/counted.ts'
import type { Bounds, ComparisonVerdict, Finding } from '../../src/report/findings.ts'
import { largestGain, largestGainText } from '../../src/report/largest-gain.ts'
import { moduleClauses } from '../../src/report/module-sentences.ts'
import { moduleVerdicts } from '../../src/report/module-verdicts.ts'
import { againstRivals } from '../../src/report/rivals.ts'
import { effectsOf, leadingFindings } from '../../src/report/sentences.ts'
import type { Effect } from '../../src/report/sentences.ts'
import { headline, subjectOf } from '../../src/report/headline.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { MODULES } from '../../src/experiment/definition.ts'
import type { Arm, Metric } from '../../src/experiment/definition.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { fullResults } from './fixtures/full.ts'

const results = fullResults({ simSeeds: 14, stackSeeds: 0, tcpSeeds: 0, holes: 0 })

/** The same, with more metrics of every case's requests. */
function withMetrics (...more: Metric[]): ResultsData {
  const { run, units } = results
  const cases = run.experiment.cases.map((theCase) => theCase.metrics.some(({ sample }) => sample === 'request') ? { ...theCase, metrics: [...theCase.metrics, ...more] } : theCase)
  return { units, run: { ...run, experiment: { ...run.experiment, cases } } }
}

const request = results.run.experiment.cases[0].metrics[0]
const twice: Metric = { ...request, name: 'request-again', title: 'The same again' }
const rival: Metric = { ...request, name: 'request-rival', title: 'The same, against the pool', baseline: 'connectionPool' }

function goals (of: ResultsData): string[] {
  const analysis: Analysis = analyse(of)
  return countedGoals(effectsOf(leadingFindings(of, analysis))).map(({ finding, arm }) => `${finding.case.name} ${finding.metric.name} ${arm.arm.name}`)
}

test('a tally counts one measurement of an arm once, and against the experiment\'s baseline alone', (t) => {
  const counted = goals(results)
  // Two cases with two goals each, of six arms: sweeps and the idle link do not count.
  t.is(counted.length, 2 * 2 * 6)
  t.deepEqual(goals(withMetrics(twice, rival)), counted)
})

test('neither headline nor modules change their counts with a rival\'s metrics', (t) => {
  const more = withMetrics(twice, rival)
  const analysis = analyse(more)
  const counts = (verdicts: ReturnType<typeof moduleVerdicts>): number[][] => verdicts.map(({ goals, swept, costs, withoutGain }) => [goals, swept, costs, withoutGain].map(({ length }) => length))
  t.deepEqual(counts(moduleVerdicts(more, analysis)), counts(moduleVerdicts(results, analyse(results))))
  t.is(/of (\d+) goals/.exec(headline(more, analysis))?.[1], /of (\d+) goals/.exec(headline(results, analyse(results)))?.[1])
})

test('where every metric names its baseline, all count', (t) => {
  const { run, units } = results
  const named: ResultsData = { units, run: { ...run, experiment: { ...run.experiment, cases: run.experiment.cases.map((theCase) => ({ ...theCase, metrics: theCase.metrics.map((metric) => ({ ...metric, baseline: 'plain' })) })) } } }
  const effects = effectsOf(leadingFindings(named, analyse(named)))
  t.is(countedEffects(effects).length, effects.length)
  t.deepEqual(goals(named), goals(results))
})

const plainArm: Arm = { name: 'plain', title: 'Plain', description: '' }
const armWith = (name: string, modules?: Arm['modules']): Arm => ({ ...plainArm, name, ...(modules === undefined ? {} : { modules }) })

test('an experiment is about the arm that it declares, else the full stack, else its only arm with modules', (t) => {
  const [pool, batching, full, byHand] = [armWith('pool', ['connectionPool']), armWith('batching', ['messageBatching']), armWith('full', MODULES), armWith('by-hand')]
  t.is(subjectOf({ arms: [plainArm, pool, batching, full], subject: 'batching' }), batching)
  t.is(subjectOf({ arms: [plainArm, pool, full] }), full)
  t.is(subjectOf({ arms: [plainArm, byHand, pool] }), pool)
  t.is(subjectOf({ arms: [plainArm, pool, batching] }), undefined)
})

test('the headline is about the subject though another arm did more, and its largest gain stands beside what real peers say otherwise', (t) => {
  const declared = (subject: string, of: ResultsData = results): ResultsData => ({ ...of, run: { ...of.run, experiment: { ...of.run.experiment, subject } } })
  const batching = declared('messageBatching')
  t.regex(headline(batching, analyse(batching)), /^Batching against plain libp2p: /)
  const checked = declared('connectionPool', fullResults({ simSeeds: 14, stackSeeds: 0, tcpSeeds: 3, holes: 0 }))
  t.regex(headline(checked, analyse(checked)), /largest gain, which was held to no rival: first address dead, request, p99: [^(]* in simulation\.$/)
  // Real peers need as long with the pool as without it.
  const slower = { ...checked, units: checked.units.map((unit) => unit.wire === 'tcp' && unit.arm === 'connectionPool'
    ? { ...unit, samples: unit.samples.map((sample) => sample.metric === 'request' ? { ...sample, value: sample.value * 14 } : sample) }
    : unit) }
  t.regex(headline(slower, analyse(slower)), /largest gain, which real peers contradict and was held to no rival: first address dead, request, p99: -9\d.* in simulation \(on real peers [+-]\d.*\)\.$/)
})

test('a gain that real peers contradict is passed over where there is another, and else marked, in the headline, for each module and in the summary', async (t) => {
  const { run, units } = fullResults({ simSeeds: 14, stackSeeds: 0, tcpSeeds: 3, holes: 0 })
  // On real peers every arm but the baseline is slow.
  const worse = { run, units: units.map((unit) => unit.wire === 'tcp' && unit.arm !== 'plain' ? { ...unit, samples: unit.samples.map((sample) => sample.metric === 'request' ? { ...sample, value: sample.value * 20 } : sample) } : unit) }
  const analysis = analyse(worse)
  t.regex(headline(worse, analysis), /largest gain that real peers do not contradict, which was held to no rival: (?!first address dead, request|brown-out, request).* in simulation/)
  const verdicts = new Map(moduleVerdicts(worse, analysis).map((verdict) => [verdict.subject, verdict]))
  // The pool has no other; timeouts have the share of failures.
  t.like(verdicts.get('connectionPool')?.largestGain, { contradicted: 'all', effect: { finding: { metric: { name: 'request' } } } })
  t.like(verdicts.get('adaptiveTimeouts')?.largestGain, { contradicted: 'none', effect: { finding: { metric: { name: 'failed' } } } })
  t.regex(moduleClauses(verdicts.get('connectionPool')!), /\(most, which real peers contradict and was held to no rival: first address dead, request, p99 -9\d/)
  const page = await renderSummary([{ results: worse, analysis, href: 'worse.html' }])
  const row = (module: string): string => new RegExp(`<th scope="row">${module} [^]*?</tr>`).exec(page)?.[0] ?? ''
  t.true(row('Connection pool').includes('which real peers contradict and was held to no rival</small></td>'))
  t.false(row('Adaptive timeouts').includes('contradict'))
})

/** The pool's arm is somebody who does by hand what it does, and has a tenth fail in a brown-out, where a fifth does with plain libp2p; goals are held to it, too: in these cases. */
function withByHand (...cases: readonly string[]): ResultsData {
  const { units, run } = withMetrics()
  const { experiment } = run
  const mended = units.map((unit) => unit.arm === 'connectionPool' && unit.case === 'brown-out'
    ? { ...unit, samples: unit.samples.map((sample, index) => sample.metric === 'request' ? { ...sample, ok: index % 10 !== 0 } : sample) }
    : unit)
  return { units: mended, run: { ...run, experiment: {
    ...experiment,
    arms: experiment.arms.map((arm) => arm.name === 'connectionPool' ? { ...plainArm, name: arm.name, title: 'By hand' } : arm),
    cases: experiment.cases.map((theCase) => cases.includes(theCase.name) ? { ...theCase, metrics: [...theCase.metrics, rival, { ...theCase.metrics[1], name: 'failed-rival', baseline: 'connectionPool' }] } : theCase)
  } } }
}

test('the largest gain is one over rivals, too, where there is such a one, and goals are counted against rivals', async (t) => {
  const both = withByHand('address-dead', 'brown-out')
  const analysis = analyse(both)
  const full = moduleVerdicts(both, analysis).find(({ subject }) => subject === 'fullStack')!
  // By hand as much is had of a dead address, where nothing fails, and half in a brown-out, in which too much fails to say what a request takes.
  t.deepEqual(full.rivalled, ['as good', 'not known', 'better'])
  t.like(full.largestGain, { rivals: 'larger', contradicted: 'none', effect: { finding: { case: { name: 'brown-out' }, metric: { name: 'failed' } } } })
  t.regex(headline(both, analysis), /; against rivals 1 of 3 better, none worse, 1 not known; .*; largest gain that is one over rivals, too: brown-out, failed requests/)
  t.regex(moduleClauses(full), /\(the most that is one over rivals, too: brown-out, failed requests/)
  const page = await renderSummary([{ results: both, analysis, href: 'both.html' }])
  t.regex(page, /<small class="line">against rivals 1 of 3 better, none worse, 1 not known<\/small>/)
  t.regex(page, /<small class="line">the largest that is one over rivals, too<\/small>/)
})

/** What the full stack gained where an address is dead, with what it did against others there: their verdicts. */
function againstOthers (...verdicts: ComparisonVerdict[]): { readonly effect: Effect, readonly evidence: Pick<Analysis, 'beliefs' | 'findings'> } {
  const analysis = analyse(results)
  const effect = effectsOf(analysis.findings).find(({ arm, finding }) => arm.arm.name === 'full' && finding.case.name === 'address-dead' && finding.metric.name === 'request')!
  const { finding: own, arm, comparison } = effect
  const byHand = (index: number): Finding['arms'][number] => ({ ...own.arms[0], arm: armWith(`by-hand-${index}`) })
  // Each is better than the common baseline.
  const finding = { ...own, arms: [...own.arms, ...verdicts.map((_, index) => ({ ...byHand(index), comparison: { ...comparison, verdict: 'improved' as const } }))] }
  const rivals = verdicts.map((verdict, index): Finding => ({
    ...finding, metric: { ...finding.metric, name: `request-${index}` }, baseline: `by-hand-${index}`, arms: [byHand(index), { ...arm, comparison: { ...comparison, verdict } }]
  }))
  return { effect: { ...effect, finding }, evidence: { beliefs: analysis.beliefs, findings: [finding, ...rivals] } }
}

test('better than rivals is better than all of them, worse is worse than one, and as good takes that all is known', (t) => {
  const outcome = (...verdicts: ComparisonVerdict[]): string | undefined => {
    const { effect, evidence } = againstOthers(...verdicts)
    return againstRivals(effect, evidence)
  }
  t.is(outcome(), undefined)
  t.is(outcome('improved', 'improved'), 'better')
  t.is(outcome('improved', 'no meaningful change'), 'as good')
  t.is(outcome('no meaningful change', 'inconclusive'), 'not known')
  t.is(outcome('improved', 'saturated'), 'not known')
  t.is(outcome('improved', 'inconclusive', 'regressed'), 'worse')
})

test('who is no better than the common baseline as far as is known, or has modules, is no rival', (t) => {
  const { effect, evidence } = againstOthers('improved')
  const { finding, comparison } = effect
  const own = (verdict: ComparisonVerdict, bounds?: Bounds): Effect => ({ ...effect, finding: { ...finding, arms: finding.arms.map((one) => one.arm.name === 'by-hand-0' ? { ...one, comparison: { ...comparison, verdict, ...bounds === undefined ? {} : { bounds } } } : one) } })
  t.is(againstRivals(own('improved'), evidence), 'better')
  // Too much failed with the baseline, and not with the rival.
  t.is(againstRivals(own('saturated', { baseline: 0.2 }), evidence), 'better')
  t.is(againstRivals(own('saturated', { arm: 0.2 }), evidence), undefined)
  t.is(againstRivals(own('no meaningful change'), evidence), undefined)
  // Of whom that is not known it is nothing to be better, and something to be worse.
  for (const unknown of [own('inconclusive'), own('saturated', { baseline: 0.2, arm: 0.2 })]) {
    t.is(againstRivals(unknown, evidence), 'not known')
    t.is(againstRivals(unknown, againstOthers('regressed').evidence), 'worse')
  }
  t.is(againstRivals(own('regressed'), evidence), undefined)
  const [, { arms: [first, ...others], ...rival }] = evidence.findings
  t.is(againstRivals(effect, { findings: [{ ...rival, arms: [{ ...first, arm: armWith('by-hand-0', ['connectionPool']) }, ...others] }] }), undefined)
})

test('where no gain is one over rivals, the largest says what is known of it', (t) => {
  const text = (...verdicts: ComparisonVerdict[]): string => {
    const { effect, evidence } = againstOthers(...verdicts)
    return largestGainText(largestGain([effect], () => evidence)!)
  }
  t.is(text(), ', which was held to no rival')
  t.is(text('improved'), '')
  t.is(text('no meaningful change'), ', which a rival has, too')
  t.is(text('regressed'), ', which a rival has, too')
  t.is(text('inconclusive'), ', which is not known to be more than a rival has')
  // Another, smaller one was held to rivals, in vain.
  const { effect, evidence } = againstOthers('no meaningful change')
  const unheld: Effect = { ...effect, finding: { ...effect.finding, metric: { ...effect.finding.metric, name: 'other', sample: 'other' } }, comparison: { ...effect.comparison, relative: { estimate: -0.99, low: -0.99, high: -0.99 } } }
  t.is(largestGainText(largestGain([effect, unheld], () => evidence)!), ', which was held to no rival')
})

test('what is inconclusive, or not measured, where nothing can be gained is not counted as nothing lost', (t) => {
  const analysis = analyse(results)
  const pool = moduleVerdicts(results, analysis).find(({ subject }) => subject === 'connectionPool')!
  const [first, ...others] = pool.withoutGain
  const withOpen = (count: number, verdict: ComparisonVerdict = 'inconclusive'): string => moduleClauses({ ...pool, withoutGain: [first, ...others].map((effect, index) => index < count ? { ...effect, comparison: { ...effect.comparison, verdict } } : effect) })
  t.regex(withOpen(0), /nothing is lost in 2 comparisons$/)
  t.regex(withOpen(1), /nothing is lost in 1 of 2 comparisons, inconclusive in 1$/)
  t.regex(withOpen(2), /nothing is known, inconclusive in 2$/)
  t.regex(withOpen(1, 'saturated'), /nothing is lost in 1 of 2 comparisons, not measured in 1$/)
})
