import { thin } from '../core/thin.ts'
import type { Course, CourseMark, CourseSeries } from '../experiment/course.ts'
import type { SampleEvent } from '../experiment/definition.ts'
import { fitting, fromLeast, fromZero, oneDecimal } from './course-scale.ts'
import type { PanelScale } from './course-scale.ts'
import { formatValue } from './format.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import { linearTicks } from './scales.ts'

/** In the chart's units; a telephone shows it at three quarters. */
const WIDTH = 480
const LEFT = 52
const RIGHT = 8
const TITLE = 19
const AXIS = 18
const NUMBER_ROW = 13
const NUMBER_ROWS = 3
const NUMBER_GAP = 4
const DIGIT = 7.2

/** A queue that was never this part as full as the fullest would be drawn as a line at zero. */
const SEEN_QUEUE = 0.05

/** Points a quantity, shared by the connections that have it, and least of each. */
const POINTS = 480
const LEAST_POINTS = 24
const DOTS = 160
/** With more, their labels hide one another; the key below the chart has them all. */
const LABELLED = 6

/** Of connections, by their place among those of the run; never told by colour alone. */
const DASHES = ['none', '5 2', '2 2', '8 2 2 2', '1 2', '10 3']

export interface CourseChartOptions {
  readonly course: Course
  /** Those that one looks at for how the run went. */
  readonly samples: readonly SampleEvent[]
  readonly unit: 'ms' | 'share' | 'count' | 'bytes' | 'bit/s'
  /** The arm's. */
  readonly colour: string
  /** Numbered from 1 in their order. */
  readonly marks: readonly CourseMark[]
}

interface Panel {
  readonly title: string
  readonly scale: PanelScale
  readonly content: Insert
}

/** One run on one time axis, a panel a quantity: samples, windows and what is in flight, round trips, queues. */
export function courseChart ({ course, samples, unit, colour, marks }: CourseChartOptions): Markup {
  const x = (timeMs: number): number => Math.round(LEFT + (WIDTH - LEFT - RIGHT) * Math.min(1, timeMs / Math.max(course.endMs, 1e-9)))
  const panels = [samplePanel(samples, unit, colour, x), windowPanel(course, x), roundTripPanel(course, x), queuePanel(course, x)].filter(panel => panel !== undefined)
  const numbers = placeNumbers(marks, x)
  const top = NUMBER_ROW * numbers.rows + 2
  let y = top
  const placed = panels.map(panel => {
    const from = y + TITLE
    y = from + panel.scale.height
    return { ...panel, from }
  })
  const bottom = y
  return html`<svg viewBox="0 0 ${WIDTH} ${bottom + AXIS}" aria-hidden="true">${marks.filter(({ untilMs }) => untilMs !== undefined).map(({ timeMs, untilMs = timeMs }) =>
    html`<rect class="fault" x="${x(timeMs)}" y="${top}" width="${Math.max(1, x(untilMs) - x(timeMs))}" height="${bottom - top}"/>`)}${numbers.groups.map(({ at, labelAt, row, label, tip }) =>
    html`<path class="tick" d="M${at} ${(row + 1) * NUMBER_ROW}V${bottom}"/><text class="number-of-mark" x="${oneDecimal(labelAt)}" y="${(row + 1) * NUMBER_ROW - 3}" data-tip="${tip}">${label}</text>`)}${placed.map(({ title, scale, content, from }) =>
    html`<text x="${LEFT}" y="${from - 6}" class="panel">${title}</text><g transform="translate(0 ${from})"><path class="frame" d="M${LEFT} ${scale.height}H${WIDTH - RIGHT}"/>${scale.ticks.map(({ at, label }) =>
      html`<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text x="${LEFT - 5}" y="${at + 4}" text-anchor="end">${label}</text>`)}${content}</g>`)}${linearTicks([0, course.endMs]).map(timeMs =>
    html`<text x="${x(timeMs)}" y="${bottom + 14}" text-anchor="middle">${timeMs === 0 ? '0' : formatValue(timeMs, 'ms')}</text>`)}</svg>`
}

