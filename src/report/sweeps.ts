import type { Factor, Metric, Sweep } from '../experiment/definition.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import type { ArmFinding, Finding } from './findings.ts'
import { formatValue } from './format.ts'

/** One metric along one sweep. */
export interface SweptMetric {
  readonly sweep: Sweep
  readonly metric: Metric
  /** In the order of levels; those of which nothing ran are left out. */
  readonly points: readonly SweepPoint[]
}

export interface SweepPoint {
  readonly case: CaseDescription
  /** In the order of the sweep's factors. */
  readonly levels: readonly number[]
  /** One a wire that ran, the most modelled first; not empty. The first one leads. */
  readonly findings: readonly Finding[]
}

/** Everything that was measured along a sweep; metrics of its cases are the same where they have the same name. */
export function sweptMetrics (results: ResultsData, { findings }: Analysis, sweep: Sweep): SweptMetric[] {
  const cases = casesOf(results, sweep)
  const metrics = new Map(cases.flatMap((one) => one.metrics.map((metric) => [metric.name, metric] as const)))
  return [...metrics.values()].flatMap((metric) => {
    const points = cases.map((one) => ({
      case: one,
      levels: sweep.factors.map(({ name }) => one.sweep?.levels[name] ?? NaN),
      findings: findings.filter((finding) => finding.case.name === one.name && finding.metric.name === metric.name && finding.arms.length > 0)
    })).filter((point) => point.findings.length > 0).sort((a, b) => (a.levels[0] - b.levels[0]) || ((a.levels[1] ?? 0) - (b.levels[1] ?? 0)))
    return points.length === 0 ? [] : [{ sweep, metric, points }]
  }).sort((a, b) => Number(a.metric.role === 'cost') - Number(b.metric.role === 'cost'))
}

/** The cases of a sweep. */
export function casesOf ({ run }: Pick<ResultsData, 'run'>, { name }: Sweep): CaseDescription[] {
  return run.experiment.cases.filter((one) => one.sweep?.name === name)
}

/** What leads at a point, of one arm. */
export function leadingArm ({ findings: [finding] }: SweepPoint, arm: string): ArmFinding | undefined {
  return finding.arms.find((one) => one.arm.name === arm)
}

/** Names of the arms that have anything along a sweep, in the experiment's order. */
export function armsAlong ({ points }: SweptMetric, results: ResultsData): string[] {
  const found = new Set(points.flatMap(({ findings }) => findings.flatMap(({ arms }) => arms.map(({ arm }) => arm.name))))
  return results.run.experiment.arms.map(({ name }) => name).filter((name) => found.has(name))
}

/** The different levels of one factor, ascending. */
export function levelsOf (points: readonly SweepPoint[], factor: 0 | 1): number[] {
  return [...new Set(points.map(({ levels }) => levels[factor]))].sort((a, b) => a - b)
}

/** A level as it was set, not rounded: `32 B`, `64 KiB`, `1%`. */
export function levelText (level: number, { unit }: Pick<Factor, 'unit'>): string {
  if (unit === 'bytes' && level >= 1024 && level % 1024 === 0) {
    return level % 1024 ** 2 === 0 ? `${level / 1024 ** 2} MiB` : `${level / 1024} KiB`
  }
  return formatValue(level, unit).replace(/\.(\d*?)0+(?=\D|$)/, (_, kept: string) => kept === '' ? '' : `.${kept}`)
}
