import * as z from 'zod'
import { TwinwireError } from '../core/errors.ts'
import { COURSE_MARKS, MARK_KINDS } from '../experiment/course.ts'
import type { Course } from '../experiment/course.ts'
import type { UnitKey, UnitResult } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import { compareUnits, unitId } from './data.ts'
import { checkJsonFile, parseJsonFile } from './json-file.ts'

/** Of a file that somebody else may have written: more than a recorder makes. */
const MAXIMUM_RUNS = 1_000
const MAXIMUM_SERIES = 100
const MAXIMUM_POINTS = 1_000

const text = z.string().max(1_000)
const timeMs = z.number().min(0)

const courseSchema = z.strictObject({
  wire: z.enum(WIRES),
  case: text,
  arm: text,
  seed: text,
  reason: z.enum(['median', 'worst', 'failed']).exactOptional(),
  endMs: timeMs,
  connections: z.int().min(0),
  series: z.array(z.strictObject({
    what: z.enum(['window', 'in-flight', 'round-trip', 'queue']),
    connection: z.int().min(0).exactOptional(),
    from: text,
    to: text,
    unit: z.enum(['bytes', 'ms']),
    points: z.array(z.tuple([timeMs, z.number()])).min(1).max(MAXIMUM_POINTS)
      .refine(points => points.every(([at], index) => index === 0 || at >= points[index - 1][0]), 'points in order of time')
  })).max(MAXIMUM_SERIES),
  marks: z.array(z.strictObject({ timeMs, untilMs: timeMs.exactOptional(), host: text, kind: z.enum(MARK_KINDS), text })).max(COURSE_MARKS)
    .refine(marks => marks.every(({ timeMs }, index) => index === 0 || timeMs >= marks[index - 1].timeMs), 'marks in order of time'),
  omittedMarks: z.int().min(0)
})

const fileSchema = z.array(courseSchema).max(MAXIMUM_RUNS)

/** The text of `courses.json`: a line for each run that has a course, in the order of runs. Undefined where none has. */
export function encodeCourses (units: readonly UnitResult[]): string | undefined {
  const lines = [...units].sort(compareUnits).flatMap(({ wire, case: caseName, arm, seed, course }) =>
    course === undefined ? [] : [JSON.stringify({ wire, case: caseName, arm, seed, ...ordered(course) })])
  return lines.length === 0 ? undefined : `[\n${lines.join(',\n')}\n]\n`
}

/**
 * @returns courses by their runs' ids (`unitId`)
 * @throws ERR_INVALID_FILE with the place of the first thing that is wrong
 */
export function parseCourses (json: string, path: string): Map<string, Course> {
  const file = { subject: 'the courses are', expected: 'a JSON array', path }
  const courses = new Map<string, Course>()
  for (const { wire, case: caseName, arm, seed, ...course } of checkJsonFile(fileSchema, parseJsonFile(json, file), file)) {
    const id = unitId({ wire, case: caseName, arm, seed } satisfies UnitKey)
    if (courses.has(id)) {
      throw new TwinwireError('ERR_INVALID_FILE', 'two courses of one run', { path, found: id })
    }
    courses.set(id, course)
  }
  return courses
}

/** Fields in one order, however the course was put together: the same course is the same text. */
function ordered ({ reason, endMs, connections, series, marks, omittedMarks }: Course): Course {
  return {
    ...(reason === undefined ? {} : { reason }),
    endMs,
    connections,
    series: series.map(({ what, connection, from, to, unit, points }) => ({ what, ...(connection === undefined ? {} : { connection }), from, to, unit, points })),
    marks: marks.map(({ timeMs, untilMs, host, kind, text }) => ({ timeMs, ...(untilMs === undefined ? {} : { untilMs }), host, kind, text })),
    omittedMarks
  }
}
