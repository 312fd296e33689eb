import type { ResultsData } from '../results/data.ts'
import type { Analysis, WireAgreement } from './analysis.ts'
import { cdfFigure, distributions } from './distributions.ts'
import { formatPercent, formatValue, typeset } from './format.ts'
import { armKey, legend } from './legend.ts'
import { html, withCode } from './markup.ts'
import type { Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { agreementSentence, formatDifference, medianOf } from './sentences.ts'
import { goodUnits, seriesOf } from './series.ts'
import { differenceAxis, strip, stripHead } from './strip.ts'
import type { StripAxis } from './strip.ts'

/** Medians closer than this count as the same: what a simulation of a network cannot be blamed for. */
const CLOSE = 0.1

/** Simulation against real peers: every median side by side, and the distributions laid over one another. */
export async function agreementSection (results: ResultsData, analysis: Analysis, styles: ReadonlyMap<string, ArmStyle>): Promise<Markup> {
  const sentence = withCode(typeset(agreementSentence(analysis, results)))
  if (analysis.agreements.length === 0) {
    return html`<p class="lead">${sentence}</p>`
  }
  const axis = differenceAxis(analysis.agreements.flatMap((agreement) => medianOf(agreement)?.relative ?? []))
  return html`<p class="lead">${sentence}</p>
<p>The same seeds on both. Difference at the median: simulated minus real, and the same over real with a 95% interval over runs; the band is ${formatValue(CLOSE, 'share')} either way. The gap is the largest distance between the two distribution functions: near 1 even for tiny shifts where values hardly vary.</p>
<table class="effects agreement"><thead><tr><th scope="col">Arm</th><th scope="col">Median: simulated, real</th><th scope="col">Difference</th><th scope="col" class="axis">${stripHead(axis)}</th><th scope="col">Tail and gap</th></tr></thead>
${groups(analysis.agreements).map(([title, agreements]) => html`<tbody><tr class="group"><th colspan="5" scope="rowgroup">${title}</th></tr>${agreements.map((agreement) => row(agreement, styles, axis))}</tbody>`)}</table>
${legend(results.run.experiment.arms, styles, html`<span class="key"><span class="broad"></span> simulated</span> <span class="key"><span class="thin"></span> real</span>`)}
<div class="figures">${await overlays(results, styles)}</div>`
}

function groups (agreements: readonly WireAgreement[]): Array<[string, WireAgreement[]]> {
  return [...Map.groupBy(agreements, (agreement) => ofOneArm(agreement) ? agreement.case.title : `${agreement.case.title}: ${agreement.metric.sample}`)]
}

/** Where only one arm takes part, the metric is what tells rows apart. */
function ofOneArm ({ case: { arms } }: WireAgreement): boolean {
  return arms?.length === 1
}

function row (agreement: WireAgreement, styles: ReadonlyMap<string, ArmStyle>, axis: StripAxis): Markup {
  const { arm, metric, quantiles, maximumGap } = agreement
  const [median, p90, p99] = quantiles
  const { estimate, low, high } = median.relative
  const ends = low === -Infinity ? '[one run]' : `[${formatPercent(low).replace('%', '')}, ${formatPercent(high).replace('%', '')}]`
  const label = typeset(`${arm.title}: ${formatPercent(estimate)} ${ends}`)
  return html`<tr><th scope="row">${ofOneArm(agreement) ? metric.title : armKey(arm, styles)}</th>
<td class="number"><b>${formatValue(median.model, metric.unit)}</b>, <b>${formatValue(median.reference, metric.unit)}</b></td>
<td class="number"><b>${typeset(formatDifference(median, metric.unit))}</b>, <b>${typeset(formatPercent(estimate))}</b> <span class="ends">${typeset(ends)}</span></td>
<td class="strip-cell">${Number.isFinite(estimate) ? strip([{ interval: median.relative, colour: styles.get(arm.name)?.colour ?? 'var(--fg)', open: false, label }], axis, CLOSE) : undefined}</td>
<td class="number ends">p90 ${typeset(formatPercent(p90.relative.estimate))}, p99 ${typeset(formatPercent(p99.relative.estimate))}, gap ${maximumGap.toFixed(2)}</td></tr>`
}

async function overlays (results: ResultsData, styles: ReadonlyMap<string, ArmStyle>): Promise<Markup[]> {
  const figures: Markup[] = []
  for (const { case: caseDescription, metric, id, title } of distributions(results)) {
    const seeds = new Set(results.run.experiment.arms.flatMap(({ name }) => goodUnits(results, 'tcp', caseDescription.name, name).map(({ seed }) => seed)))
    const real = seriesOf(results, { wire: 'tcp', case: caseDescription, sample: metric.sample, seeds })
    const simulated = seriesOf(results, { wire: 'sim', case: caseDescription, sample: metric.sample, seeds })
    if (real.length > 0 && simulated.length > 0) {
      figures.push(await cdfFigure({ id: `overlay-${id}`, title, metric, series: [...simulated, ...real], styles }))
    }
  }
  return figures
}
