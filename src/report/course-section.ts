import type { Course, CourseMark } from '../experiment/course.ts'
import { MARK_KINDS } from '../experiment/course.ts'
import type { Metric, SampleEvent } from '../experiment/definition.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { leadingMetric } from '../results/course-choice.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import { runValues } from '../results/run-values.ts'
import { connectionLook, connectionsOf, courseChart } from './course-chart.ts'
import { traceCommand } from './course-command.ts'
import { courseNumbers, describeCourse } from './course-numbers.ts'
import { formatValue, plural } from './format.ts'
import { armKey } from './legend.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { peerTable } from './peer-table.ts'

/** Of all runs together, in bytes: what is more would make a slow page. */
const BUDGET = 700_000
/** Of one run; `courses.json` has the others. */
const SHOWN_MARKS = 30

/** The id of what the section has of a case, for links to it. */
export function courseId (caseName: string): string {
  return `run-${caseName}`
}

/** The cases that the section has runs of. */
export function casesWithCourses ({ units }: Pick<ResultsData, 'units'>): ReadonlySet<string> {
  return new Set(units.flatMap(unit => unit.course === undefined ? [] : [unit.case]))
}

/**
 * Runs from inside, of each case those that were recorded; undefined where none was.
 *
 * @param bytesLeft on the page: the largest runs are left out where all would take more
 */
export function courseSection (results: ResultsData, styles: ReadonlyMap<string, ArmStyle>, bytesLeft: number): Markup | undefined {
  const { run, units } = results
  const cases = run.experiment.cases.map(theCase => ({ theCase, runs: runsOf(theCase, results) })).filter(({ runs }) => runs.length > 0)
  if (cases.length === 0) {
    return undefined
  }
  const all = cases.flatMap(({ theCase, runs }) => runs.map(unit => ({ unit, theCase, content: runContent(unit, theCase, results, styles) })))
  const kept = new Set(within(Math.min(BUDGET, bytesLeft), all))
  const left = all.length - kept.size
  const [first] = kept
  return html`<p>What happened in single runs${units.some(({ course, error }) => course !== undefined && error !== undefined) ? ', of which some failed' : ''}: the median one of each case and arm, and the worst where it differs. The numbers above a chart are those of the list beside it; a shaded band is a fault. Each run has the command that makes it again, to the bit, and writes a timeline for ui.perfetto.dev.</p>
${left === 0 ? undefined : html`<p>${left === 1 ? 'One run, the largest, is' : `${left} runs, the largest, are`} left out, which would make this page slow: <code>courses.json</code> has ${left === 1 ? 'it' : 'them'}.</p>`}
${cases.map(({ theCase }) => html`<h3 class="apart" id="${courseId(theCase.name)}">${theCase.title}</h3>
${all.filter(one => one.theCase === theCase && kept.has(one)).map(one => html`<details class="course"${one === first ? html` open` : undefined}>${one.content}</details>
`)}`)}`
}

/** Those that failed first, then by arms. */
function runsOf ({ name }: CaseDescription, { run, units }: ResultsData): UnitResult[] {
  const arms = run.experiment.arms.map(arm => arm.name)
  const place = ({ arm, course }: UnitResult): number => (course?.reason === 'failed' ? -1 : arms.indexOf(arm) * 2 + Number(course?.reason === 'worst'))
  return units.filter(unit => unit.case === name && unit.course !== undefined).sort((a, b) => place(a) - place(b) || (a.seed < b.seed ? -1 : 1))
}

function within<Run extends { readonly content: Markup }> (bytes: number, runs: readonly Run[]): Run[] {
  const sizes = new Map(runs.map(run => [run, Buffer.byteLength(run.content.text)]))
  const sizeOf = (run: Run): number => sizes.get(run) ?? 0
  let total = runs.reduce((sum, run) => sum + sizeOf(run), 0)
  const left = new Set<Run>()
  for (const one of [...runs].sort((a, b) => sizeOf(b) - sizeOf(a))) {
    if (total <= bytes) {
      break
    }
    total -= sizeOf(one)
    left.add(one)
  }
  return runs.filter(one => !left.has(one))
}

