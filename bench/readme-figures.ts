import type { Metric } from '../src/experiment/definition.ts'
import { isPair, LEADING_PAIRS, WIRES } from '../src/experiment/wire-pair.ts'
import type { WirePair } from '../src/experiment/wire-pair.ts'
import { CLOSE_VALUES } from '../src/report/beliefs.ts'
import { leastChangeText } from '../src/report/claim-sentences.ts'
import type { EffectTally } from '../src/report/effect-tally.ts'
import { formatBound, formatChange, formatInterval, formatPercent, formatValue, plural, typeset } from '../src/report/format.ts'
import { MODULE_TITLES } from '../src/report/module-verdicts.ts'
import { RIVALS_TEXT } from '../src/report/rivals.ts'
import type { ArmSummary, ClaimSummary, ExperimentSummary, ModuleSummary, NamedEffect, Numbers, SummaryData } from '../src/report/summary-data.ts'
import { WIRE_PLACES } from '../src/report/wire-words.ts'
import { quantile } from '../src/stats/quantile.ts'
import type { Marks } from './marked-section.ts'

/** Where in README they stand. */
export const README_MARKS: Marks = { begin: '<!-- figures of reports/summary.json: npm run readme -->', end: '<!-- end of figures -->', name: 'README.md' }

const MARKS = { met: '✓ met', partly: '◐ partly', 'not met': '✕ not met', open: '? open' } as const
const BY_BASELINE = 'by the baseline as well'
const OUTCOMES = ['met', 'partly', 'not met', 'open'] as const
/** A reading that is like the one before it but for the rival; before and after it the case may be named: `100 B: the same, against a fair rival`. */
const SAME = /^((?:.*: )?)the same(, against [^:]*)((?:: .*)?)$/
const NOTHING = '–'
/** Fewer say little of an experiment. */
const MANY_COMPARISONS = 6
const BROKEN = { threshold: 'threshold', agreement: 'limit of agreement' } as const

/** Before the tables. */
export const HOW_TO_READ = [
  'How to read the tables:',
  '',
  '- An *arm* is one configuration of libp2p, with modules or without. It is compared with its experiment\'s *baseline*, mostly plain libp2p.',
  '- A *goal* is what should get better, a *cost* what that is paid with. *Open*: the runs cannot tell.',
  `- A *rival* ${RIVALS_TEXT}.`,
  '- A promise can be measured in several ways, its *readings*. One is *met* where its whole 95% interval reaches the target, *partly* met where the arm is better for certain and does not reach it, however far it is. *Virtual* are those that no real peers ran.',
  '- Intervals stand in brackets; *one run* has none.'
].join('\n')

/** The part of README that is made of the published results, as Markdown. Links are relative to the repository's root. */
export function readmeFigures (summary: SummaryData): string {
  const { experiments } = summary
  return [HOW_TO_READ, modules(summary.modules), promises(experiments), verdicts(experiments), belief(experiments), took(summary)].filter(part => part !== '').join('\n\n')
}

/** Whether to switch a module on: what each did alone in all experiments, a row a module. */
function modules (all: readonly ModuleSummary[]): string {
  const rows = all.filter(({ module }) => module !== 'fullStack').map(({ module, experiments, goals, rivals, costs, withoutGain, gain, loss, cost }) => [
    `[${MODULE_TITLES[module]}](docs/modules.md#${MODULE_TITLES[module].toLowerCase().replaceAll(' ', '-')}), ${plural(experiments, 'experiment')}`,
    betterText(goals),
    betterText(rivals),
    `${dearerText(costs, 'dearer')}${cost === undefined ? '' : `, the largest ${named(cost)}`}`,
    dearerText(withoutGain, 'worse or dearer'),
    gain === undefined ? 'none' : named(gain),
    loss === undefined ? 'none' : named(loss)
  ])
  return rows.length === 0
    ? ''
    : [
        'Should a module be switched on? What each did alone, in all experiments that have an arm with it and nothing else, outside sweeps ([module by module](reports/index.html#modules)). When each helps is in [docs/modules.md](docs/modules.md).',
        '',
        table(['module', 'goals', 'of these against rivals', 'costs', 'where nothing can be gained', 'largest gain', 'largest loss'], rows)
      ].join('\n')
}

/** `34 of 80 better, 2 worse, 5 open` */
function betterText ({ of, better, worse, open }: EffectTally): string {
  return of === 0 ? NOTHING : `${better} of ${of} better, ${worse} worse${openText(open)}`
}

function dearerText ({ of, worse, open }: EffectTally, dearer: string): string {
  return of === 0 ? NOTHING : `${worse} of ${of} ${dearer}${openText(open)}`
}

