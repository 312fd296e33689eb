import { readdir, readFile, writeFile } from 'node:fs/promises'
import type { SummaryData } from '../src/report/summary-data.ts'
import { markedSection, withMarkedSection } from './marked-section.ts'
import { README_MARKS, readmeFigures } from './readme-figures.ts'

/**
 * Brings the figures of README up to date with the published results (`reports/summary.json`). With `--check` it changes
 * nothing: the exit code is 1 where README says something else, or a report is missing or nobody's.
 */

const readme = new URL('../README.md', import.meta.url)
const reports = new URL('../reports/', import.meta.url)

const data = JSON.parse(await readFile(new URL('summary.json', reports), 'utf8')) as SummaryData
const text = await readFile(readme, 'utf8')
const wanted = readmeFigures(data)

if (process.argv.includes('--check')) {
  const problems = [...await wrongReports(), ...wrongLines()]
  problems.forEach(problem => console.error(problem))
  console.log(problems.length === 0 ? `README.md and ${data.experiments.length} reports agree with reports/summary.json` : 'npm run readme writes the figures anew')
  process.exitCode = problems.length === 0 ? 0 : 1
} else {
  await writeFile(readme, withMarkedSection(text, README_MARKS, wanted))
}

async function wrongReports (): Promise<string[]> {
  const found = new Set((await readdir(reports)).filter(file => file.endsWith('.html') && file !== 'index.html'))
  const named = new Set(data.experiments.map(({ report }) => report))
  return [
    ...[...named].filter(file => !found.has(file)).map(file => `reports/${file} is missing`),
    ...[...found].filter(file => !named.has(file)).map(file => `reports/${file} is in no summary`)
  ]
}

function wrongLines (): string[] {
  const lines = markedSection(text, README_MARKS).split('\n')
  const expected = wanted.split('\n')
  const index = expected.findIndex((line, i) => line !== lines[i])
  return index === -1 && lines.length === expected.length
    ? []
    : [`README.md differs from reports/summary.json: expected ${expected[Math.max(index, 0)] ?? 'nothing more'}; found ${lines[Math.max(index, 0)] ?? 'nothing'}`]
}
