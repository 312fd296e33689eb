import { createHash } from 'node:crypto'
import { embedJson, html, Markup } from './markup.ts'
import type { Insert } from './markup.ts'
import { SCRIPT } from './script.ts'
import { STYLE } from './style.ts'

export interface Section {
  readonly id: string
  readonly title: string
  /** In the navigation. */
  readonly short: string
  readonly content: Insert
}

export interface PageParts {
  readonly title: string
  /** The version that made it. */
  readonly version: string
  /** Of a page that changes meanwhile: it loads itself anew so often. */
  readonly refreshSeconds?: number
  /** What its style sheet needs beside that of all pages. */
  readonly style?: string
  readonly header: Markup
  readonly sections: readonly Section[]
  readonly footer: string
  /** For programs that read the page: its element's id and its value. */
  readonly data: { readonly id: string, readonly value: unknown }
}

/**
 * A page as one HTML file that needs no network: charts are SVG in the page, nothing is loaded, and one small script,
 * allowed by its hash, adds tool tips.
 */
export function renderPage ({ title, version, refreshSeconds, style = '', header, sections, footer, data }: PageParts): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshSeconds === undefined ? undefined : html`<meta http-equiv="refresh" content="${String(refreshSeconds)}">
`}<meta name="generator" content="twinwire ${version}">
<title>${title}</title>
<style>${new Markup(STYLE + style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the results</a>
${header}
<nav aria-label="Sections"><ul>${sections.map(({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`)}</ul></nav>
<main id="content" tabindex="-1">
${sections.map(({ id, title, content }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}
</section>
`)}</main>
<footer>${footer}</footer>
${embedJson(data.id, data.value)}
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.text
}
