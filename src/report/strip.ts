import type { Interval } from '../stats/interval.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'

const WIDTH = 260
const HEIGHT = 26
/** Of each further mark beyond two, so that they do not touch. */
const MORE_HEIGHT = 11
const MARGIN = 8
/** Labels closer to the one at 0 would touch it. */
const LABEL_WIDTH = 32

/** One interval on a strip. */
export interface StripMark {
  readonly interval: Interval
  readonly colour: string
  readonly sign: StripSign
  readonly label: string
}

export type StripSign = 'disc' | 'ring' | 'lozenge'

/** What is drawn at a mark's estimate: full is a disc, the others are open. */
const SIGNS: Readonly<Record<StripSign, (x: number, y: number) => Markup>> = {
  disc: (x, y) => html`<circle cx="${x}" cy="${y}" r="4.5"/>`,
  ring: (x, y) => html`<circle class="open" cx="${x}" cy="${y}" r="3.6"/>`,
  lozenge: (x, y) => html`<path class="open" d="M${x} ${round(y - 4.5)}l4.5 4.5l-4.5 4.5l-4.5 -4.5z"/>`
}

/** The sign beside its meaning, for legends. */
export function signKey (sign: StripSign, text: string): Markup {
  return html`<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true" class="sign${sign === 'disc' ? ' full' : ''}">${SIGNS[sign](7, 7)}</svg> ${text}</span>`
}

/** An axis that the strips of one table share. It shows relative changes. */
export interface StripAxis {
  readonly ticks: ReadonlyArray<{ readonly change: number, readonly label: string }>
  /** Position of a relative change; outside the axis its nearest end. */
  place(change: number): number
}

/** Changes as ratios on a log scale: halving and doubling are as far from none. Spans all that is given. */
export function ratioAxis (intervals: readonly Interval[]): StripAxis {
  const ratios = intervals.flatMap(({ estimate, low, high }) => [estimate, low, high]).map((change) => 1 + change).filter((ratio) => ratio > 0 && Number.isFinite(ratio))
  const floor = Math.max(0.003, Math.min(0.45, ...ratios) * 0.85)
  const ceiling = Math.min(300, Math.max(2.2, ...ratios) * 1.15)
  const place = (change: number): number => scale(Math.log(Math.max(floor, Math.min(ceiling, 1 + change))), Math.log(floor), Math.log(ceiling))
  return {
    place,
    ticks: [
      { change: -0.99, label: '−99%' }, { change: -0.9, label: '−90%' }, { change: -0.5, label: '−50%' }, { change: 0, label: '0' },
      { change: 1, label: '×2' }, { change: 9, label: '×10' }, { change: 99, label: '×100' }
    ].filter(({ change }) => 1 + change >= floor && 1 + change <= ceiling && (change === 0 || Math.abs(place(change) - place(0)) > LABEL_WIDTH))
  }
}

/** Small changes on a linear scale, the same on both sides of none, cut where most of the estimates still fit. */
export function differenceAxis (intervals: readonly Interval[]): StripAxis {
  const reach = Math.min(0.5, Math.max(0.115, ...intervals.map(({ estimate }) => Math.abs(estimate)).filter(Number.isFinite)) * 1.3)
  const step = [0.02, 0.05, 0.1, 0.2, 0.4].find((size) => reach / size < 2) ?? 0.4
  return {
    ticks: [-step, 0, step].map((change) => ({ change, label: change === 0 ? '0' : `${change < 0 ? '−' : '+'}${Math.round(step * 100)}%` })),
    place: (change) => scale(Math.max(-reach, Math.min(reach, change)), -reach, reach)
  }
}

function scale (value: number, low: number, high: number): number {
  return MARGIN + (value - low) / (high - low) * (WIDTH - 2 * MARGIN)
}

/** Intervals beside one another, against a band of changes too small to matter. A picture of numbers that stand beside it. */
export function strip (marks: readonly StripMark[], axis: StripAxis, negligible: number): Markup {
  const from = axis.place(-negligible)
  const to = axis.place(negligible)
  const height = HEIGHT + MORE_HEIGHT * Math.max(0, marks.length - 2)
  const middle = (index: number): number => marks.length === 1 ? height / 2 : 7 + index * (height - 14) / (marks.length - 1)
  const lines = axis.ticks.filter(({ change }) => change !== 0).map(({ change }) => `M${round(axis.place(change))} 0v${height}`).join('')
  return html`<svg class="strip" viewBox="0 0 ${WIDTH} ${height}" aria-hidden="true"><path class="band" d="M${round(from)} 0h${round(to - from)}v${height}H${round(from)}z"/>${lines === '' ? undefined : html`<path class="tick" d="${lines}"/>`}<path class="none" d="M${round(axis.place(0))} 0v${height}"/>${marks.map(({ interval, colour, sign, label }, index) => {
    const y = round(middle(index))
    const x = round(axis.place(interval.estimate))
    return html`<g data-tip="${label}" style="color:${colour}"${sign === 'disc' ? html` class="full"` : undefined}>${Number.isFinite(interval.low)
      ? html`<path d="M${round(axis.place(interval.low))} ${y}H${round(axis.place(interval.high))}"/>`
      : undefined}${SIGNS[sign](x, y)}</g>`
  })}</svg>`
}

/** The labels of the axis, for the column's head. */
export function stripHead (axis: StripAxis): Markup {
  return html`<span class="aside">Drawn</span><svg class="strip" viewBox="0 0 ${WIDTH} 14" aria-hidden="true">${axis.ticks.map(({ change, label }) =>
    html`<text x="${round(axis.place(change))}" y="11" text-anchor="middle">${label}</text>`)}</svg>`
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}
