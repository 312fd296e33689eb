import { styleText } from 'node:util'
import { TraceHash } from '../core/trace-hash.ts'
import type { UnitKey } from '../experiment/unit.ts'
import { plural } from '../report/format.ts'
import type { Output } from './context.ts'
import type { Difference } from './first-difference.ts'
import { table } from './table.ts'
import type { VerifiedRun } from './verify-task.ts'

/** What `verify --json` writes to stdout: one JSON object. */
export interface VerifyOutput {
  readonly experiment: string
  /** The two processes that were held beside each other. */
  readonly sides: readonly [SideOutput, SideOutput]
  /** Whether every run did the same on both sides, and came to an end. */
  readonly holds: boolean
  /** The process's. */
  readonly exitCode: number
  readonly runs: readonly RunComparison[]
  /** Where the first run that differs does so; absent where none differs. */
  readonly difference?: DifferenceOutput
}

export interface SideOutput {
  /** The version of Node. */
  readonly node: string
  readonly jobs: number
}

export interface RunComparison extends UnitKey {
  /** False also where a side has no trace hash: nothing was compared then. */
  readonly same: boolean
  readonly first: VerifiedRun
  readonly second: VerifiedRun
}

export interface DifferenceOutput extends UnitKey {
  /** Absent where the runs were made again to find it, several times, and did the same then. */
  readonly events?: Difference
}

export function compareRuns (unit: UnitKey, first: VerifiedRun, second: VerifiedRun): RunComparison {
  return { ...unit, same: first.traceHash !== undefined && first.traceHash === second.traceHash && first.error?.code === second.error?.code, first, second }
}

/** Whether both sides ran, and did not do the same: then there is an event to be found. */
export function isDifferent ({ same, first, second }: RunComparison): boolean {
  return !same && first.traceHash !== undefined && second.traceHash !== undefined
}

/** A run that did the same on both sides and came to an end. */
export function holds ({ same, first }: RunComparison): boolean {
  return same && first.error === undefined
}

/** For a reader at a terminal; coloured where `output` is one. */
export function describeComparison ({ experiment, sides, runs, difference }: VerifyOutput, output: Output): string {
  const paint = (style: Style) => (text: string): string => styleText(style, text, { stream: output })
  const sections = [
    `${paint('bold')(experiment)}: each run twice, in a process with ${sideText(sides[0])} and in one with ${sideText(sides[1])}`,
    comparisons(runs, paint)
  ]
  const troubles = runs.flatMap(run => troubleOf(run))
  if (troubles.length > 0) {
    sections.push([...troubles.slice(0, STATED_TROUBLES), ...troubles.length > STATED_TROUBLES ? [`and ${troubles.length - STATED_TROUBLES} more`] : []].join('\n'))
  }
  if (difference !== undefined) {
    sections.push(describeDifference(difference, paint))
  }
  sections.push(summary(runs, paint))
  return `${sections.join('\n\n')}\n`
}

type Style = Parameters<typeof styleText>[0]
type Paint = (style: Style) => (text: string) => string

const STATED_TROUBLES = 10

function sideText ({ node, jobs }: SideOutput): string {
  return `Node ${node}, ${plural(jobs, 'job')}`
}

/** A row for each case and arm. */
function comparisons (runs: readonly RunComparison[], paint: Paint): string {
  const groups = Map.groupBy(runs, ({ wire, case: caseName, arm }) => JSON.stringify([wire, caseName, arm]))
  return table(['wire', 'case', 'arm', 'runs', 'trace hash', ''], [...groups.values()].map(group => {
    const bad = group.filter(run => !holds(run))
    const [{ wire, case: caseName, arm }] = group
    return [wire, caseName, arm, String(group.length), hashOf(group), bad.length === 0
      ? { text: 'ok', paint: paint('green') }
      : { text: bad.some(isDifferent) ? 'DIFFERS' : 'FAILS', paint: paint('red') }]
  }))
}

/** One hash of the trace hashes of several runs; of one run it is its own. */
function hashOf (group: readonly RunComparison[]): string {
  const hashes = group.map(({ same, first: { traceHash } }) => same ? traceHash : undefined)
  if (hashes.includes(undefined)) {
    return ''
  }
  if (hashes.length === 1) {
    return hashes[0] ?? ''
  }
  const hash = new TraceHash()
  hashes.forEach(text => hash.mixString(text ?? ''))
  return hash.digest()
}

function troubleOf (run: RunComparison): string[] {
  const { wire, case: caseName, arm, seed, first, second } = run
  if (holds(run)) {
    return []
  }
  const found = run.same
    ? `fails, both times alike: ${outcomeText(first)}`
    : `first ${outcomeText(first)}, second ${outcomeText(second)}`
  return [`${wire} ${caseName}, arm ${arm}, seed ${seed}: ${found}`]
}

function outcomeText ({ traceHash, error }: VerifiedRun): string {
  return [traceHash ?? [], error === undefined ? [] : `${error.code} (${error.message})`].flat().join(' ')
}

function describeDifference ({ wire, case: caseName, arm, seed, events }: DifferenceOutput, paint: Paint): string {
  const where = `${wire} ${caseName}, arm ${arm}, seed ${seed}`
  if (events === undefined) {
    return `${where}: the difference did not come again, event by event. It may hang on how runs are spread over threads: with --jobs 1 they are not.`
  }
  const lines = (side: string, texts: readonly string[]): string[] => texts.map(text => `${side}  ${text}`)
  const [first, ...firstNext] = lines('first ', events.first)
  const [second, ...secondNext] = lines('second', events.second)
  return [
    `${paint('bold')('The first event that differs')}: ${where}`,
    ...lines('both  ', events.before),
    paint('red')(first), ...firstNext,
    paint('red')(second), ...secondNext
  ].join('\n')
}

function summary (runs: readonly RunComparison[], paint: Paint): string {
  const different = runs.filter(isDifferent).length
  const failed = runs.filter(run => !holds(run)).length - different
  if (different + failed === 0) {
    return paint('green')(`${plural(runs.length, 'run')}: the same in both processes`)
  }
  const parts = [different > 0 ? `${different} of ${plural(runs.length, 'run')} not the same in both processes` : [], failed > 0 ? `${failed} of ${plural(runs.length, 'run')} failed` : []].flat()
  return paint('red')(parts.join(', '))
}
