import type { Arm } from '../experiment/definition.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'

/** An arm's mark and title. */
export function armKey ({ name, title }: Pick<Arm, 'name' | 'title'>, styles: ReadonlyMap<string, ArmStyle>): Markup {
  const { colour = 'var(--fg)', path = '' } = styles.get(name) ?? {}
  return html`<span class="key"><svg viewBox="-1.4 -1.4 2.8 2.8" aria-hidden="true"><path d="${path}" fill="${colour}"/></svg> ${title}</span>`
}

/** What the marks of all arms look like; with more where a chart needs it. */
export function legend (arms: readonly Arm[], styles: ReadonlyMap<string, ArmStyle>, more?: Insert): Markup {
  return html`<p class="legend">${arms.map((arm) => html`${armKey(arm, styles)} `)}${more}</p>`
}
