import type { RecordedEvent } from '../core/recorder.ts'
import type { CourseMark, CourseMarkKind, CourseSeries, NetworkCourse } from '../wires/wire.ts'
import { tellEvent } from './course-events.ts'

export type { CourseMark, CourseMarkKind, CourseQuantity, CourseSeries } from '../wires/wire.ts'

/** Of a course, at most. */
export const COURSE_MARKS = 200

/** Marks of one host that tell the same are told once where they lie within this part of the run. */
const TOGETHER = 0.01

const MAXIMUM_TEXT = 300

/** What is kept where there are more: the first of these. */
export const MARK_KINDS: readonly CourseMarkKind[] = ['fault', 'health', 'connection', 'pool', 'flow', 'attempt', 'tcp']

/** Why a run has a course: it is the median or the worst of its case and arm, or it failed. */
export type CourseReason = 'median' | 'worst' | 'failed'

/** One run from inside: what its connections and queues did, what befell the network, and what the modules made of it. */
export interface Course {
  readonly endMs: number
  /** All that were opened; the busiest have series. */
  readonly connections: number
  readonly series: readonly CourseSeries[]
  /** In order of time. */
  readonly marks: readonly CourseMark[]
  /** The least important kinds first, and of a kind the last. */
  readonly omittedMarks: number
  /** Why this run was recorded; absent where nobody chose. */
  readonly reason?: CourseReason
}

/** A run's course, of what its network did and what its hosts recorded. */
export function courseOf ({ endMs, connections, series, marks, peers }: NetworkCourse, events: readonly RecordedEvent[]): Course {
  const told = events.flatMap(event => {
    const telling = event.timeMs <= endMs ? tellEvent(event, peers) : undefined
    return telling === undefined ? [] : [{ timeMs: Math.max(0, event.timeMs), host: event.host, like: `${event.type} ${'peer' in event ? String(event.peer) : ''}`, ...telling }]
  })
  const all = together([...marks.map(mark => ({ ...mark, like: mark.text })), ...told].sort((a, b) => a.timeMs - b.timeMs), endMs * TOGETHER)
  const kept = new Set(MARK_KINDS.flatMap(kind => all.filter(mark => mark.kind === kind)).slice(0, COURSE_MARKS))
  return { endMs, connections, series, marks: all.filter(mark => kept.has(mark)).map(rounded), omittedMarks: all.length - kept.size }
}

type Likened = CourseMark & { readonly like: string }

/** One of each group of marks that tell the same at about the same time, saying how many they were. */
function together (marks: readonly Likened[], withinMs: number): CourseMark[] {
  const groups: Array<{ readonly first: CourseMark, count: number }> = []
  const open = new Map<string, typeof groups[number]>()
  for (const { like, ...mark } of marks) {
    const key = JSON.stringify([mark.host, mark.kind, like])
    const group = open.get(key)
    if (group !== undefined && mark.timeMs - group.first.timeMs <= withinMs && mark.kind !== 'fault') {
      group.count++
    } else {
      const next = { first: mark, count: 1 }
      groups.push(next)
      open.set(key, next)
    }
  }
  return groups.map(({ first, count }) => count === 1 ? first : { ...first, text: `${first.text} (${count} times)` })
}

/** To the microsecond, and no longer than anybody reads: errors can be of any length. */
function rounded (mark: CourseMark): CourseMark {
  const ms = (time: number): number => Number(time.toFixed(3))
  const text = mark.text.length > MAXIMUM_TEXT ? `${mark.text.slice(0, MAXIMUM_TEXT)}...` : mark.text
  return { ...mark, text, timeMs: ms(mark.timeMs), ...(mark.untilMs === undefined ? {} : { untilMs: ms(mark.untilMs) }) }
}
