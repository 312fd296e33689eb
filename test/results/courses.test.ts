import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import type { Course } from '../../src/experiment/course.ts'
import { parseCourses, encodeCourses } from '../../src/results/courses.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { readResults, writeResults } from '../../src/results/files.ts'
import { syntheticCourse } from '../report/fixtures/course.ts'
import { syntheticResults } from '../report/fixtures/results.ts'

const plain = syntheticResults({ simSeeds: 2, tcpSeeds: 0 })
const course = syntheticCourse()
const results: ResultsData = { ...plain, units: plain.units.map((unit, index) => index % 5 === 0 ? { ...unit, course } : unit) }

async function folder (t: ExecutionContext, data = results): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'twinwire-courses-'))
  t.teardown(async () => await rm(directory, { recursive: true }))
  await writeResults(directory, data)
  return directory
}

/** Puts another text in the place of the courses, with the hash that it should have. */
async function replaceCourses (directory: string, text: string): Promise<void> {
  const path = join(directory, 'manifest.json')
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { files: Record<string, { bytes: number, sha256: string }> }
  manifest.files['courses.json'] = { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') }
  await writeFile(path, JSON.stringify(manifest))
  await writeFile(join(directory, 'courses.json'), text)
}

test('courses are read as they were written, and the manifest has none of them', async t => {
  const directory = await folder(t)
  const { units } = await readResults(directory)
  t.is(units.filter(unit => unit.course !== undefined).length, results.units.filter(unit => unit.course !== undefined).length)
  t.deepEqual(units.find(unit => unit.course !== undefined)?.course, course)
  const manifest = await readFile(join(directory, 'manifest.json'), 'utf8')
  t.false(manifest.includes('"series"'))
  t.true(manifest.includes('"courses.json"'))
})

test('the same courses are the same bytes, in whatever order runs and fields come', async t => {
  const [one, other] = [await folder(t), await folder(t, { ...results, units: results.units.toReversed().map(unit => unit.course === undefined ? unit : { ...unit, course: Object.fromEntries(Object.entries(unit.course).toReversed()) as unknown as Course }) })]
  t.is(await readFile(join(one, 'courses.json'), 'utf8'), await readFile(join(other, 'courses.json'), 'utf8'))
})

test('a folder without courses has no such file, also where one was there before, and is read', async t => {
  const directory = await folder(t)
  await writeResults(directory, plain)
  t.deepEqual((await readdir(directory)).sort(), ['manifest.json', 'samples.parquet', 'summary.csv'])
  t.true((await readResults(directory)).units.every(unit => unit.course === undefined))
})

test('courses that are cut, missing, or belong to no run are noticed', async t => {
  const directory = await folder(t)
  const path = join(directory, 'courses.json')
  const whole = await readFile(path, 'utf8')
  await writeFile(path, whole.slice(0, whole.length / 2))
  await t.throwsAsync(async () => await readResults(directory), { code: 'ERR_INVALID_FILE', message: /not the one that the manifest describes.*courses\.json/ })
  await rm(path)
  await t.throwsAsync(async () => await readResults(directory), { code: 'ERR_RESULTS_INCOMPLETE', message: /courses\.json/ })
  await replaceCourses(directory, whole.replace('"seed":"1/0"', '"seed":"9/9"'))
  await t.throwsAsync(async () => await readResults(directory), { code: 'ERR_INVALID_FILE', message: /belongs to no run.*courses\.json.*9\/9/ })
})

test('what is wrong in courses is said with its place', t => {
  const text = encodeCourses(results.units) ?? ''
  const wrong = (from: string, to: string): string => t.throws(() => parseCourses(text.replace(from, to), 'courses.json'), { instanceOf: TwinwireError, code: 'ERR_INVALID_FILE' })?.message ?? ''
  t.regex(wrong('[\n', ''), /not JSON/)
  t.regex(wrong('"unit":"bytes"', '"unit":"furlongs"'), /courses\.json: 0\.series\.0\.unit; expected .*; found "furlongs"/)
  t.regex(wrong('"endMs":', '"endMs":-'), /0\.endMs/)
  t.regex(wrong('"points":[[', '"points":[[1e9,1],['), /points in order of time/)
  t.regex(wrong('"marks":[{"timeMs":', '"marks":[{"timeMs":1e9,"host":"a","kind":"tcp","text":"x"},{"timeMs":'), /marks in order of time/)
  t.regex(wrong('"omittedMarks"', '"more":1,"omittedMarks"'), /courses\.json: 0/)
  const [, first] = text.split('\n')
  t.throws(() => parseCourses(`[${first}${first.replace(/,$/, '')}]`, 'courses.json'), { code: 'ERR_INVALID_FILE', message: /two courses of one run/ })
})

test('whatever stands in the file, it is read or refused with ERR_INVALID_FILE', t => {
  const text = encodeCourses(results.units.slice(0, 1)) ?? ''
  fc.assert(fc.property(fc.nat(text.length - 1), fc.nat(20), fc.string({ maxLength: 4 }), (from, length, inserted) => {
    try {
      parseCourses(text.slice(0, from) + inserted + text.slice(from + length), 'courses.json')
    } catch (error) {
      if (!(error instanceof TwinwireError && error.code === 'ERR_INVALID_FILE')) {
        throw error
      }
    }
  }), { numRuns: 2_000 })
  t.pass()
})
