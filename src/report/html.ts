import { seedsOf, wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { agreementSection } from './agreement-section.ts'
import type { Analysis } from './analysis.ts'
import { claimSection } from './claim-section.ts'
import { dataSection, environmentSection, holeSection, thresholdSection } from './appendix.ts'
import { chooseDistributions, leftOutSentence } from './distribution-choice.ts'
import { courseSection } from './course-section.ts'
import { COURSE_STYLE } from './course-style.ts'
import { distributionFigures } from './distributions.ts'
import { effectTable, singleArmTable, wireSigns } from './effects.ts'
import { plural, typeset } from './format.ts'
import { armMarks, legend } from './legend.ts'
import { html } from './markup.ts'
import { methodSentences } from './method-sentences.ts'
import { moduleVerdicts } from './module-verdicts.ts'
import { noGainTable } from './no-gain-section.ts'
import { bytesLeft } from './page-budget.ts'
import { renderPage } from './page.ts'
import type { Section } from './page.ts'
import { armStyles } from './palette.ts'
import type { ArmStyle } from './palette.ts'
import { effectsOf, leadingFindings, leadingWire, lowerFirst, upperFirst } from './sentences.ts'
import { sweepSection } from './sweep-section.ts'
import { timelineFigures } from './timeline.ts'
import { tradeOffFigures } from './trade-off.ts'
import { verdictSection } from './verdict-section.ts'
import { WIRE_PLACES, WIRE_WORDS } from './wire-words.ts'

export interface RenderOptions {
  /** The results that there are to be, where `results` are only those of the seeds so far: the page loads itself anew then. */
  readonly planned?: ResultsData
}

/** Of a page whose run goes on. */
const REFRESH_SECONDS = 3

/**
 * The report as one HTML file that needs no network, from results and what was concluded of them alone: the same give the
 * same text.
 */
export async function renderReport (results: ResultsData, analysis: Analysis, { planned }: RenderOptions = {}): Promise<string> {
  const { run } = results
  const { experiment } = run
  const baseline = analysis.findings[0]?.baseline ?? experiment.arms[0].name
  const styles = armStyles(experiment.arms, baseline)
  const armLegend = legend(experiment.arms)
  const choice = chooseDistributions(results, analysis)
  const timelines = await timelineFigures(results, choice.shown, styles)
  const tradeOffs = await tradeOffFigures(results, analysis, styles)
  const withoutGain = noGainTable(moduleVerdicts(results, analysis), experiment.title)
  const sections: Section[] = [
    ...(analysis.claims.length === 0 ? [] : [{ id: 'promises', title: 'Promises', short: 'Promises', content: claimSection(analysis) }]),
    {
      id: 'effects',
      title: 'Effects',
      short: 'Effects',
      content: html`<p>Mean over runs, and change against the baseline on the same seeds. ${wiresSentence(results)} The grey band is what would not matter.</p><p class="quiet method">${methodSentences(results, analysis).map((sentence) => `${typeset(sentence)} `)}</p>${wiresOf(results).length > 1 ? wireSigns(wiresOf(results)) : undefined}${effectTable(results, analysis, styles)}${singleArmTable(analysis)}`
    },
    ...(withoutGain === undefined ? [] : [{
      id: 'no-gain',
      title: 'Where nothing can be gained',
      short: 'No gain',
      content: html`<p>Cases that are there to show what a module costs where it has nothing to do.</p>${withoutGain}`
    }]),
    {
      id: 'distributions',
      title: 'Distributions',
      short: 'Distributions',
      content: html`<p>What share of all samples was at most how long, how large or how many. Marks: median, p90, p99, p99.9 where there are samples enough. ${leftOutSentence(choice)}</p>${armLegend}<div class="figures">${await distributionFigures(results, choice.shown, styles)}</div>`
    },
    {
      id: 'timeline',
      title: 'Timeline',
      short: 'Timeline',
      content: timelines.figures.length === 0
        ? html`<p>Runs of this experiment are too short to have a course.</p>`
        : html`<p>${timelines.sentence}</p>${armLegend}<div class="figures">${timelines.figures}</div>`
    },
    ...await sweepSections(results, analysis, styles),
    ...(tradeOffs.length === 0 ? [] : [{
      id: 'trade-off',
      title: 'Gain against cost',
      short: 'Trade-off',
      content: html`<p>Means over runs with 95% intervals: what an arm gives against what it takes: of its costs the one that differs most, and no chart where none does.</p>${armLegend}<div class="figures">${tradeOffs}</div>`
    }]),
    { id: 'agreement', title: 'Can the simulation be believed?', short: 'Believed?', content: await agreementSection(results, analysis, choice.shown, styles) },
    { id: 'thresholds', title: 'Thresholds', short: 'Thresholds', content: thresholdSection(analysis) },
    { id: 'holes', title: 'Runs without a result', short: 'Holes', content: holeSection(analysis, results) },
    { id: 'environment', title: 'Environment, and how to do it again', short: 'Reproduce', content: environmentSection(results) },
    { id: 'data', title: 'Data and method', short: 'Data', content: dataSection(results) }
  ]
  const data = verdictData(analysis, results)
  const courses = courseSection(results, styles, bytesLeft(sections, data))
  if (courses !== undefined) {
    sections.splice(sections.findIndex(({ id }) => id === 'timeline') + 1, 0, { id: 'runs', title: 'One run, from inside', short: 'Runs', content: courses })
  }
  return renderPage({
    title: `${experiment.title} · twinwire`,
    version: run.versions.twinwire ?? '',
    ...(planned === undefined ? {} : { refreshSeconds: REFRESH_SECONDS }),
    ...(courses === undefined ? {} : { style: COURSE_STYLE }),
    header: html`${armMarks(experiment.arms, styles)}
<header>
<p class="kicker">twinwire · ${experiment.name} · ${run.startedAt.slice(0, 10)}</p>
<h1>${experiment.title}</h1>
<p class="question">${experiment.question}</p>
${planned === undefined ? undefined : html`<p role="status"><b>${soFar(results, planned)}</b></p>\n`}${verdictSection(results, analysis)}
<details class="paper"><summary>What was expected, and what the arms and cases are</summary><p>${experiment.expected}</p><dl>${[...experiment.arms, ...experiment.cases].map(({ title, description }) => html`<dt>${title}</dt><dd>${description}</dd>`)}</dl></details>
</header>`,
    sections,
    footer: `Made by twinwire ${run.versions.twinwire ?? ''} from the results alone.`,
    data: { id: 'verdicts', value: data }
  })
}

async function sweepSections (results: ResultsData, analysis: Analysis, styles: ReadonlyMap<string, ArmStyle>): Promise<Section[]> {
  const sections: Section[] = []
  for (const sweep of results.run.experiment.sweeps ?? []) {
    sections.push({ id: `along-${sweep.name}`, title: `Along ${lowerFirst(sweep.title)}`, short: upperFirst(sweep.title), content: await sweepSection(results, analysis, sweep, styles) })
  }
  return sections
}

function soFar (results: ResultsData, planned: ResultsData): string {
  return `So far: ${wiresOf(planned).map((wire) => `${seedsOf(results, wire).length} of ${plural(seedsOf(planned, wire).length, 'seed')} ${WIRE_PLACES[wire]}`).join(', ')}.`
}

function wiresSentence (results: ResultsData): string {
  const wire = leadingWire(results)
  return wiresOf(results).length > 1
    ? `Means and verdicts are ${WIRE_WORDS[wire]} where that was run, as it has the seeds; other wires stand beside them.`
    : `All was run ${WIRE_PLACES[wire]}.`
}

/** The conclusions for programs that read the page. */
function verdictData (analysis: Analysis, results: ResultsData): unknown {
  return {
    experiment: results.run.experiment.name,
    passed: analysis.passed,
    beliefs: analysis.beliefs.map(({ case: { name }, metric, belief, model, reference }) => ({ case: name, metric: metric.name, belief, model, reference })),
    effects: effectsOf(leadingFindings(results, analysis)).map(({ finding, arm, comparison: { verdict, relative, adjustedPValue } }) => ({
      case: finding.case.name, metric: finding.metric.name, arm: arm.arm.name, baseline: finding.baseline, verdict, relative, adjustedPValue
    }))
  }
}
