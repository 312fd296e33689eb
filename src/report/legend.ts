import type { Arm } from '../experiment/definition.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'

const PATHS: Readonly<Record<ArmStyle['shape'], string>> = {
  circle: 'M7 2.5a4.5 4.5 0 1 0 .01 0z',
  square: 'M3 3h8v8h-8z',
  'triangle-up': 'M7 2l5 9h-10z',
  diamond: 'M7 1.5l4.5 5.5l-4.5 5.5l-4.5 -5.5z',
  cross: 'M5.5 2h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z',
  'triangle-down': 'M7 12l5 -9h-10z',
  'triangle-right': 'M12 7l-9 5v-10z',
  'triangle-left': 'M2 7l9 5v-10z'
}

/** An arm's mark and title. */
export function armKey ({ name, title }: Pick<Arm, 'name' | 'title'>, styles: ReadonlyMap<string, ArmStyle>): Markup {
  const { colour, shape } = styles.get(name) ?? { colour: 'var(--fg)', shape: 'circle' as const }
  return html`<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true"><path d="${PATHS[shape]}" fill="${colour}"/></svg> ${title}</span>`
}

/** What the marks of all arms look like; with more where a chart needs it. */
export function legend (arms: readonly Arm[], styles: ReadonlyMap<string, ArmStyle>, more?: Insert): Markup {
  return html`<p class="legend">${arms.map((arm) => html`${armKey(arm, styles)} `)}${more}</p>`
}
