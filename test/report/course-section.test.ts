import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import { casesWithCourses, courseId, courseSection } from '../../src/report/course-section.ts'
import { traceCommand } from '../../src/report/course-command.ts'
import { renderReport } from '../../src/report/html.ts'
import { armStyles } from '../../src/report/palette.ts'
import type { Course, CourseSeries } from '../../src/experiment/course.ts'
import { chooseCourses } from '../../src/results/course-choice.ts'
import { unitId } from '../../src/results/data.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { syntheticCourse } from './fixtures/course.ts'
import { syntheticResults } from './fixtures/results.ts'

const BUDGET = 700_000

/** Synthetic results, of which the chosen runs have this course. */
function withCourses (course: Partial<Course> = {}, data: ResultsData = syntheticResults({ simSeeds: 5, tcpSeeds: 0 })): ResultsData {
  const chosen = new Map(chooseCourses(data).map(({ reason, ...unit }) => [unitId(unit), reason]))
  return {
    ...data,
    units: data.units.map(unit => {
      const reason = chosen.get(unitId(unit))
      return reason === undefined ? unit : { ...unit, course: syntheticCourse({ ...course, reason }) }
    })
  }
}

function textOf (results: ResultsData, bytesLeft = Infinity): string {
  return courseSection(results, armStyles(results.run.experiment.arms, 'plain'), bytesLeft)?.text ?? ''
}

const results = withCourses()
const section = textOf(results)

test('without courses there is no section', async t => {
  const plain = syntheticResults({ simSeeds: 2, tcpSeeds: 0 })
  t.is(courseSection(plain, new Map(), Infinity), undefined)
  const report = await renderReport(plain, analyse(plain))
  t.false(report.includes('id="runs"'))
  t.false(report.includes('courses.json'))
})

