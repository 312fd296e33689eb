import type { Arm } from '../experiment/definition.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'

/** An arm's mark and title. The marks are drawn once a page, by `armMarks`. */
export function armKey ({ name, title }: Pick<Arm, 'name' | 'title'>): Markup {
  return html`<span class="key"><svg aria-hidden="true"><use href="#mark-${name}"/></svg> ${title}</span>`
}

/** What the keys of a page's arms refer to, once: a page has up to a thousand of them. */
export function armMarks (arms: readonly Arm[], styles: ReadonlyMap<string, ArmStyle>): Markup {
  return html`<svg width="0" height="0" class="marks" aria-hidden="true">${arms.map(({ name }) => {
    const { colour = 'var(--fg)', path = '' } = styles.get(name) ?? {}
    return html`<symbol id="mark-${name}" viewBox="-1.4 -1.4 2.8 2.8"><path d="${path}" fill="${colour}"/></symbol>`
  })}</svg>`
}

/** What the marks of all arms look like; with more where a chart needs it. */
export function legend (arms: readonly Arm[], more?: Insert): Markup {
  return html`<p class="legend">${arms.map((arm) => html`${armKey(arm)} `)}${more}</p>`
}
