import type { GroupResult } from './groups.ts'
import { overlaySvg } from './overlay.ts'
import type { Overlay } from './overlay.ts'
import { escaped, furtherTable, groupTable, htmlTable, markdown, misses, missTable, rowTable } from './tables.ts'

export interface Findings {
  readonly groups: readonly GroupResult[]
  /** Figures without a target. */
  readonly further: readonly GroupResult[]
  readonly overlays: readonly Overlay[]
}

/** A page by itself: all tables, all rows, the windows overlaid. */
export function htmlPage ({ groups, further, overlays }: Findings): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The model against the kernel</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
td, th { padding: 2px 10px 2px 0; text-align: left; border-bottom: 1px solid #8884; white-space: nowrap }
td:last-child { white-space: normal }
svg { max-width: 100%; height: auto }
summary { cursor: pointer; margin: .4rem 0 }
</style>
<h1>The model against the kernel</h1>
<p>Errors are the model's mean over the mean of the measured runs, minus 1, unless a group says otherwise.</p>
${htmlTable(groupTable(groups))}
<h2>Windows</h2>
${overlays.map(overlay => `<figure>${overlaySvg(overlay)}</figure>`).join('\n')}
<h2>Figures beyond their limit</h2>
${htmlTable(missTable(groups))}
<h2>Columns without a target</h2>
${htmlTable(furtherTable(further))}
<h2>All figures</h2>
${[...groups, ...further].map(group => `<details><summary>${escaped(group.name)}: ${group.comparisons.length}</summary>${htmlTable(rowTable(group))}</details>`).join('\n')}
</html>
`
}

/** What goes between the marks of docs/fidelity.md. */
export function fidelityFigures ({ groups, further, overlays }: Findings): string {
  const count = groups.reduce((sum, group) => sum + misses(group).length, 0)
  return [
    markdown(groupTable(groups)),
    '"Outside" counts figures beyond the limit of a single row. Bulk goodput with loss is also within where it is inside the range of the measured seeds.',
    `### Figures beyond their limit: ${count}`,
    count === 0 ? 'None.' : markdown(missTable(groups)),
    '### Columns without a target',
    markdown(furtherTable(further)),
    '### Windows',
    ...overlays.map(({ name, title }) => `![Congestion window of the kernel and of the model: ${title}](fidelity/${name}.svg)`)
  ].join('\n\n')
}
