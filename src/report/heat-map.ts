import type { ResultsData } from '../results/data.ts'
import { verdictSign, verdictWord } from './badges.ts'
import type { Comparison } from './findings.ts'
import { formatChange, formatEffect, typeset } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import { strength } from './sentences.ts'
import { armsAlong, leadingArm, levelsOf, levelText } from './sweeps.ts'
import type { SweepPoint, SweptMetric } from './sweeps.ts'

/** The deepest colour, in per cent: text stays readable on it. */
const DEEPEST = 42
/** The change that is as deep at least: halving and doubling. */
const LEAST_SCALE = Math.LN2

/** A line of cells. */
interface Row {
  readonly title: string
  readonly cells: ReadonlyArray<Comparison | undefined>
}

/**
 * Effects against the baseline as coloured cells with sign and number. One factor: a table, a line an arm. Two: a table an
 * arm, a line a level of the second.
 */
export function heatMaps (swept: SweptMetric, results: ResultsData): Markup[] {
  const { sweep: { factors: [first, second] }, points } = swept
  const arms = armsAlong(swept, results).filter((arm) => points.some((point) => leadingArm(point, arm)?.comparison !== undefined))
  const titleOf = (arm: string): string => results.run.experiment.arms.find(({ name }) => name === arm)?.title ?? arm
  const columns = levelsOf(points, 0)
  const at = (arm: string, level: number, other?: number): Comparison | undefined => {
    const point = points.find(({ levels }) => levels[0] === level && levels[1] === other)
    return point === undefined ? undefined : leadingArm(point, arm)?.comparison
  }
  const heads = columns.map((level) => levelText(level, first))
  const deepest = Math.max(LEAST_SCALE, ...points.flatMap((point: SweepPoint) => arms.flatMap((arm) => {
    const comparison = leadingArm(point, arm)?.comparison
    return comparison === undefined ? [] : [strength({ comparison })]
  })))
  if (second === undefined) {
    return arms.length === 0 ? [] : [table(swept, 'Change against the baseline', first.title, heads, arms.map((arm) => ({ title: titleOf(arm), cells: columns.map((level) => at(arm, level)) })), deepest)]
  }
  return arms.map((arm) => table(swept, `${titleOf(arm)}: change against the baseline`, `${second.title} / ${first.title}`, heads,
    levelsOf(points, 1).map((other) => ({ title: levelText(other, second), cells: columns.map((level) => at(arm, level, other)) })), deepest))
}

function table (swept: SweptMetric, caption: string, corner: string, heads: readonly string[], rows: readonly Row[], deepest: number): Markup {
  return html`<table class="heat"><caption>${caption}</caption><thead><tr><th scope="col">${corner}</th>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows.map(({ title, cells }) =>
    html`<tr><th scope="row">${title}</th>${cells.map((cell) => cellOf(swept, cell, deepest))}</tr>`)}</tbody></table>`
}

function cellOf ({ metric }: SweptMetric, comparison: Comparison | undefined, deepest: number): Markup {
  if (comparison === undefined) {
    return html`<td><span class="aside">not compared</span><span aria-hidden="true">–</span></td>`
  }
  const { relative, bounds } = comparison
  const estimate = typeset(relative === undefined || bounds !== undefined
    ? formatEffect(comparison, metric.unit).split(' [')[0]
    : formatChange({ estimate: relative.estimate, low: relative.estimate, high: relative.estimate }))
  const change = relative?.estimate ?? comparison.difference.estimate
  const kind = change === 0 || bounds !== undefined ? '' : (change < 0) === (metric.better === 'lower') ? 'better' : 'worse'
  return html`<td class="${kind}" style="--depth:${Math.round(DEEPEST * Math.min(1, strength({ comparison }) / deepest))}%"><span aria-hidden="true">${verdictSign(metric, comparison)}</span> ${estimate}<span class="aside">, ${verdictWord(metric, comparison)}</span></td>`
}
