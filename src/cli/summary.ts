import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { show, TwinwireError } from '../core/errors.ts'
import type { CliContext } from './context.ts'
import { OutputFile } from './output-file.ts'
import type { MadePage } from './page-worker.ts'
import { makePages } from './pages.ts'
import { fromHere } from './report.ts'

/** The page over all reports, and the same as data. */
export const SUMMARY_PAGE = 'index.html'
export const SUMMARY_DATA = 'summary.json'

/**
 * Makes the reports of several results folders, `<experiment>.html` each, and `index.html` and `summary.json` over them,
 * from what the folders hold and nothing else: the same bytes, however many threads make them.
 *
 * @param directories absolute, each of another experiment
 * @param pages an absolute path of a folder; it is made where there is none
 * @param threads how many reports are made at a time
 * @throws as `makeReport` does
 * @throws ERR_INVALID_OPTION for two folders of one experiment, before any page is written, or where the folder cannot be
 * made or written to
 */
export async function makeSummary (directories: readonly string[], pages: string, threads: number): Promise<MadePage[]> {
  await makeFolder(pages)
  const names = await experimentsOf(directories)
  const entries = await makePages(directories.map((directory, index) => ({ directory, pages, href: `${names[index]}.html` })), threads)
  const [{ renderSummary }, { summaryData }] = await Promise.all([import('../report/summary.ts'), import('../report/summary-data.ts')])
  writeWhole(pages, SUMMARY_PAGE, await renderSummary(entries))
  writeWhole(pages, SUMMARY_DATA, `${JSON.stringify(summaryData(entries))}\n`)
  return entries
}

/** Each holds the results of an experiment, of up to some hundred megabytes. */
const MOST_THREADS = 4

/** The command `summary`. */
export async function summary (context: CliContext, directories: readonly string[], { out }: { readonly out: string }): Promise<void> {
  const { stdout, workingDirectory } = context
  const pages = resolve(workingDirectory, out)
  await makeSummary(directories.map(directory => resolve(workingDirectory, directory)), pages, Math.min(availableParallelism(), MOST_THREADS))
  stdout.write(`Summary: ${fromHere(context, join(pages, SUMMARY_PAGE))}\n`)
}

/** The name of each folder's experiment. */
async function experimentsOf (directories: readonly string[]): Promise<string[]> {
  const { readRun } = await import('../results/files.ts')
  const names: string[] = []
  for (const directory of directories) {
    const { name } = (await readRun(directory)).experiment
    if (names.includes(name)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'two folders hold results of one experiment', { path: directory, expected: 'one folder an experiment', found: name })
    }
    names.push(name)
  }
  return names
}

async function makeFolder (path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    const found = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new TwinwireError('ERR_INVALID_OPTION', 'the folder cannot be made', { path: '--out', expected: 'a folder', found: `${show(path)} (${found})`, cause: error })
  }
}

function writeWhole (directory: string, name: string, text: string): void {
  const file = new OutputFile('--out', directory, name)
  try {
    file.write(new TextEncoder().encode(text))
    file.commit()
  } finally {
    file.discard()
  }
}
