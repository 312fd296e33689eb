import { createHash } from 'node:crypto'
import { wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { agreementSection } from './agreement-section.ts'
import type { Analysis } from './analysis.ts'
import { dataSection, environmentSection, holeSection, thresholdSection } from './appendix.ts'
import { courseSection } from './course-section.ts'
import { COURSE_STYLE } from './course-style.ts'
import { distributionFigures } from './distributions.ts'
import { effectTable, singleArmTable, wireSigns } from './effects.ts'
import { legend } from './legend.ts'
import { embedJson, html, Markup } from './markup.ts'
import type { Insert } from './markup.ts'
import { armStyles } from './palette.ts'
import { SCRIPT } from './script.ts'
import { effectsOf, leadingFindings, leadingWire } from './sentences.ts'
import { STYLE } from './style.ts'
import { timelineFigures } from './timeline.ts'
import { verdictSection } from './verdict-section.ts'
import { WIRE_PLACES, WIRE_WORDS } from './wire-words.ts'

interface Section {
  readonly id: string
  readonly title: string
  /** In the navigation. */
  readonly short: string
  readonly content: Insert
}

/**
 * The report as one HTML file that needs no network: charts are SVG in the page, nothing is loaded, and one small script,
 * allowed by its hash, adds tool tips. The same results give the same text.
 */
export async function renderReport (results: ResultsData, analysis: Analysis): Promise<string> {
  const { run } = results
  const { experiment } = run
  const wire = leadingWire(results)
  const baseline = analysis.findings[0]?.baseline ?? experiment.arms[0].name
  const styles = armStyles(experiment.arms, baseline)
  const armLegend = legend(experiment.arms, styles)
  const timelines = await timelineFigures(results, styles)
  const courses = courseSection(results, styles)
  const seed = (run.plan.find((plan) => plan.wire === wire) ?? run.plan[0])?.seeds[0] ?? ''
  const sections: Section[] = [
    {
      id: 'effects',
      title: 'Effects',
      short: 'Effects',
      content: html`<p>Mean over runs, and change against the baseline on the same seeds. ${wiresSentence(results)} The grey band is what would not matter.</p>${wiresOf(results).length > 1 ? wireSigns(wiresOf(results)) : undefined}${effectTable(results, analysis, styles)}${singleArmTable(analysis)}`
    },
    {
      id: 'distributions',
      title: 'Distributions',
      short: 'Distributions',
      content: html`<p>What share of all samples took at most how long. Marks: median, p90, p99, p99.9 where there are samples enough.</p>${armLegend}<div class="figures">${await distributionFigures(results, styles)}</div>`
    },
    {
      id: 'timeline',
      title: 'Timeline',
      short: 'Timeline',
      content: timelines.length === 0
        ? html`<p>Runs of this experiment are too short to have a course.</p>`
        : html`<p>One run of each arm, seed ${seed}.</p>${armLegend}<div class="figures">${timelines}</div>`
    },
    ...courses === undefined ? [] : [{ id: 'runs', title: 'One run, from inside', short: 'Runs', content: courses }],
    { id: 'agreement', title: 'Can the simulation be believed?', short: 'Believed?', content: await agreementSection(results, analysis, styles) },
    { id: 'thresholds', title: 'Thresholds', short: 'Thresholds', content: thresholdSection(analysis) },
    { id: 'holes', title: 'Runs without a result', short: 'Holes', content: holeSection(analysis, results) },
    { id: 'environment', title: 'Environment, and how to do it again', short: 'Reproduce', content: environmentSection(results) },
    { id: 'data', title: 'Data and method', short: 'Data', content: dataSection() }
  ]
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="twinwire ${run.versions.twinwire ?? ''}">
<title>${experiment.title} · twinwire</title>
<style>${new Markup(STYLE)}${new Markup(courses === undefined ? '' : COURSE_STYLE)}</style>
</head>
<body>
<header>
<p class="kicker">twinwire · ${experiment.name} · ${run.startedAt.slice(0, 10)}</p>
<h1>${experiment.title}</h1>
<p class="question">${experiment.question}</p>
${verdictSection(results, analysis, styles)}
<details><summary>What was expected beforehand, and what the arms and cases are</summary><p>${experiment.expected}</p><dl>${[...experiment.arms, ...experiment.cases].map(({ title, description }) => html`<dt>${title}</dt><dd>${description}</dd>`)}</dl></details>
</header>
<nav aria-label="Sections"><ul>${sections.map(({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`)}</ul></nav>
<main>
${sections.map(({ id, title, content }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}
</section>
`)}</main>
<footer>Made by twinwire ${run.versions.twinwire ?? ''} from the results alone.</footer>
${embedJson('verdicts', verdictData(analysis, results))}
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text
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