function openText (open: number): string {
  return open === 0 ? '' : `, ${open} open`
}

/** `first address dead, request -95% [-96, -94], the largest, which a rival has, too (connection-setup)` */
function named (effect: NamedEffect): string {
  return `${typeset(effect.text)}${remarkText(effect)} ([${effect.experiment}](reports/${effect.report}#effects))`
}

function remarkText ({ remark }: { readonly remark?: string }): string {
  return remark === undefined ? '' : `, the largest${remark}`
}

interface Reading {
  readonly experiment: ExperimentSummary
  readonly claim: ClaimSummary
}

/** A row a promise, and behind it everything that it can be read as. */
function promises (experiments: readonly ExperimentSummary[]): string {
  const byPromise = [...Map.groupBy(experiments.flatMap(experiment => experiment.claims.map(claim => ({ experiment, claim }))), ({ claim }) => claim.promise)]
  if (byPromise.length === 0) {
    return ''
  }
  const readings = byPromise.reduce((sum, [, own]) => sum + own.length, 0)
  return [
    `Were the promises kept? ${keptText(byPromise.map(([, own]) => own))} Each case is shown by its hardest reading, the one with the worst outcome.`,
    table(['promise', 'met', 'partly', 'not met', 'open', 'the kindest case', 'the hardest case'], byPromise.map(([promise, own]) => {
      // A case that beats a straw man and not its fair rival is no better than that.
      const hardest = [...Map.groupBy(own, ({ experiment, claim }) => `${experiment.name} ${claim.case}`).values()].flatMap(ofCase => ofCase.toSorted(byOutcome).slice(-1))
      const ranked = hardest.toSorted(byOutcome)
      const [best, worst] = [ranked[0], ranked[ranked.length - 1]]
      return [promise, ...OUTCOMES.map(outcome => countText(own.filter(({ claim }) => claim.outcome === outcome))), readingText(best), best === worst ? 'one case only' : readingText(worst)]
    })),
    `<details><summary>Everything that they are read as: ${plural(readings, 'reading')}</summary>`,
    table(['promise', 'read as', 'arm', 'from', 'to', 'decided by', 'target', 'outcome', 'also ran'], byPromise.flatMap(([promise, own]) => own.map(reading => {
      const { from, to, decided } = found(reading)
      const { experiment, claim } = reading
      return [promise, `[${claim.reading}](reports/${experiment.report}#promises)`, claim.armTitle, from, to, decided, targetOf(reading), markOf(claim), elsewhere(reading)]
    }))),
    '</details>'
  ].join('\n\n')
}

/** How many readings are met, and how many promises in all of theirs, and in none. */
function keptText (byPromise: ReadonlyArray<readonly Reading[]>): string {
  const all = byPromise.flat()
  const counts = OUTCOMES.map(outcome => ({ outcome, count: all.filter(({ claim }) => claim.outcome === outcome).length })).filter(({ outcome, count }) => outcome === 'met' || count > 0)
  const metBy = (every: boolean): number => byPromise.filter(own => every ? own.every(({ claim }) => claim.outcome === 'met') : !own.some(({ claim }) => claim.outcome === 'met')).length
  return `Of ${plural(all.length, 'reading')} ${counts.map(({ outcome, count }) => `${count} ${count === 1 ? 'is' : 'are'} ${outcome === 'partly' ? 'partly met' : outcome}`).join(', ')}. Of ${plural(byPromise.length, 'promise')} ${metBy(true) === 0 ? 'none is' : metBy(true) === 1 ? '1 is' : `${metBy(true)} are`} met in every reading, ${metBy(false)} in none.`
}

/** How many, and how many of them no real peers ran or the baseline meets, too. */
function countText (own: readonly Reading[]): string {
  const virtual = own.filter(({ claim: { readings } }) => readings.length > 0 && readings.every(({ wire }) => wire !== 'tcp')).length
  const byBaseline = own.filter(({ claim }) => claim.byBaseline === true).length
  const remarks = [...(virtual === 0 ? [] : [`${virtual} virtual`]), ...(byBaseline === 0 ? [] : [`${byBaseline} ${BY_BASELINE}`])]
  return `${own.length}${remarks.length === 0 ? '' : ` (${remarks.join(', ')})`}`
}

/** What the other wires that ran it found, and what they make of the promise where they have the runs to say. */
function elsewhere (reading: Reading): string {
  const [, ...others] = reading.claim.readings
  return others.length === 0
    ? 'nowhere else'
    : others.map(other => `${decidedBy(reading, other)}${other.outcome === 'open' ? '' : `: ${MARKS[other.outcome]}`}`).join('; ')
}

