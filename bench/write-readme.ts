import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { PAGE_BYTES } from '../src/report/page-budget.ts'
import type { SummaryData } from '../src/report/summary-data.ts'
import { hashOfPage, readLookedAt } from './looked-at.ts'
import { markedSection, withMarkedSection } from './marked-section.ts'
import { currentDefinitions, otherDefinitions } from './published-definitions.ts'
import { DOCUMENTS_OF_THE_ROOT, otherRoots, rootOf } from './published-root.ts'
import { README_MARKS, readmeFigures } from './readme-figures.ts'

/**
 * Brings the figures of README up to date with the published results (`reports/summary.json`). With `--check` it changes
 * nothing: the exit code is 1 where README says something else, a report is missing, nobody's or too large, was not looked
 * at as it is (`npm run reports:look`), or is of another definition of its experiment than the checkout's or of another root
 * than that of `npm run experiments`, or where a document that tells of what was published does not name that root.
 */

const readme = new URL('../README.md', import.meta.url)
const reports = new URL('../reports/', import.meta.url)

const data = JSON.parse(await readFile(new URL('summary.json', reports), 'utf8')) as SummaryData
const text = await readFile(readme, 'utf8')

if (process.argv.includes('--check')) {
  const definitions = otherDefinitions(data, await currentDefinitions(data))
  // Figures of other definitions need to be run again, not to be written anew.
  const problems = [...await wrongReports(), ...await wrongRoots(), ...definitions.length > 0 ? definitions : wrongLines(readmeFigures(data))]
  problems.forEach(problem => console.error(problem))
  console.log(problems.length === 0 ? `README.md and ${data.experiments.length} reports agree with reports/summary.json` : 'npm run readme writes the figures anew, npm run experiments the reports')
  process.exitCode = problems.length === 0 ? 0 : 1
} else {
  await writeFile(readme, withMarkedSection(text, README_MARKS, readmeFigures(data)))
}

async function wrongRoots (): Promise<string[]> {
  const root = new URL('../', import.meta.url)
  const documents = await Promise.all(DOCUMENTS_OF_THE_ROOT.map(async (file): Promise<[string, string]> => [file, await readFile(new URL(file, root), 'utf8')]))
  return otherRoots(data, rootOf(JSON.parse(await readFile(new URL('package.json', root), 'utf8'))), new Map(documents))
}

async function wrongReports (): Promise<string[]> {
  const pages = (await readdir(reports)).filter(file => file.endsWith('.html'))
  const found = new Set(pages.filter(file => file !== 'index.html'))
  const lookedAt = await readLookedAt(reports)
  const unseen = await Promise.all(pages.map(async file => await hashOfPage(reports, file) === lookedAt[file] ? [] : [`reports/${file} was not looked at as it is: npm run reports:look`]))
  const sizes = await Promise.all(pages.map(async file => ({ file, bytes: (await stat(new URL(file, reports))).size })))
  const named = new Set(data.experiments.map(({ report }) => report))
  return [
    ...[...named].filter(file => !found.has(file)).map(file => `reports/${file} is missing`),
    ...[...found].filter(file => !named.has(file)).map(file => `reports/${file} is in no summary`),
    ...unseen.flat(),
    ...sizes.filter(({ bytes }) => bytes > PAGE_BYTES).map(({ file, bytes }) => `reports/${file} has ${bytes} bytes; expected ${PAGE_BYTES} at most`)
  ]
}

function wrongLines (wanted: string): string[] {
  const lines = markedSection(text, README_MARKS).split('\n')
  const expected = wanted.split('\n')
  const index = expected.findIndex((line, i) => line !== lines[i])
  return index === -1 && lines.length === expected.length
    ? []
    : [`README.md differs from reports/summary.json: expected ${expected[Math.max(index, 0)] ?? 'nothing more'}; found ${lines[Math.max(index, 0)] ?? 'nothing'}`]
}
