import { isBroken } from '../report/compare.ts'
import type { Change, ComparedRuns, ComparedSide } from '../report/compare.ts'
import { changeCells, checkState, checkText, failingText, identicalText, metricText, tallyText, uncomparedText } from './compare-text.ts'
import type { Folders } from './compare-output.ts'

/** A summary may have a mebibyte: so many rows of 200 bytes leave room for all else. */
const MAXIMUM_ROWS = 2_000

/** What changed, for a job's summary on GitHub: counts, what changed, the rest folded, and what gave both. */
export function compareMarkdown (compared: ComparedRuns, folders: Folders): string {
  const { before, after, differences, changes, failing, identical, uncompared, thresholds, refused, onlyBefore, onlyAfter } = compared
  const changed = changes.filter(({ verdict }) => verdict === 'improved' || verdict === 'regressed')
  const rest = changes.filter(change => !changed.includes(change))
  const broken = thresholds.filter(isBroken)
  const lost = uncompared.filter(({ reason }) => reason === 'lost')
  const checks = thresholds.map(change => `${checkState(change.before)} -> ${checkState(change.after)}: ${checkText(change)}`)
  return `${[
    `### ${escape(after.run.experiment.title)}`,
    escape(tallyText(compared)),
    ...list([...broken.map(change => `A threshold that held does not any more: ${checkText(change)}`), ...failing.map(failingText), ...lost.map(uncomparedText)]),
    ...list(differences),
    ...changed.length === 0 ? [] : [changeTable(changed)],
    ...folded(`${rest.length} without a change that can be told`, rest.length === 0 ? [] : [changeTable(rest)]),
    ...folded('The same, event by event', list(identical.map(identicalText))),
    ...folded('Not compared', list([
      ...uncompared.filter(subject => !lost.includes(subject)).map(uncomparedText),
      ...refused.map(({ case: name, metric, reason }) => `${name}: ${metric} is defined differently: ${reason}`),
      ...onlyBefore.map(what => `only in ${folders.before}: ${what}`),
      ...onlyAfter.map(what => `only in ${folders.after}: ${what}`)
    ])),
    ...folded('Thresholds', list(checks)),
    ...folded('How both came about', [...sideText(before, folders.before), ...sideText(after, folders.after)])
  ].join('\n\n')}\n\n`
}

function changeTable (changes: readonly Change[]): string {
  const rows = changes.slice(0, MAXIMUM_ROWS).map(change => {
    const [before, after, difference, verdict] = changeCells(change)
    const cells = [change.wire, change.case, metricText(change), change.arm, before, after, difference, verdict].map(escape)
    return row(change.verdict === 'regressed' ? [...cells.slice(0, -1), `**${cells.at(-1)}**`] : cells)
  })
  const left = changes.length - rows.length
  return [
    row(['wire', 'case', 'metric', 'arm', 'before', 'after', 'change with its 95% interval', 'verdict']),
    '|---|---|---|---|--:|--:|---|---|',
    ...rows,
    ...left > 0 ? [`\nand ${left} more`] : []
  ].join('\n')
}

function row (cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function list (lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [lines.map(line => `- ${escape(line)}`).join('\n')]
}

function folded (title: string, blocks: readonly string[]): string[] {
  return blocks.length === 0 ? [] : [`<details><summary>${escape(title)}</summary>`, ...blocks, '</details>']
}

function sideText ({ run: { command, git, startedAt } }: ComparedSide, folder: string): string[] {
  const commit = git === undefined ? '' : `, commit ${git.commit}${git.dirty ? ' with changes that are not committed' : ''}`
  return [`${escape(folder)}: ${startedAt}${commit}`, code(command)]
}

/** In a fence longer than any run of backticks inside. */
function code (text: string): string {
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)))
  return `${fence}sh\n${text}\n${fence}`
}

/** Titles and names are text, whatever they look like. */
function escape (text: string): string {
  return text.replaceAll(/[\\`*_[\]|~]/g, '\\$&').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(/\s*\n\s*/g, ' ')
}
