import { readFile } from 'node:fs/promises'
import test from 'ava'
import type { RecordedEvent } from '../../src/core/recorder.ts'
import { TELLINGS } from '../../src/experiment/course-events.ts'
import { COURSE_MARKS, courseOf, MARK_KINDS } from '../../src/experiment/course.ts'
import type { CourseMark } from '../../src/experiment/course.ts'

const PEERS = { '12D3KooWserver': 'server' }

function event (type: string, timeMs: number, fields: Readonly<Record<string, unknown>> = {}): RecordedEvent {
  return Object.assign({ type, timeMs, host: 'client' }, { peer: '12D3KooWserver', reason: 'timeout' }, fields)
}

function marksOf (events: readonly RecordedEvent[], marks: readonly CourseMark[] = [], endMs = 10_000): ReturnType<typeof courseOf> {
  return courseOf({ endMs, connections: 1, series: [], marks, peers: PEERS }, events)
}

test('each type of event that the modules record is told, or left out on purpose', async t => {
  const types = new Set<string>()
  for (const module of ['pool', 'health', 'timeouts', 'batching', 'bandwidth']) {
    const source = await readFile(new URL(`../../src/optim/${module}/events.ts`, import.meta.url), 'utf8')
    for (const [, type] of source.matchAll(/'([a-z]+:[a-z-]+)'/g)) {
      types.add(type)
    }
  }
  t.deepEqual([...types].sort(), Object.keys(TELLINGS).sort())
})

test('each field that a telling names is a field of events', async t => {
  const source = (await Promise.all(['pool', 'health', 'timeouts', 'batching', 'bandwidth'].map(async module =>
    await readFile(new URL(`../../src/optim/${module}/events.ts`, import.meta.url), 'utf8')))).join('\n')
  const named = Object.values(TELLINGS).flatMap((tellings = []) => tellings.flatMap(({ text, only = {}, unless = {} }) =>
    [...[...text.matchAll(/\{(\w+)/g)].map(([, name]) => name), ...Object.keys(only), ...Object.keys(unless)]))
  t.deepEqual([...new Set(named)].filter(name => !source.includes(`readonly ${name}: `)), [])
})

test('an event is told with the names of hosts and whole milliseconds', t => {
  const { marks } = marksOf([
    event('timeouts:attempt-overdue', 1_000, { timeoutMs: 312.4 }),
    event('health:state', 2_000, { from: 'alive', to: 'silent', reason: 'silence' }),
    event('pool:dial', 3_000, { peer: 'unknown', reason: 'cold' })
  ])
  t.deepEqual(marks, [
    { timeMs: 1_000, host: 'client', kind: 'attempt', text: 'no answer from server within 312 ms' },
    { timeMs: 2_000, host: 'client', kind: 'health', text: 'server is silent, was alive: silence' },
    { timeMs: 3_000, host: 'client', kind: 'pool', text: 'dials unknown: cold' }
  ])
})

test('everyday events, samples, and events of roles are not told, whatever their types', t => {
  t.deepEqual(marksOf([
    event('pool:lease', 1), event('pool:address', 2, { reason: 'won' }), event('timeouts:attempt-started', 3, { kind: 'first' }),
    event('sample', 4), event('constructor', 5), event('tick', 6), event('pool:suspect', 20_000)
  ]).marks, [])
})

test('marks of network and hosts are in order of time', t => {
  const fault: CourseMark = { timeMs: 1_500, untilMs: 2_500, host: '', kind: 'fault', text: 'stall begins' }
  const { marks } = marksOf([event('pool:suspect', 2_000), event('pool:clear', 1_000)], [fault])
  t.deepEqual(marks.map(({ timeMs }) => timeMs), [1_000, 1_500, 2_000])
})

test('what is told again within a hundredth of the run is told once, with how often', t => {
  const { marks, omittedMarks } = marksOf([0, 50, 100, 101, 400].map(timeMs => event('pool:suspect', timeMs)))
  t.deepEqual(marks.map(({ timeMs, text }) => [timeMs, text]), [
    [0, 'suspects the connection to server: timeout (3 times)'],
    [101, 'suspects the connection to server: timeout'],
    [400, 'suspects the connection to server: timeout']
  ])
  t.is(omittedMarks, 0)
})

test('of more than 200 marks those of the most important kinds are kept, and the course says how many are not', t => {
  const of = (kind: CourseMark['kind'], count: number): CourseMark[] => Array.from({ length: count }, (_, index) => ({ timeMs: index * 20, host: 'a', kind, text: `${kind} ${index}` }))
  const marks = MARK_KINDS.flatMap(kind => of(kind, 60)).sort((a, b) => a.timeMs - b.timeMs)
  const course = marksOf([], marks)
  t.is(course.marks.length, COURSE_MARKS)
  t.is(course.omittedMarks, 60 * MARK_KINDS.length - COURSE_MARKS)
  // 200 = 60 of each of the three first, and 20 of the fourth.
  t.deepEqual(MARK_KINDS.map(kind => course.marks.filter(mark => mark.kind === kind).length), [60, 60, 60, 20, 0, 0, 0])
  t.true(course.marks.every(({ timeMs }, index) => index === 0 || timeMs >= course.marks[index - 1].timeMs))
})
