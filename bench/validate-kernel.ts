import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Tinypool } from 'tinypool'
import { table } from '../src/cli/table.ts'
import { writeMarkedSection } from './marked-section.ts'
import { further, judge } from './validate-kernel/groups.ts'
import type { Outcome } from './validate-kernel/groups.ts'
import { overlays, overlaySvg } from './validate-kernel/overlay.ts'
import { fidelityFigures, htmlPage } from './validate-kernel/page.ts'
import type { Findings } from './validate-kernel/page.ts'
import { readReference } from './validate-kernel/reference.ts'
import { furtherTable, groupTable, missTable } from './validate-kernel/tables.ts'
import { bulkTask, connectTask, fctTask, libp2pTask, pairTask } from './validate-kernel/task.ts'
import type { Task } from './validate-kernel/task.ts'
import type { Modelled } from './validate-kernel/worker.ts'

/**
 * Every row of the kernel measurements (test/data/kernel-tcp) over the model: a table of errors by group and the rows
 * that miss on stdout; all figures as JSON and as a page in results/kernel. With --write also docs/fidelity.md. The exit
 * code is 0 also where targets are missed. The figures are the same whatever the number of jobs.
 */
const USAGE = 'usage: npm run validate:kernel -- [--write] [--only bulk|fct|connect|pair|libp2p] [--congestion <name>] [--jobs <n>]\n'

/** Where the generated part of docs/fidelity.md stands. */
const BEGIN = '<!-- figures of npm run validate:kernel -- --write -->'
const END = '<!-- end of figures -->'

const results = new URL('../results/kernel/', import.meta.url)
const docs = new URL('../docs/', import.meta.url)

async function main (values: Arguments): Promise<void> {
  const tasks = (await allTasks()).filter(({ kind, congestion }) =>
    (values.only === undefined || kind === values.only) && (values.congestion === undefined || congestion.every(name => name === values.congestion)))
  const startedMs = performance.now()
  const outcomes = await measureAll(tasks, values.jobs)
  const findings: Findings = { groups: judge(outcomes), further: further(outcomes), overlays: await overlays() }

  const [heading, ...rows] = groupTable(findings.groups)
  process.stdout.write(`${table(heading, rows)}\n`)
  const [furtherHeading, ...furtherRows] = furtherTable(findings.further)
  process.stdout.write(`\n${table(furtherHeading, furtherRows)}\n`)
  const [missHeading, ...misses] = missTable(findings.groups)
  process.stdout.write(misses.length === 0 ? '\nno row misses\n' : `\n${misses.length} figures beyond their limit\n${table(missHeading, misses)}\n`)
  process.stdout.write(`\n${tasks.length} rows in ${((performance.now() - startedMs) / 1e3).toFixed(0)} s\n`)

  await mkdir(results, { recursive: true })
  await writeFile(new URL('validation.json', results), `${JSON.stringify({ ...findings, overlays: undefined, outcomes }, undefined, 2)}\n`)
  await writeFile(new URL('report.html', results), htmlPage(findings))
  process.stdout.write('results/kernel/report.html, results/kernel/validation.json\n')
  if (values.write) {
    await writeDocument(findings)
  }
}

interface Arguments {
  readonly write: boolean
  readonly only?: string | undefined
  readonly congestion?: string | undefined
  readonly jobs: number
}

function readArguments (): Arguments {
  const { values } = parseArgs({
    options: { write: { type: 'boolean', default: false }, only: { type: 'string' }, congestion: { type: 'string' }, jobs: { type: 'string', default: String(availableParallelism()) } }
  })
  if (!/^[1-9]\d*$/.test(values.jobs)) {
    throw new Error(`--jobs: expected a whole number of at least 1, found ${values.jobs}`)
  }
  if (values.write && (values.only ?? values.congestion) !== undefined) {
    throw new Error('--write documents all rows: it goes with neither --only nor --congestion')
  }
  return { ...values, jobs: Number(values.jobs) }
}

async function allTasks (): Promise<Task[]> {
  return [
    ...(await readReference('bulk_summary.csv')).map(bulkTask),
    ...(await readReference('pair_summary.csv')).map(pairTask),
    ...(await readReference('fct_summary.csv')).map(fctTask),
    ...(await readReference('connect_summary.csv')).map(connectTask),
    ...(await readReference('libp2p_summary.csv')).map(libp2pTask)
  ]
}

async function measureAll (tasks: readonly Task[], jobs: number): Promise<Outcome[]> {
  const pool = new Tinypool({ filename: new URL('./validate-kernel/worker.ts', import.meta.url).href, minThreads: 1, maxThreads: jobs })
  let done = 0
  try {
    return await Promise.all(tasks.map(async task => {
      const modelled = await pool.run(task) as Modelled
      done++
      if (process.stderr.isTTY) {
        process.stderr.write(`\r${done} of ${tasks.length}`)
      }
      return { task, modelled }
    }))
  } finally {
    await pool.destroy()
    if (process.stderr.isTTY) {
      process.stderr.write('\r')
    }
  }
}

async function writeDocument (findings: Findings): Promise<void> {
  await writeMarkedSection(new URL('fidelity.md', docs), BEGIN, END, fidelityFigures(findings))
  await mkdir(new URL('fidelity/', docs), { recursive: true })
  for (const overlay of findings.overlays) {
    await writeFile(new URL(`fidelity/${overlay.name}.svg`, docs), `${overlaySvg(overlay)}\n`)
  }
  process.stdout.write('docs/fidelity.md, docs/fidelity/*.svg\n')
}

let given: Arguments | undefined
try {
  given = readArguments()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  process.exitCode = 2
}
if (given !== undefined) {
  await main(given)
}