/** From what meets its promise to what does not; of those alike the one that went farther of its way first. What is open says least of either. */
function byOutcome (a: Reading, b: Reading): number {
  const rank = ({ claim: { outcome } }: Reading): number => (['met', 'partly', 'open', 'not met'] as const).indexOf(outcome)
  return rank(a) - rank(b) || share(b) - share(a)
}

/** How much of the way from the baseline to the target was gone. */
function share ({ claim: { target, readings: [leading] } }: Reading): number {
  if (leading === undefined) {
    return 0
  }
  if ('change' in target) {
    return target.change === 0 ? 0 : leading.found[0] / target.change
  }
  const { baselineMean = 0, armMean } = leading
  return target.value === baselineMean ? 0 : (armMean - baselineMean) / (target.value - baselineMean)
}

/** `✓ met: first address dead, 6.24 s → 312 ms` */
function readingText (reading: Reading): string {
  const { experiment, claim, claim: { readings: [leading] } } = reading
  const { from, to } = found(reading)
  const values = leading === undefined ? 'no run' : from === '' ? to : `${from} → ${to}${'change' in claim.target && claim.target.change < 0 && leading.baselineMean === 0 ? ', so that there is nothing to take away' : ''}`
  return `${markOf(claim)}: [${aloneText(reading)}](reports/${experiment.report}#promises), ${values}`
}

function markOf ({ outcome, byBaseline }: ClaimSummary): string {
  return `${MARKS[outcome]}${byBaseline === true ? `, ${BY_BASELINE}` : ''}`
}

/** What is read, where no other reading stands before it: `the same, against a fair rival` says of what. */
function aloneText ({ experiment: { claims }, claim }: Reading): string {
  const { promise, case: caseName, reading } = claim
  const [, beginning = '', rival, ending = ''] = SAME.exec(reading) ?? []
  const before = claims.slice(0, claims.indexOf(claim)).findLast(one => one.promise === promise && one.case === caseName && !SAME.test(one.reading))
  if (rival === undefined || before === undefined) {
    return reading
  }
  // The case need not be named twice, nor the rival that the one before is against.
  const what = before.reading.slice(before.reading.startsWith(beginning) ? beginning.length : 0, before.reading.endsWith(ending) ? before.reading.length - ending.length : undefined)
  return `${beginning}${what.replace(/, against [^:]*$/, '')}${rival}${ending}`
}

/** What a promise is about: where the baseline was, where the arm is, and the interval that is held to the target. */
function found (reading: Reading): { from: string, to: string, decided: string } {
  const { experiment: { metrics }, claim: { case: caseName, metric, readings: [leading] } } = reading
  if (leading === undefined) {
    return { from: '', to: '', decided: 'no run' }
  }
  const unit = unitOf(metrics, caseName, metric)
  const { better, comparison } = measuredOn(reading, leading)
  const { baseline, arm } = comparison?.bounds ?? {}
  return {
    from: leading.baselineMean === undefined ? '' : typeset(formatBound(leading.baselineMean, { unit, better }, baseline)),
    to: typeset(formatBound(leading.armMean, { unit, better }, arm)),
    decided: decidedBy(reading, leading)
  }
}

type WireReading = ClaimSummary['readings'][number]

/** What is held to the target on one wire: `-95% [-96, -94] in simulation`. */
function decidedBy (reading: Reading, onWire: WireReading): string {
  const { experiment: { metrics }, claim: { case: caseName, metric, target } } = reading
  const { better, comparison } = measuredOn(reading, onWire)
  const interval = intervalOf(onWire.found)
  const text = onWire.isBound === true
    ? leastChangeText(interval, better)
    : 'change' in target && comparison?.relative !== null && comparison?.relative !== undefined ? formatChange(interval) : 'change' in target && comparison?.bounds !== undefined ? 'no size' : formatInterval(interval, unitOf(metrics, caseName, metric))
  return `${typeset(text)} ${WIRE_PLACES[onWire.wire]}`
}

function measuredOn ({ experiment: { metrics }, claim: { case: caseName, metric, arm } }: Reading, { wire }: WireReading): { readonly better: Metric['better'], readonly comparison: ArmSummary['comparison'] } {
  const summary = metrics.find(one => one.wire === wire && one.case === caseName && one.metric === metric)
  return { better: summary?.better ?? 'lower', comparison: summary?.arms.find(one => one.arm === arm)?.comparison }
}

function targetOf ({ experiment: { metrics }, claim: { target, case: caseName, metric } }: Reading): string {
  const most = metrics.find(one => one.case === caseName && one.metric === metric)?.better === 'higher' ? 'at least' : 'at most'
  return 'change' in target ? typeset(formatPercent(target.change)) : `${most} ${formatValue(target.value, unitOf(metrics, caseName, metric))}`
}