function runContent (unit: UnitResult, theCase: CaseDescription, results: ResultsData, styles: ReadonlyMap<string, ArmStyle>): Markup {
  const { arm, seed, course } = unit
  if (course === undefined) {
    throw new Error('only runs with a course are shown')
  }
  const { arms } = results.run.experiment
  const { samples, unit: measuredIn } = shownSamples(unit, theCase)
  const marks = shownMarks(course)
  const title = arms.find(({ name }) => name === arm)?.title ?? arm
  return html`<summary>${armKey({ name: arm, title })}<small>seed ${seed}, ${why(unit, theCase, results)}</small></summary>
<div class="course-grid"><figure><div class="chart course-chart" role="img" aria-label="${describeCourse(course, samples)}">${courseChart({ course, samples, unit: measuredIn, colour: styles.get(arm)?.colour ?? 'var(--fg)', marks })}</div>
<figcaption>${caption(course, samples)}</figcaption>
<details><summary>Numbers</summary><div class="scroll" tabindex="0" role="group" aria-label="Numbers">${courseNumbers(course)}</div></details>${peerTable(unit, theCase)}</figure>
<div>${markList(marks, course)}</div></div>
${unit.wire === 'sim' ? html`<pre><code>${traceCommand(results.run, unit).split(' ').map((word, index) => html`${index === 0 ? '' : ' '}<span>${word}</span>`)}</code></pre>` : undefined}`
}

/** `the median of 20 runs: outage 1.2 s` */
function why ({ wire, arm, seed, error, course }: UnitResult, theCase: CaseDescription, results: ResultsData): string {
  const metric = leadingMetric(theCase)
  if (error !== undefined) {
    return `failed: ${error.code}, ${error.message}`
  }
  const runs = metric === undefined ? [] : runValues(results, wire, theCase.name, metric).get(arm) ?? []
  const value = runs.find(one => one.seed === seed)
  const reason = course?.reason === undefined ? 'recorded' : `the ${course.reason} of ${plural(runs.length, 'run')}`
  return metric === undefined || value === undefined ? reason : `${reason}: ${metric.title} ${formatValue(value.value, metric.unit)}`
}

/** The kinds of samples that the run has most of: an outage has one, requests have hundreds. */
function shownSamples ({ samples }: UnitResult, { metrics }: CaseDescription): { readonly samples: SampleEvent[], readonly unit: Metric['unit'] } {
  const byName = Map.groupBy(samples, ({ metric }) => metric)
  const most = Math.max(0, ...[...byName.values()].map(({ length }) => length))
  // A share of failures is made of times, too: the unit is that of another statistic.
  const unitOf = (name: string): Metric['unit'] => (metrics.find(({ sample, statistic }) => sample === name && statistic !== 'failed-share'))?.unit ?? 'ms'
  const [first = ''] = [...byName].find(([, { length }]) => length === most) ?? []
  const unit = unitOf(first)
  return { unit, samples: [...byName].flatMap(([name, own]) => own.length === most && unitOf(name) === unit ? own : []) }
}

/** The most important kinds where there are too many. */
function shownMarks ({ marks }: Course): CourseMark[] {
  const kept = new Set(MARK_KINDS.flatMap(kind => marks.filter(mark => mark.kind === kind)).slice(0, SHOWN_MARKS))
  return marks.filter(mark => kept.has(mark))
}

function caption (course: Course, samples: readonly SampleEvent[]): Insert {
  const connections = connectionsOf(course)
  const more = course.connections - connections.length
  return html`${samples.every(({ ok }) => ok) ? undefined : html`✕ marks what failed, at the time it took to fail. `}${connections.map((one, index) => html`${connectionKey(one, index)} `)}${more > 0 ? `And ${plural(more, 'more connection')} without a line.` : undefined}`
}

function connectionKey ({ connection, from, to, sinceMs, untilMs }: ReturnType<typeof connectionsOf>[number], index: number): Markup {
  const { colour, dash } = connectionLook(index)
  return html`<span class="key"><svg viewBox="0 0 22 8" width="22" height="8" aria-hidden="true"><path d="M1 4h20" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/></svg> #${connection} ${from} → ${to}, ${formatValue(sinceMs, 'ms')} to ${formatValue(untilMs, 'ms')}</span>`
}

function markList (marks: readonly CourseMark[], course: Course): Markup {
  const more = course.marks.length + course.omittedMarks - marks.length
  return html`<h4>What happened</h4>${marks.length === 0
    ? html`<p class="empty">Nothing but what the chart shows.</p>`
    : html`<ol class="course-marks" tabindex="0" aria-label="What happened">${marks.map(({ timeMs, host, text }) => html`<li><b>${formatValue(timeMs, 'ms')}</b> ${host === '' ? undefined : html`<i>${host}</i> `}${text}</li>`)}</ol>`}${more > 0 ? html`<p><small>And ${more} more of less importance${course.omittedMarks === 0 ? html`, in <code>courses.json</code>` : undefined}.</small></p>` : undefined}`
}
