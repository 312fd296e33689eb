import type { PacketLateness } from '../experiment/unit.ts'
import { compareUnits, tookSecondsOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { holdsBadge } from './badges.ts'
import { BELIEF_RULE } from './belief-sentences.ts'
import { scrollable } from './chart.ts'
import type { Check } from './checks.ts'
import { casesWithCourses } from './course-section.ts'
import { formatEnds, formatValue, plural, typeset } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import { agreementFound, agreementLimitText, limitText } from './sentences.ts'
import { silentMetrics } from './silent-metrics.ts'

const SHOWN_HOLES = 50
/** A hash a run would be most of a large report. */
const SHOWN_HASHES = 100

/** What is guarded, with what was found. */
export function thresholdSection ({ thresholds, agreementThresholds }: Analysis): Markup {
  if (thresholds.length + agreementThresholds.length === 0) {
    return html`<p>The experiment states none.</p>`
  }
  return scrollable('Thresholds', html`<table class="data"><thead><tr><th scope="col">What is guarded</th><th scope="col">Limit</th><th scope="col">Found: medians over runs</th><th scope="col">Holds</th></tr></thead><tbody>${thresholds.map((check) =>
    promise(check, limitText(check), check.value === undefined ? undefined : html`<b>${formatValue(check.value.estimate, check.metricDefinition.unit)}</b> ${typeset(formatEnds(check.value, check.metricDefinition.unit))}`))}${agreementThresholds.map((check) =>
    promise(check, agreementLimitText(check), check.medians === undefined ? undefined : html`<b>${agreementFound(check)}</b>`))}</tbody></table>`)
}

function promise ({ caseTitle, armTitle, metricDefinition: { title }, checked, reason = 'no good run', holds }: Check, limit: string, found: Markup | undefined): Markup {
  return html`<tr><th scope="row">${caseTitle}: ${title}, ${armTitle}</th><td>${limit}</td><td>${found ?? reason}</td><td>${!checked
    ? 'not checked'
    : holdsBadge(holds)}</td></tr>`
}

/** Runs that are missing from every number above. */
export function holeSection (analysis: Analysis, results: ResultsData): Markup {
  return html`${holeTable(analysis, results)}${silence(silentMetrics(results, analysis))}`
}

function silence (silent: readonly string[]): Markup | undefined {
  return silent.length === 0
    ? undefined
    : html`<p>Runs that ended well recorded nothing of:</p><ul>${silent.slice(0, SHOWN_HOLES).map((one) => html`<li>${one}</li>`)}</ul>${silent.length > SHOWN_HOLES ? html`<p>And ${silent.length - SHOWN_HOLES} more.</p>` : undefined}`
}

function holeTable ({ holes }: Analysis, { units }: ResultsData): Markup {
  if (holes.length === 0) {
    return html`<p>None: all ${plural(units.length, 'run')} ended well.</p>`
  }
  const more = holes.length - SHOWN_HOLES
  return html`<p>${plural(holes.length, 'run')} failed or never ran. They enter no number of this report.</p>
${scrollable('Runs without a result', html`<table class="data"><thead><tr><th scope="col">Run</th><th scope="col" class="text">Code</th><th scope="col" class="text">Message</th></tr></thead><tbody>${holes.slice(0, SHOWN_HOLES).map(({ wire, case: caseName, arm, seed, code, message }) =>
    html`<tr><th scope="row">${wire}, ${caseName}, ${arm}, seed ${seed}</th><td class="text"><code>${code}</code></td><td class="text">${message}</td></tr>`)}</tbody></table>`)}
${more > 0 ? html`<p>And ${more} more: all are in <code>manifest.json</code>.</p>` : undefined}`
}

/** All that is needed to do it again, and to judge whether it would come out the same. */
export function environmentSection ({ run, units }: ResultsData): Markup {
  const { machine, git, versions, parameters, plan } = run
  const seconds = tookSecondsOf(run)
  const facts: ReadonlyArray<readonly [string, string]> = [
    ['Versions', Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')],
    ['Commit', git === undefined ? 'not from a checkout' : `${git.commit.slice(0, 12)}${git.dirty ? ', with uncommitted changes' : ''}`],
    ['Machine', `${machine.cpu}, ${plural(machine.cores, 'core')}, ${(machine.memoryBytes / 1024 ** 3).toFixed(1)} GiB, ${machine.os}`],
    ['Started', `${run.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}, took ${seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`}`],
    ['Seeds', plan.map(({ wire, seeds }) => `${wire}: ${seeds.length} (${seeds[0] ?? 'none'}${seeds.length > 1 ? ` to ${seeds[seeds.length - 1]}` : ''})`).join('; ')],
    ...latenessFacts(units),
    ...busyFacts(units),
    ['Parameters', Object.entries(parameters).map(([name, value]) => `${name} = ${value}`).join(', ') || 'none']
  ]
  const hashes = units.filter(({ traceHash }) => traceHash !== undefined).sort(compareUnits)
  return html`<p>This command gives the same runs in virtual time (simulation and stack), to the bit:</p>
<pre><code>${run.command}</code></pre>
<dl>${facts.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>`)}</dl>
${hashes.length === 0 ? undefined : html`<details><summary>Trace hashes of ${plural(hashes.length, 'run')}</summary>${hashes.length > SHOWN_HASHES ? html`<p>The first ${SHOWN_HASHES}; all are in <code>manifest.json</code>.</p>` : undefined}${scrollable('Trace hashes', html`<table class="data"><tbody>${hashes.slice(0, SHOWN_HASHES).map(({ wire, case: caseName, arm, seed, traceHash }) =>
    html`<tr><th scope="row">${wire}, ${caseName}, ${arm}, seed ${seed}</th><td><code>${traceHash}</code></td></tr>`)}</tbody></table>`)}</details>`}`
}

/** How exact the network between real peers was. */
function latenessFacts (units: ResultsData['units']): Array<readonly [string, string]> {
  const late = units.flatMap((unit) => unit.packetLateness === undefined ? [] : [{ ...unit, ...unit.packetLateness }]).sort((a, b) => a.meanMs - b.meanMs)
  if (late.length === 0) {
    return []
  }
  const middle = late[(late.length - 1) >> 1]
  const worst = late[late.length - 1]
  const words = ({ meanMs, p99Ms }: PacketLateness): string => `${formatValue(meanMs, 'ms')} in the mean (p99 ${formatValue(p99Ms, 'ms')})`
  return [['Packets of real peers', `left the simulator's links late by ${words(middle)} in the middle of ${plural(late.length, 'run')}, by ${words(worst)} in the worst: ${worst.case}, ${worst.arm}, seed ${worst.seed}`]]
}

/** What real peers shared their machine with, of which their times are a part. */
function busyFacts (units: ResultsData['units']): Array<readonly [string, string]> {
  const busy = units.flatMap(({ busyShare, ...unit }) => busyShare === undefined ? [] : [{ ...unit, busyShare }]).sort((a, b) => a.busyShare - b.busyShare)
  if (busy.length === 0) {
    return []
  }
  const middle = busy[(busy.length - 1) >> 1]
  const worst = busy[busy.length - 1]
  return [['Processors beside real peers', `busy for ${formatValue(middle.busyShare, 'share')} of their time in the middle of ${plural(busy.length, 'run')}, for ${formatValue(worst.busyShare, 'share')} in the busiest: ${worst.case}, ${worst.arm}, seed ${worst.seed}`]]
}

/** How the numbers were made, and how to get at them. */
export function dataSection (results: ResultsData): Markup {
  const [courses, files] = casesWithCourses(results).size === 0 ? [undefined, 'three'] : [html`, <code>courses.json</code> (single runs, from inside)`, 'four']
  return html`<p>Beside this file: <code>samples.parquet</code> (every sample), <code>summary.csv</code> (a line for each run and metric)${courses}, <code>manifest.json</code> (the rest). This report is made of those ${files}: <code>twinwire report &lt;folder&gt;</code>.</p>
<pre><code>duckdb -c "SELECT wire, \\"case\\", arm, quantile_cont(value, 0.99) AS p99 FROM 'samples.parquet' WHERE ok GROUP BY ALL"</code></pre>
<pre><code>python -c "import pandas; print(pandas.read_parquet('samples.parquet').groupby(['wire', 'case', 'arm']).value.describe())"</code></pre>
<details class="paper"><summary>How the numbers are made</summary><ul>
<li>A run gives one value a metric; means, medians and intervals are over runs, never over samples of one run.</li>
<li>Arms are compared on the same seeds, and so in the same networks. Change = mean of the arm over mean of the baseline, minus 1. Intervals: studentised bootstrap; below 8 runs, or where a bootstrap is degenerate, Student's.</li>
<li>Verdicts: significant by the paired sign-flip test at 5% after Holm's correction over all comparisons of the wire, and at least the minimum effect. <q>No meaningful change</q>: the interval lies within the minimum effect on both sides. Where an arm failed on seeds on which the baseline did not, what is left may be its easier seeds: neither verdict is given, nor is a promise met there.</li>
<li>Effect size: in how many pairs of runs the arm was better, ties counted half (Vargha and Delaney's A, for pairs).</li>
<li>A failed sample counts as what it took to fail or as the slowest success of any arm with the same seed, whichever is worse: failing fast makes no arm look good. In distributions it never arrives.</li>
<li>With fewer than 6 seeds no sign-flip test can reach 5%, and fewer are run on the stack and on real peers as a rule: they check the simulation, the verdicts come from it.</li>
<li>Whether it can be believed, metric by metric, on the seeds that ran on both wires. ${BELIEF_RULE}</li>
</ul></details>`
}