function unitOf (metrics: ExperimentSummary['metrics'], caseName: string, metric: string): Metric['unit'] {
  return (metrics.find(one => one.case === caseName && one.metric === metric)?.unit ?? 'count') as Metric['unit']
}

function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

function verdicts (experiments: readonly ExperimentSummary[]): string {
  return table(['experiment', 'who, against whom', 'goals, sweeps as well', 'against rivals', 'costs', 'where nothing can be gained', 'largest gain', 'runs', 'simulation from real peers, in times at the median'], experiments.map(experiment => {
    const { name, report, broken, agreement } = experiment
    return [
      `[${name}](reports/${report})${broken.map(({ kind, text }) => ` ✕ A [${BROKEN[kind]}](reports/${report}#thresholds) does not hold: ${typeset(text)}.`).join('')}`,
      ...leadCells(experiment),
      runs(experiment),
      agreement.filter(isOfRealPeers).map(({ median, comparisons }) => `${size(median)} over ${comparisons}`).join('')
    ]
  }))
}

/** What the arm in question did, in as many cells as that takes. */
function leadCells ({ lead, verdict }: ExperimentSummary): string[] {
  if (lead === undefined) {
    return ['', '', '', '', '', typeset(verdict)]
  }
  const { arm, mostOfAll, against, goals, rivals, costs, withoutGain, gain } = lead
  return [`${arm}${mostOfAll === true ? ', most of all arms' : ''}, against ${against}`, betterText(goals), betterText(rivals), dearerText(costs, 'dearer'), dearerText(withoutGain, 'worse or dearer'), gain === undefined ? 'none' : `${typeset(gain.text)}${remarkText(gain)}`]
}

/** Seeds on each wire, and where real peers ran whether the simulation was held to them. */
function runs ({ seeds, agreement, agreements }: ExperimentSummary): string {
  const isCompared = [...agreement, ...agreements].some(({ reference }) => reference === 'tcp')
  const isAlone = seeds.sim === undefined && seeds.stack === undefined
  return WIRES.flatMap(wire => seeds[wire] === undefined
    ? []
    : [`${seeds[wire]} ${WIRE_PLACES[wire]}${wire !== 'tcp' || isCompared ? '' : isAlone ? ' (nothing was simulated)' : ' (not compared with the simulation)'}`]).join(', ')
}

function isOfRealPeers (pair: WirePair): boolean {
  return isPair(pair, LEADING_PAIRS[0])
}

function belief (experiments: readonly ExperimentSummary[]): string {
  const figures = experiments.flatMap(({ agreement }) => agreement.filter(isOfRealPeers))
  if (figures.length === 0) {
    return 'No real peers ran.'
  }
  const medians = figures.map(({ median }) => median)
  const tails = figures.flatMap(({ p99 }) => p99 ?? [])
  const [comparisons, p99Comparisons] = [figures.reduce((sum, one) => sum + one.comparisons, 0), figures.reduce((sum, one) => sum + one.p99Comparisons, 0)]
  const isWithin = ({ median }: typeof figures[number]): boolean => median <= CLOSE_VALUES
  const many = figures.filter(({ comparisons }) => comparisons >= MANY_COMPARISONS)
  return `Of ${plural(figures.length, 'experiment')} that ran in simulation and on real peers, times at the median are within 10% in ${figures.filter(isWithin).length}${many.length === 0 ? '' : `, and in ${many.filter(isWithin).length} of the ${many.length} that have ${MANY_COMPARISONS} comparisons or more`} (each experiment's figure is its median over what was compared; over all of them it is ${size(quantile(medians, 0.5))}, at most ${size(Math.max(...medians))})${tails.length === 0 ? '' : `; at p99${p99Comparisons < comparisons ? `, of which there are ${p99Comparisons} comparisons of ${comparisons}, for what failed on both has none,` : ''} they differ by ${size(quantile(tails, 0.5))} typically and by ${size(Math.max(...tails))} at most`}.`
}

/** From the first run to the last, without the pages, which are a minute's work more. */
function took ({ tookSeconds, experiments }: SummaryData): string {
  const minutes = tookSeconds / 60
  return `${plural(experiments.length, 'experiment')}, ${plural(Math.round(minutes), 'minute')} of runs in all on the machine that their reports name: \`npm run experiments\`, and what was run again after it ([docs/runs.md](docs/runs.md)).`
}

function size (difference: number): string {
  return formatPercent(difference).replace(/^\+/, '')
}

function intervalOf ([estimate, low, high]: Numbers): { estimate: number, low: number, high: number } {
  return { estimate, low: low ?? -Infinity, high: high ?? Infinity }
}

function row (cells: readonly string[]): string {
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
