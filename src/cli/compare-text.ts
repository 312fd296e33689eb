import { WIRES } from '../experiment/wire-pair.ts'
import { isBroken } from '../report/compare.ts'
import type { Change, CheckChange, ComparedRuns, ComparedSide, FailingRuns, IdenticalRuns, Uncompared } from '../report/compare.ts'
import { formatDifference, formatValue, plural } from '../report/format.ts'
import { agreementFound, agreementLimitText, limitText, verdictText } from '../report/sentences.ts'
import { WIRE_TITLES } from '../report/wire-words.ts'
import { VERDICTS } from '../stats/verdict.ts'
import type { Folders } from './compare-output.ts'
import type { Output } from './context.ts'
import { table } from './table.ts'
import type { Cell } from './table.ts'
import { painter, VERDICT_STYLES, withoutRepeats } from './verdicts.ts'
import type { Paint } from './verdicts.ts'

/** What changed, as text for a reader at a terminal; coloured where `output` is one. */
export function describeChanges (compared: ComparedRuns, folders: Folders, output: Output): string {
  const paint = painter(output)
  const { before, after, differences, changes, failing, identical, uncompared, thresholds, refused, onlyBefore, onlyAfter } = compared
  const sections = [
    `${paint('bold')(after.run.experiment.title)}\nbefore  ${sideText(before, folders.before)}\nafter   ${sideText(after, folders.after)}`
  ]
  const add = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) {
      sections.push(`${paint('bold')(title)}\n${lines.join('\n')}`)
    }
  }
  add('Set-up', differences)
  for (const wire of WIRES) {
    const own = changes.filter(change => change.wire === wire)
    if (own.length > 0) {
      sections.push(`${paint('bold')(`${WIRE_TITLES[wire]}, ${designText(own[0])}`)}\n${changeTable(own, paint)}`)
    }
  }
  add('Fail after, and not before', failing.map(failingText))
  add('Identical runs', identical.map(identicalText))
  add('Not compared', [...uncompared.map(uncomparedText), ...refused.map(({ case: name, metric, reason }) => `${name}: ${metric} is defined differently: ${reason}`)])
  add('Thresholds', thresholds.map(change => `${checkOutcome(change, paint)}  ${checkText(change)}`))
  add(`Only in ${folders.before}`, onlyBefore)
  add(`Only in ${folders.after}`, onlyAfter)
  sections.push(tallyText(compared))
  return `${sections.join('\n\n')}\n`
}

/** `2 regressed, 10 without meaningful change; the same event by event in 4 arms` */
export function tallyText ({ changes, failing, identical, uncompared, thresholds }: ComparedRuns): string {
  const counts = VERDICTS.flatMap(verdict => {
    const count = changes.filter(change => change.verdict === verdict).length
    return count === 0 ? [] : [`${count} ${verdict === 'no meaningful change' ? 'without meaningful change' : verdict}`]
  })
  const lost = uncompared.filter(({ reason }) => reason === 'lost').length
  const broken = thresholds.filter(isBroken).length
  const parts = [
    counts.join(', '),
    ...identical.length === 0 ? [] : [`the same event by event: ${plural(identical.length, 'arm')} of a case`],
    ...failing.length === 0 ? [] : [`${plural(failing.reduce((sum, { seeds }) => sum + seeds, 0), 'run')} that went well before fail after`],
    ...lost === 0 ? [] : [`${lost} without a good run after`],
    ...broken === 0 ? [] : [`${plural(broken, 'threshold')} that held ${broken === 1 ? 'does' : 'do'} not any more`]
  ]
  return parts.filter(part => part !== '').join('; ')
}

export function failingText ({ wire, case: name, arm, seeds, of, code }: FailingRuns): string {
  return `${wire} ${name}, arm ${arm}: ${seeds} of ${plural(of, 'run')} that went well before fail after (${code})`
}

export function identicalText ({ wire, case: name, arm, seeds }: IdenticalRuns): string {
  return `${wire} ${name}, arm ${arm}: the simulation did the same, event by event (${plural(seeds, 'seed')})`
}

export function uncomparedText ({ wire, case: name, metric, arm, reason }: Uncompared): string {
  const reasons: Readonly<Record<Uncompared['reason'], string>> = {
    lost: 'no run went well after, though some did before', gained: 'no run went well before', hopeless: 'nothing ever succeeded, before or after',
    saturated: 'so much failed, before and after, that neither value is more than a bound'
  }
  return `${wire} ${name}: ${metric.name} of ${arm}: ${reasons[reason]}`
}

/** What a change is, in the columns of every table: before, after, change, verdict. */
export function changeCells ({ metric: { unit, better }, meanBefore, meanAfter, relative, difference, bound, ...change }: Change): readonly [before: string, after: string, change: string, verdict: string] {
  const value = (mean: number, side: Change['bound']): string => `${bound === side ? better === 'lower' ? '> ' : '< ' : ''}${formatValue(mean, unit)}`
  return [value(meanBefore, 'before'), value(meanAfter, 'after'), bound === undefined ? formatDifference(relative, difference, unit) : 'no size (too much failed)', verdictText(change)]
}

/** The metric's name, and that it is a cost where it is one. */
export function metricText ({ metric: { name, role } }: Change): string {
  return role === 'cost' ? `${name} (cost)` : name
}

export function checkText ({ kind, before, after }: CheckChange): string {
  const subject = `${after.case}: ${after.metric} of ${after.arm}`
  if (kind === 'agreement') {
    return `${subject} ${agreementLimitText(after)}; ${agreementFound(before)} -> ${agreementFound(after)}`
  }
  const found = [before, after].map(({ value, reason = 'no run to check it with', metricDefinition: { unit } }) => value === undefined ? reason : formatValue(value.estimate, unit))
  return `${subject} ${limitText(after)}; ${found.join(' -> ')}`
}

export function checkState ({ checked, holds }: CheckChange['before' | 'after']): string {
  return !checked ? 'not checked' : holds ? 'pass' : 'FAIL'
}

function sideText ({ run: { command, git, startedAt } }: ComparedSide, folder: string): string {
  return `${folder}: ${command}\n        ${startedAt}${git === undefined ? '' : `, commit ${git.commit}${git.dirty ? ' with changes that are not committed' : ''}`}`
}

function designText ({ paired, runsBefore, runsAfter }: Change): string {
  return paired ? `pairs of runs with the same seed: ${runsAfter}` : `${runsBefore} and ${runsAfter} runs, not paired`
}

function changeTable (changes: readonly Change[], paint: Paint): string {
  const rows = changes.map((change): Cell[] => {
    const [before, after, difference, verdict] = changeCells(change)
    return [change.case, metricText(change), change.arm, before, after, difference, { text: verdict, paint: paint(VERDICT_STYLES[change.verdict]) }]
  })
  return table(['case', 'metric', 'arm', 'before', 'after', 'change [95% interval]', 'verdict'], withoutRepeats(rows, 2))
}

function checkOutcome (change: CheckChange, paint: Paint): string {
  const states = `${checkState(change.before)} -> ${checkState(change.after)}`
  return isBroken(change) ? paint('red')(states) : states
}
