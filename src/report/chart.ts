import * as vega from 'vega'
import { compile } from 'vega-lite'
import type { TopLevelSpec } from 'vega-lite'
import { leanSvg } from './lean-svg.ts'
import { html, Markup } from './markup.ts'
import type { Insert } from './markup.ts'

/** Of all charts, in CSS pixels: legible when scaled down to a telephone's width. */
export const CHART_WIDTH = 440
export const CHART_HEIGHT = 250

const FONT = 'system-ui, sans-serif'

const CONFIG: TopLevelSpec['config'] = {
  background: 'transparent',
  font: FONT,
  view: { stroke: null },
  axis: {
    labelColor: 'var(--muted)',
    titleColor: 'var(--muted)',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    gridColor: 'var(--grid)',
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
    tickSize: 4,
    labelPadding: 5
  },
  axisY: { domain: false, ticks: false, titleAngle: 0, titleAlign: 'left', titleAnchor: 'end', titleX: 0, titleY: -12, titleBaseline: 'bottom' },
  axisX: { grid: false },
  legend: { disable: true }
}

/**
 * Draws a vega-lite chart as SVG text, without a browser or canvas.
 *
 * @param id unique on the page: prefixes every id inside, so that charts do not clip one another
 */
export async function renderChart (spec: Omit<Extract<TopLevelSpec, { layer: unknown }>, 'config'>, id: string): Promise<Markup> {
  const compiled = compile({ width: CHART_WIDTH - 70, height: CHART_HEIGHT - 60, ...spec, config: CONFIG } as TopLevelSpec, { logger: vega.logger(vega.Error) })
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logLevel: vega.Error })
  try {
    const svg = await view.toSVG()
    // vega numbers its ids through all charts of the process: numbered again, the same chart is the same text.
    const ids = new Map([...svg.matchAll(/ id="([^"]+)"/g)].map(([, name], index) => [name, `${id}-${index}`]))
    const renumbered = svg
      .replaceAll(/ id="([^"]+)"/g, (_, name: string) => ` id="${ids.get(name)}"`)
      .replaceAll(/url\(#([^)]+)\)/g, (_, name: string) => `url(#${ids.get(name)})`)
    return new Markup(leanSvg(renumbered, id))
  } finally {
    view.finalize()
  }
}

export interface FigureParts {
  readonly id: string
  readonly title: string
  /** What the chart shows, for whoever cannot see it. */
  readonly description: string
  readonly chart: Markup
  readonly caption?: Insert
  /** Below the chart: what it cannot say. */
  readonly after?: Markup
  readonly table: Markup
}

/** A chart with its description and, folded away, its numbers. */
export function figure ({ id, title, description, chart, caption, after, table }: FigureParts): Markup {
  return html`<figure id="${id}">
<h3>${title}</h3>
<div class="chart" role="img" aria-label="${description}">${chart}</div>
${caption === undefined ? undefined : html`<figcaption>${caption}</figcaption>`}${after}
<details><summary>Numbers</summary>${scrollable(`Numbers: ${title}`, table)}</details>
</figure>`
}

/** What may be wider than the screen: whoever has no pointer can scroll it, too. */
export function scrollable (label: string, content: Markup): Markup {
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${label}">${content}</div>`
}

/** A table whose first column heads its rows and whose others hold numbers. */
export function dataTable (heading: readonly string[], rows: ReadonlyArray<readonly Insert[]>): Markup {
  return html`<table class="data"><thead><tr>${heading.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead><tbody>${rows.map(([first, ...rest]) =>
    html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`
}
