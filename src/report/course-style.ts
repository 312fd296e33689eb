/** What the page's style sheet needs besides for runs from inside. */
export const COURSE_STYLE = `
.course{margin:.6rem 0 1rem;padding:.1rem 0 .1rem .9rem;border-left:2px solid var(--line);font-size:1rem}
.course>summary{width:auto;color:var(--fg);padding:.2rem 0}
.course>summary small{margin-left:.4rem}
.course-grid{display:grid;grid-template-columns:minmax(0,35rem) minmax(0,1fr);gap:.5rem 2rem;align-items:start}
.course .chart svg{max-width:35rem}
.course-chart text{fill:var(--muted);font-size:11.5px}
.course-chart .panel{fill:var(--fg)}
.course-chart .number-of-mark{fill:var(--fg);font-size:11px;font-weight:600}
.course-chart .connection{font-size:11px;font-weight:600;paint-order:stroke;stroke:var(--bg);stroke-width:3px}
.course-chart .frame{stroke:var(--line-strong);fill:none}
.course-chart .grid{stroke:var(--grid);fill:none}
.course-chart .tick{stroke:var(--line-strong);stroke-dasharray:1 3;fill:none}
.course-chart .fault{fill:var(--bad-bg);stroke:var(--bad);stroke-width:.75;stroke-dasharray:3 2}
.course-chart .line{fill:none;stroke-width:1.4;stroke-linejoin:round}
.course-chart .in-flight{fill-opacity:.32}
.course-chart .queue{fill:var(--muted);fill-opacity:.4;stroke:var(--muted);stroke-width:.75}
.course-chart .dots{fill:none;stroke-width:3.6;stroke-linecap:round}
.course-chart .crosses{fill:none;stroke:var(--bad);stroke-width:1.6}
.course-marks{margin:.2rem 0;padding-left:2rem;max-height:22rem;overflow-y:auto;font-size:.875rem}
.course-marks li{padding:.12rem 0}
.course-marks b{margin-right:.35rem;font-weight:600;white-space:nowrap}
.course-marks i{margin-right:.25rem;color:var(--muted);font-style:normal}
.course pre{font-size:.9375rem}
.course pre span{display:inline-block;max-width:100%}
.course h4{margin:.2rem 0;font-size:.9375rem}
@media (max-width:820px){.course-grid{grid-template-columns:minmax(0,1fr)}.course{padding-left:.6rem}}
@media print{.course>summary{display:block}.course-marks{max-height:none}}
`.trim()
