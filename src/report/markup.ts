import { sixDigits } from './six-digits.ts'

/** Text that is HTML already. Only this module makes it of other text, so nothing reaches the page unescaped. */
export class Markup {
  readonly text: string

  constructor (text: string) {
    this.text = text
  }

  toString (): string {
    return this.text
  }
}

/** What can stand in a template: text (escaped), markup (as it is), lists of both, and nothing. */
export type Insert = string | number | Markup | undefined | readonly Insert[]

/** A template of HTML whose inserts are escaped: html`<p>${'1 < 2'}</p>`. Quote attributes. */
export function html (strings: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  return new Markup(strings.reduce((text, part, index) => text + insert(inserts[index - 1]) + part))
}

function insert (value: Insert): string {
  if (value === undefined) {
    return ''
  }
  if (value instanceof Markup) {
    return value.text
  }
  return typeof value === 'string' || typeof value === 'number' ? escapeHtml(String(value)) : value.map(insert).join('')
}

/** A sentence whose `code` between backticks is set as such. */
export function withCode (text: string): Markup {
  return html`${text.split('`').map((part, index) => index % 2 === 0 ? part : html`<code>${part}</code>`)}`
}

/** For element content and quoted attributes. */
export function escapeHtml (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}

const SCRIPT_ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029'
}

/** A value as JSON in a script element that no browser runs, its numbers to six digits; nothing in it can end the element. */
export function embedJson (id: string, value: unknown): Markup {
  const json = JSON.stringify(value, (_, one: unknown) => typeof one === 'number' ? sixDigits(one) : one).replaceAll(/[<>&\u2028\u2029]/g, (character) => SCRIPT_ESCAPES[character])
  return new Markup(`<script type="application/json" id="${escapeHtml(id)}">${json}</script>`)
}
