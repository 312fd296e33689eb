import type { Course, CourseQuantity, CourseSeries } from '../experiment/course.ts'
import type { SampleEvent } from '../experiment/definition.ts'
import { dataTable } from './chart.ts'
import { formatValue, plural } from './format.ts'
import type { Markup } from './markup.ts'

const NAMES: Readonly<Record<CourseQuantity, string>> = { window: 'congestion window', 'in-flight': 'in flight', 'round-trip': 'smoothed round trip', queue: 'queue' }

/** The least, the middle and the greatest value of each series: the middle one was there for half of its time or longer. */
export function courseNumbers ({ series }: Course): Markup {
  return dataTable(['quantity', 'least', 'median over time', 'greatest'], series.map(one => {
    const { least, median, greatest } = summary(one)
    return [nameOf(one), ...[least, median, greatest].map(value => formatValue(value, one.unit))]
  }))
}

/** The chart in words, for whoever cannot see it. */
export function describeCourse ({ endMs, connections, series, marks }: Course, samples: readonly SampleEvent[]): string {
  const failures = samples.filter(({ ok }) => !ok).length
  const faults = marks.filter(({ kind, untilMs }) => kind === 'fault' && untilMs !== undefined)
  return [
    `A run of ${formatValue(endMs, 'ms')}: ${plural(samples.length, 'sample')}, ${failures} failed; ${plural(connections, 'connection')}`,
    ...faults.slice(0, 3).map(({ timeMs, text }) => `at ${formatValue(timeMs, 'ms')} ${text}`),
    ...series.filter(({ what }) => what !== 'in-flight').slice(0, 6).map(one => {
      const { least, greatest } = summary(one)
      return `${nameOf(one)} from ${formatValue(least, one.unit)} to ${formatValue(greatest, one.unit)}`
    })
  ].join('. ').concat('. What happened is listed beside it.')
}

function nameOf ({ what, connection, from, to }: CourseSeries): string {
  return `${NAMES[what]}, ${connection === undefined ? '' : `#${connection} `}${from} → ${to}`
}

function summary ({ points }: CourseSeries): { readonly least: number, readonly median: number, readonly greatest: number } {
  const held = points.map(([timeMs, value], index) => ({ value, forMs: (points[index + 1]?.[0] ?? timeMs) - timeMs })).sort((a, b) => a.value - b.value)
  const half = held.reduce((sum, { forMs }) => sum + forMs, 0) / 2
  let passed = 0
  const median = held.find(({ forMs }) => (passed += forMs) >= half)
  return { least: held[0].value, median: median?.value ?? held[0].value, greatest: held[held.length - 1].value }
}