/** The connections that have series, in the order of their numbers. */
export function connectionsOf ({ series }: Course): Array<{ readonly connection: number, readonly from: string, readonly to: string, readonly sinceMs: number, readonly untilMs: number }> {
  return series.flatMap(({ what, connection, from, to, points }) =>
    what !== 'window' || connection === undefined ? [] : [{ connection, from, to, sinceMs: points[0][0], untilMs: points[points.length - 1][0] }])
}

/** How the lines of the run's connection with this place among them look. */
export function connectionLook (index: number): { readonly colour: string, readonly dash: string } {
  return { colour: `var(--arm-${1 + index % 5})`, dash: DASHES[index % DASHES.length] }
}

function samplePanel (samples: readonly SampleEvent[], unit: CourseChartOptions['unit'], colour: string, x: (timeMs: number) => number): Panel | undefined {
  if (samples.length === 0) {
    return undefined
  }
  const scale = fitting(samples.map(({ value }) => value), unit, 76)
  const places = (ok: boolean): string[] => {
    const some = samples.filter(sample => sample.ok === ok).sort((a, b) => a.timeMs - b.timeMs)
    const { times, values } = thin({ times: some.map(({ timeMs }) => timeMs), values: some.map(({ value }) => value) }, DOTS)
    return [...new Set(times.map((timeMs, index) => `M${x(timeMs)} ${scale.place(values[index])}`))]
  }
  const [dots, crosses] = [places(true), places(false)]
  const names = [...new Set(samples.map(({ metric }) => metric))]
  return {
    title: `Samples (${names.length > 3 ? `${names.length} kinds` : names.join(', ')}), when complete${scale.logarithmic ? ', log scale' : ''}`,
    scale,
    content: html`${dots.length === 0 ? undefined : html`<path class="dots" stroke="${colour}" d="${dots.map(place => `${place}h0`).join('')}"/>`}${crosses.length === 0 ? undefined : html`<path class="crosses" d="${crosses.map(place => `${place}m-3-3l6 6m0-6l-6 6`).join('')}"/>`}`
  }
}

function windowPanel (course: Course, x: (timeMs: number) => number): Panel | undefined {
  const windows = course.series.filter(({ what }) => what === 'window')
  const inFlight = course.series.filter(({ what }) => what === 'in-flight')
  if (windows.length === 0) {
    return undefined
  }
  const scale = fromZero(valuesOf([...windows, ...inFlight]), 'bytes', 66)
  return {
    title: 'Congestion window; filled: in flight',
    scale,
    content: html`${inFlight.map((series, index) => html`<path class="in-flight" fill="${connectionLook(index).colour}" d="${area(series, inFlight.length, scale, x)}"/>`)}${lines(windows, scale, x)}${windows.length > LABELLED
      ? undefined
      : windows.map(({ connection, points }, index) => html`<text class="connection" x="${Math.min(x(points[0][0]) + 2, WIDTH - 26)}" y="${Math.max(9, Math.min(scale.height - 3, scale.place(points[0][1]) - 4))}" style="fill:${connectionLook(index).colour}">#${connection}</text>`)}`
  }
}

function roundTripPanel (course: Course, x: (timeMs: number) => number): Panel | undefined {
  const series = course.series.filter(({ what }) => what === 'round-trip')
  if (series.length === 0) {
    return undefined
  }
  const scale = fromLeast(valuesOf(series), 'ms', 46)
  // A connection that was never measured has a window and no round trip: looks go by connections.
  const order = connectionsOf(course).map(({ connection }) => connection)
  return { title: 'Smoothed round trip', scale, content: lines(series, scale, x, series.map(({ connection }) => order.indexOf(connection ?? -1))) }
}

function queuePanel (course: Course, x: (timeMs: number) => number): Panel | undefined {
  const all = course.series.filter(({ what }) => what === 'queue')
  const peak = Math.max(...valuesOf(all))
  const series = all.filter(one => Math.max(...valuesOf([one])) >= peak * SEEN_QUEUE)
  if (series.length === 0) {
    return undefined
  }
  const scale = fromZero(valuesOf(series), 'bytes', 46)
  return {
    title: `Waiting in ${series.length === 1 ? 'the queue' : 'queues'}: ${series.map(({ from, to }) => `${from} → ${to}`).slice(0, 2).join('; ')}${series.length > 2 ? ' and more' : ''}`,
    scale,
    content: html`${series.map((one, index) => index === 0
      ? html`<path class="queue" d="${area(one, series.length, scale, x)}"/>`
      : html`<path class="line" stroke="var(--fg)" stroke-dasharray="${connectionLook(index).dash}" d="${path(one, series.length, scale, x)}"/>`)}`
  }
}

