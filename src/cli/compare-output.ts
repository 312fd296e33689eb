import type { Metric } from '../experiment/definition.ts'
import type { Change, CheckChange, ComparedRuns, ComparedSide, FailingRuns, IdenticalRuns, Uncompared } from '../report/compare.ts'
import { isBroken } from '../report/compare.ts'
import type { RefusedMetric } from '../report/compare-setup.ts'

/**
 * What `compare --json` writes to stdout. Numbers are in the metric's unit; changes are relative (0.1 is 10% more), of the
 * second folder against the first; intervals are 95%. JSON has no infinity: an end that is not known is null.
 */
export interface CompareOutput {
  readonly before: SideOutput
  readonly after: SideOutput
  /** Something became worse, or fails, or a threshold that held does not any more. */
  readonly regressed: boolean
  /** The process's. */
  readonly exitCode: number
  readonly differences: readonly string[]
  readonly onlyBefore: readonly string[]
  readonly onlyAfter: readonly string[]
  readonly refused: readonly RefusedMetric[]
  readonly failing: readonly FailingRuns[]
  readonly identical: readonly IdenticalRuns[]
  readonly changes: readonly ChangeOutput[]
  readonly uncompared: ReadonlyArray<Omit<Uncompared, 'metric'> & { readonly metric: string }>
  readonly thresholds: readonly ThresholdChangeOutput[]
}

export interface SideOutput {
  readonly folder: string
  readonly experiment: string
  readonly command: string
  readonly commit?: string
  readonly startedAt: string
  readonly runsWithoutResult: number
}

export interface ChangeOutput extends Omit<Change, 'metric' | 'pValue'>, Required<Pick<Metric, 'unit' | 'better' | 'role' | 'minimumEffect'>> {
  readonly metric: string
}

export interface ThresholdChangeOutput {
  readonly kind: CheckChange['kind']
  readonly case: string
  readonly metric: string
  readonly arm: string
  readonly before: { readonly checked: boolean, readonly holds: boolean }
  readonly after: { readonly checked: boolean, readonly holds: boolean }
  /** It held before, and does not after. */
  readonly broken: boolean
}

export function compareOutput (compared: ComparedRuns, folders: Folders, result: Pick<CompareOutput, 'regressed' | 'exitCode'>): CompareOutput {
  const { differences, onlyBefore, onlyAfter, refused, failing, identical, changes, uncompared, thresholds } = compared
  return {
    before: side(compared.before, folders.before),
    after: side(compared.after, folders.after),
    ...result,
    differences,
    onlyBefore,
    onlyAfter,
    refused,
    failing,
    identical,
    changes: changes.map(({ metric: { name, unit, better, role = 'goal', minimumEffect }, pValue: _pValue, ...change }) => ({ ...change, metric: name, unit, better, role, minimumEffect })),
    uncompared: uncompared.map(({ metric: { name }, ...subject }) => ({ ...subject, metric: name })),
    thresholds: thresholds.map(change => {
      const { kind, before, after } = change
      return {
        kind, case: after.case, metric: after.metric, arm: after.arm,
        before: { checked: before.checked, holds: before.holds }, after: { checked: after.checked, holds: after.holds }, broken: isBroken(change)
      }
    })
  }
}

/** The two as the user named them. */
export interface Folders {
  readonly before: string
  readonly after: string
}

function side ({ run, holes }: ComparedSide, folder: string): SideOutput {
  const { experiment: { name }, command, git, startedAt } = run
  return { folder, experiment: name, command, ...git === undefined ? {} : { commit: git.commit }, startedAt, runsWithoutResult: holes }
}
