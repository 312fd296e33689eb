import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { show, TwinwireError } from '../core/errors.ts'
import type { Course } from '../experiment/course.ts'
import type { SampleEvent } from '../experiment/definition.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { encodeCourses, parseCourses } from './courses.ts'
import { compareUnits, holes, unitId } from './data.ts'
import type { ResultsData, RunDescription } from './data.ts'
import { parseManifest, runOf, SCHEMA_VERSION } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import { decodeSamples, encodeSamples } from './samples.ts'
import { encodeSummary } from './summary.ts'

const MANIFEST = 'manifest.json'
const SUMMARY = 'summary.csv'
const SAMPLES = 'samples.parquet'
/** Only where runs have courses. */
const COURSES = 'courses.json'

/**
 * Writes a run's folder, making it where needed. The same data gives the same bytes. The manifest comes last, so that a
 * folder with a manifest is a whole one.
 *
 * @throws ERR_INVALID_OPTION for two results of one run, or a sample that is not a finite number
 */
export async function writeResults (directory: string, results: ResultsData): Promise<void> {
  checkUnits(results.units)
  const units = [...results.units].sort(compareUnits)
  const courses = encodeCourses(units)
  const contents = {
    [SAMPLES]: encodeSamples(units), [SUMMARY]: Buffer.from(encodeSummary(results)), ...(courses === undefined ? {} : { [COURSES]: Buffer.from(courses) })
  }
  const manifest: Manifest = {
    ...(results.run as Omit<Manifest, 'schemaVersion' | 'status' | 'units' | 'files'>),
    schemaVersion: SCHEMA_VERSION,
    status: holes(results).length === 0 ? 'complete' : 'partial',
    units: units.map(({ samples, course: _course, ...unit }) => ({ ...unit, samples: samples.length })),
    files: Object.fromEntries(Object.entries(contents).map(([name, bytes]) => [name, fingerprint(bytes)]))
  }
  await mkdir(directory, { recursive: true })
  const files = [...Object.entries(contents), [MANIFEST, `${JSON.stringify(manifest, undefined, 2)}\n`] as const]
  // All of them before the first takes its place: where the disk is full, an earlier run's results stay whole.
  for (const [name, content] of files) {
    await writeFile(temporaryOf(directory, name), content)
  }
  if (courses === undefined) {
    await rm(join(directory, COURSES), { force: true })
  }
  for (const [name] of files) {
    await rename(temporaryOf(directory, name), join(directory, name))
  }
}

/**
 * What a run's folder says of its run: of its files only the manifest is read.
 *
 * @throws ERR_RESULTS_INCOMPLETE where that is missing, ERR_INVALID_FILE where it is none
 */
export async function readRun (directory: string): Promise<RunDescription> {
  return runOf(await readManifest(directory))
}

/**
 * Reads a run's folder and checks that its files are whole and belong together.
 *
 * @throws ERR_RESULTS_INCOMPLETE where a file is missing, ERR_INVALID_FILE where one is not what was written
 */
export async function readResults (directory: string): Promise<ResultsData> {
  const manifest = await readManifest(directory)
  await readWhole(directory, SUMMARY, manifest)
  const samplesPath = join(directory, SAMPLES)
  const samples = new Map<string, SampleEvent[]>(manifest.units.map((unit) => [unitId(unit), []]))
  for (const row of await decodeSamples(await readWhole(directory, SAMPLES, manifest), samplesPath)) {
    const { host, metric, time_ms: timeMs, value, ok, reason } = row
    const list = samples.get(unitId(row))
    if (list === undefined) {
      throw new TwinwireError('ERR_INVALID_FILE', 'a sample belongs to no run of the manifest', { path: samplesPath, found: unitId(row) })
    }
    list.push({ type: 'sample', timeMs, host, metric, value, ok, reason })
  }
  const coursesPath = join(directory, COURSES)
  const courses = COURSES in manifest.files ? parseCourses((await readWhole(directory, COURSES, manifest)).toString('utf8'), coursesPath) : new Map<string, Course>()
  const stranger = [...courses.keys()].find(id => !samples.has(id))
  if (stranger !== undefined) {
    throw new TwinwireError('ERR_INVALID_FILE', 'a course belongs to no run of the manifest', { path: coursesPath, found: stranger })
  }
  const units = manifest.units.map(({ samples: expected, ...unit }) => {
    const found = samples.get(unitId(unit)) ?? []
    if (found.length !== expected) {
      throw new TwinwireError('ERR_INVALID_FILE', 'samples of a run are missing', { path: `${samplesPath}: ${unitId(unit)}`, expected: `${expected} samples`, found: String(found.length) })
    }
    const course = courses.get(unitId(unit))
    return { ...unit, samples: found, ...(course === undefined ? {} : { course }) }
  })
  return { run: runOf(manifest), units }
}

function checkUnits (units: readonly UnitResult[]): void {
  const seen = new Set<string>()
  for (const unit of units) {
    const id = unitId(unit)
    if (seen.has(id)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'two results of one run', { path: id })
    }
    seen.add(id)
    for (const { metric, value, timeMs } of unit.samples) {
      if (!Number.isFinite(value) || !Number.isFinite(timeMs)) {
        throw new TwinwireError('ERR_INVALID_OPTION', 'a sample is not a number', { path: `${id}.${metric}`, expected: 'a finite value and time', found: `${value} at ${timeMs} ms` })
      }
    }
  }
}

async function readManifest (directory: string): Promise<Manifest> {
  return parseManifest((await readPart(directory, MANIFEST)).toString('utf8'), join(directory, MANIFEST))
}

/** A file that is as the manifest says. */
async function readWhole (directory: string, name: string, { files }: Manifest): Promise<Buffer> {
  const bytes = await readPart(directory, name)
  const expected = files[name]
  const found = fingerprint(bytes)
  if (found.sha256 !== expected?.sha256) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the file is not the one that the manifest describes', {
      path: join(directory, name), expected: expected === undefined ? 'an entry in the manifest' : `${expected.bytes} bytes, sha256 ${expected.sha256}`, found: `${found.bytes} bytes, sha256 ${found.sha256}`
    })
  }
  return bytes
}

async function readPart (directory: string, name: string): Promise<Buffer> {
  const path = join(directory, name)
  try {
    return await readFile(path)
  } catch (error) {
    const found = error instanceof Error && 'code' in error ? show(error.code) : show(String(error))
    throw new TwinwireError('ERR_RESULTS_INCOMPLETE', 'a file of the results cannot be read', { path, expected: `${MANIFEST}, ${SUMMARY} and ${SAMPLES}`, found, cause: error })
  }
}

/** Whoever reads meanwhile sees the old file or the new one, never a part. */
function temporaryOf (directory: string, name: string): string {
  return join(directory, `${name}.tmp`)
}

function fingerprint (bytes: Uint8Array): { bytes: number, sha256: string } {
  return { bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') }
}