function lines (series: readonly CourseSeries[], scale: PanelScale, x: (timeMs: number) => number, looks = series.map((_, index) => index)): Markup[] {
  return series.map((one, index) => {
    const { colour, dash } = connectionLook(looks[index])
    return html`<path class="line" stroke="${colour}"${dash === 'none' ? undefined : html` stroke-dasharray="${dash}"`} d="${path(one, series.length, scale, x)}"/>`
  })
}

function area (series: CourseSeries, sharing: number, scale: PanelScale, x: (timeMs: number) => number): string {
  const line = path(series, sharing, scale, x)
  return `M${x(series.points[0][0])} ${scale.height}L${line.slice(1)}V${scale.height}z`
}

/** Steps, each point that would not be seen left out. */
function path ({ points }: CourseSeries, sharing: number, scale: PanelScale, x: (timeMs: number) => number): string {
  const { times, values } = thin({ times: points.map(([timeMs]) => timeMs), values: points.map(([, value]) => value) }, Math.max(LEAST_POINTS, Math.floor(POINTS / sharing)))
  let [atX, atY] = [x(times[0]), scale.place(values[0])]
  let text = `M${atX} ${atY}`
  times.forEach((timeMs, index) => {
    const [toX, toY] = [x(timeMs), scale.place(values[index])]
    if (toX !== atX && (toY !== atY || index === times.length - 1)) {
      text += `H${toX}`
      atX = toX
    }
    if (toY !== atY) {
      text += `v${oneDecimal(toY - atY)}`
      atY = toY
    }
  })
  return text
}

function valuesOf (series: readonly CourseSeries[]): number[] {
  return series.flatMap(({ points }) => points.map(([, value]) => value))
}

interface NumberGroup {
  readonly at: number
  readonly labelAt: number
  readonly row: number
  readonly label: string
  readonly tip: string
}

/** Numbers of marks above the chart, in rows; those that find no room of their own go with the one before. */
function placeNumbers (marks: readonly CourseMark[], x: (timeMs: number) => number): { readonly groups: NumberGroup[], readonly rows: number } {
  const groups: Array<{ readonly at: number, readonly row: number, readonly first: number, last: number }> = []
  const ends = Array.from({ length: NUMBER_ROWS }, () => -Infinity)
  marks.forEach(({ timeMs }, index) => {
    const at = x(timeMs)
    const before = groups.at(-1)
    const row = ends.findIndex(end => end < startOf(at, String(index + 1)))
    if (before !== undefined && (at - before.at < NUMBER_GAP || row === -1)) {
      before.last = index + 1
      ends[before.row] = startOf(before.at, labelOf(before)) + widthOf(labelOf(before))
    } else {
      const group = { at, row, first: index + 1, last: index + 1 }
      groups.push(group)
      ends[row] = startOf(at, labelOf(group)) + widthOf(labelOf(group))
    }
  })
  return {
    rows: Math.max(0, ...groups.map(({ row }) => row + 1)),
    groups: groups.map(group => ({
      at: group.at,
      labelAt: startOf(group.at, labelOf(group)),
      row: group.row,
      label: labelOf(group),
      tip: marks.slice(group.first - 1, group.last).map(({ host, text }) => `${host === '' ? '' : `${host}: `}${text}`).join('; ').slice(0, 200)
    }))
  }
}

/** A little left of its tick, and never beyond the chart. */
function startOf (at: number, label: string): number {
  return Math.min(at - 3, WIDTH - widthOf(label))
}

function labelOf ({ first, last }: { readonly first: number, readonly last: number }): string {
  return first === last ? String(first) : `${first}–${last}`
}

function widthOf (label: string): number {
  return DIGIT * label.length
}
