import { html } from './markup.ts'
import type { Section } from './page.ts'

/** Of a page at most: one above two megabytes opens slowly, and some that show such files refuse it. */
export const PAGE_BYTES = 2_000_000
/** What a page has around its sections: style, script, header. */
const AROUND = 60_000

/** How many bytes a page with these sections and data has left for more. */
export function bytesLeft (sections: readonly Section[], data: unknown): number {
  const sizes = sections.map(({ content }) => Buffer.byteLength(html`${content}`.text))
  return PAGE_BYTES - AROUND - Buffer.byteLength(JSON.stringify(data)) - sizes.reduce((sum, size) => sum + size, 0)
}