test('the report has the section after the timeline, no id twice, and a place to link to for each case that has runs', async t => {
  const report = await renderReport(results, analyse(results))
  t.regex(report, /id="timeline"[\s\S]*id="runs"[\s\S]*id="agreement"/)
  const ids = [...report.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  t.is(new Set(ids).size, ids.length)
  t.is(casesWithCourses(results).size, 5)
  t.true([...casesWithCourses(results)].every(name => ids.includes(courseId(name))))
  t.notRegex(report, /(?:src|href)="(?!#)/)
  t.true(report.includes('<code>courses.json</code> (single runs, from inside)'))
  const compared = [...report.matchAll(/<tr class="group"><th colspan="5" scope="rowgroup"><span><a href="#([^"]+)">/g)].map(([, id]) => id)
  t.true(compared.length > 0 && compared.every(id => ids.includes(id)))
})

test('each run says why it is there, has a description, its numbers and marks, and only the first is open', t => {
  const runs = section.match(/<details class="course"[\s\S]*?<\/pre><\/details>/g) ?? []
  t.is(runs.length, results.units.filter(({ course }) => course !== undefined).length)
  for (const run of runs) {
    t.regex(run, /the (?:median|worst) of 5 runs: [^<]* \d/)
    t.regex(run, /role="img" aria-label="A run of 30 s: \d+ samples?, \d+ failed; 2 connections\. at 10 s black hole [^"]{100,}"/)
    t.regex(run, /congestion window, #1 client → server<\/th><td>14\.5 kB<\/td><td>3\d\.\d kB<\/td><td>54\.5 kB/)
    t.is(run.match(/<li>/g)?.length, 4)
    t.regex(run, /And 3 more of less importance/)
    t.regex(run, /twinwire<\/span> <span>trace<\/span> <span>connection-setup<\/span> <span>--case<\/span>/)
  }
  t.is(section.match(/<details class="course" open>/g)?.length, 1)
  t.true(section.indexOf('class="course" open') < section.indexOf('class="course">'))
})

test('a fault is a band from its beginning to its end, and what failed is a cross', t => {
  // 10 s to 30 s of 30 s: from a third of the axis to its end, which takes 480 - 52 - 8.
  const left = Math.round(52 + 420 / 3)
  t.true(section.includes(`<rect class="fault" x="${left}"`) && section.includes(`width="${472 - left}"`))
  const failed = { ...results, units: results.units.map(unit => ({ ...unit, samples: unit.samples.map(sample => ({ ...sample, ok: false, reason: 'ERR_TIMEOUT' })) })) }
  t.true(textOf(failed).includes('class="crosses"') && !textOf(failed).includes('class="dots"'))
})

test('a run that failed comes first, and says with what', t => {
  const units = results.units.map(unit => unit.course?.reason === 'worst' ? { ...unit, error: { code: 'ERR_TIMEOUT', message: 'not over <after> 30 s' }, course: { ...unit.course, reason: 'failed' as const } } : unit)
  const text = textOf({ ...results, units })
  t.regex(text.slice(0, text.indexOf('</summary>')), /failed: ERR_TIMEOUT, not over &lt;after&gt; 30 s/)
})

test('numbers above a chart cover all marks in order, and of very many the most important are listed', t => {
  const marks = Array.from({ length: 150 }, (_, index) => ({ timeMs: index * 200, host: 'client', kind: index % 15 === 0 ? 'health' as const : 'tcp' as const, text: `mark ${index}` }))
  const text = textOf(withCourses({ marks }))
  const [run] = text.match(/<details class="course"[\s\S]*?<\/pre><\/details>/) ?? ['']
  const labels = [...run.matchAll(/class="number-of-mark"[^>]*>([\d–]+)</g)].map(([, label]) => label.split('–').map(Number))
  t.deepEqual(labels.flatMap(([first, last = first]) => Array.from({ length: last - first + 1 }, (_, index) => first + index)), Array.from({ length: 30 }, (_, index) => index + 1))
  t.true(Array.from({ length: 10 }, (_, index) => `mark ${index * 15}<`).every(mark => run.includes(mark)))
})

test('a section keeps within its budget, leaves out the largest, and says so', t => {
  const series: CourseSeries[] = Array.from({ length: 40 }, (_, connection) => ({
    what: 'round-trip', connection, from: 'client', to: 'server', unit: 'ms', points: Array.from({ length: 240 }, (_, index) => [index * 125, 50 + (index * 7919 + connection * 104_729) % 100])
  }))
  const { units } = results
  const data = { ...results, units: units.map(unit => unit.course === undefined ? unit : { ...unit, course: { ...unit.course, series: unit.arm === 'pool' ? unit.course.series : [...series, ...series] } }) }
  const text = textOf(data)
  const of = (pattern: RegExp): number => text.match(pattern)?.length ?? 0
  const shown = of(/<details class="course"/g)
  t.true(text.length < BUDGET + 5_000, String(text.length))
  t.true(shown > 0 && shown < units.filter(({ course }) => course !== undefined).length)
  t.regex(text, /runs, the largest, are left out/)
  const room = 100_000
  t.true(Buffer.byteLength(textOf(data, room)) < room + 5_000)
  t.is(textOf(data, -1).match(/<details class="course"/g), null)
  // Those of the pool are small, and so all there.
  t.is(of(/--arm<\/span> <span>pool<\/span>/g), units.filter(({ arm, course }) => arm === 'pool' && course !== undefined).length)
})

test('each line has its key, however many they are, and no two look the same', t => {
  const windows: CourseSeries[] = Array.from({ length: 12 }, (_, index) => ({ what: 'window', connection: index + 1, from: 'client', to: 'server', unit: 'bytes', points: [[0, 14_480], [20_000, 40_000 + index]] }))
  const [run] = textOf(withCourses({ series: windows, connections: 55 })).match(/<figure>[\s\S]*?<\/figcaption>/) ?? ['']
  const keys = run.match(/<span class="key">[\s\S]*?<\/svg>/g) ?? []
  t.is(keys.length, 12)
  t.is(new Set(keys).size, 12)
  t.true(run.includes('#12 client → server, 0 ms to 20 s') && run.includes('And 43 more connections without a line.'))
})

test('whatever stands in a course is escaped', t => {
  const evil = '</svg><img src=x onerror=alert(1)>"\''
  const course = syntheticCourse()
  const text = textOf(withCourses({
    series: course.series.map(series => ({ ...series, from: evil, to: evil })),
    marks: course.marks.map(mark => ({ ...mark, host: evil, text: evil }))
  }))
  t.false(text.includes('<img'))
  t.is(text.match(/<svg/g)?.length, text.match(/<\/svg>/g)?.length)
})

test('a course without series, samples or marks can be shown, and so can one of no length', t => {
  const empty = withCourses({ series: [], marks: [], omittedMarks: 0, connections: 0 })
  t.regex(textOf(empty), /Nothing but what the chart shows/)
  const still = withCourses({ endMs: 0, series: [{ what: 'queue', from: 'a', to: 'b', unit: 'bytes', points: [[0, 0]] }], marks: [] })
  t.notRegex(textOf({ ...still, units: still.units.map(unit => ({ ...unit, samples: [] })) }), /NaN|Infinity/)
})

test('no chart has a coordinate that is no number', t => {
  t.notRegex(section, /(?:NaN|Infinity|undefined)/)
})

test('the command has seed and settings as they were typed', t => {
  const { experiment } = results.run
  const key = { wire: 'sim', case: 'silent-death', arm: 'pool', seed: "it's mine/12" } as const
  t.is(
    traceCommand({ experiment, command: "twinwire run connection-setup --seed 'it'\\''s mine' --seeds 20 --set rttMs=80 --set 'name=two words'" }, key),
    "twinwire trace connection-setup --case silent-death --arm pool --seed 'it'\\''s mine' --repetition 12 --set rttMs=80 --set 'name=two words' --perfetto run.json"
  )
  t.is(traceCommand({ experiment, command: 'elsewhere' }, { ...key, seed: 'a/b/3' }), 'twinwire trace connection-setup --case silent-death --arm pool --seed a/b --repetition 3 --perfetto run.json')
  t.is(
    traceCommand({ experiment, command: "twinwire run connection-setup --seed s --seeds 20 --experiments 'my own' --set rttMs=80" }, { ...key, seed: 's/0' }),
    "twinwire trace connection-setup --case silent-death --arm pool --seed s --repetition 0 --experiments 'my own' --set rttMs=80 --perfetto run.json"
  )
})
