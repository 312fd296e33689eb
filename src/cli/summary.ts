import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { TwinwireError } from '../core/errors.ts'
import type { CliContext } from './context.ts'
import { writeWhole } from './output-file.ts'
import type { MadePage } from './page-worker.ts'
import { makePages } from './pages.ts'
import type { PagesOptions } from './pages.ts'
import { fromHere } from './report.ts'
import { makePagesDirectory } from './results-directory.ts'

/** The page over all reports, and the same as data. */
export const SUMMARY_PAGE = 'index.html'
export const SUMMARY_DATA = 'summary.json'

/**
 * Makes the reports of several results folders, `<experiment>.html` each, and `index.html` and `summary.json` over them,
 * from what the folders hold and nothing else: the same bytes, however many threads make them.
 *
 * @param directories absolute, each of another experiment
 * @throws as `makePages` does
 * @throws ERR_INVALID_OPTION for two folders of one experiment, before any page is written, or where a page cannot be
 * written
 */
export async function makeSummary (directories: readonly string[], options: PagesOptions): Promise<MadePage[]> {
  const { pages, option } = options
  const names = await experimentsOf(directories)
  const entries = await makePages(directories.map((directory, index) => ({ directory, href: `${names[index]}.html` })), options)
  const [{ renderSummary }, { summaryData }] = await Promise.all([import('../report/summary.ts'), import('../report/summary-data.ts')])
  writeWhole(option, pages, SUMMARY_PAGE, await renderSummary(entries))
  writeWhole(option, pages, SUMMARY_DATA, `${JSON.stringify(summaryData(entries))}\n`)
  return entries
}

/**
 * The command `summary`.
 *
 * @throws the signal's reason where it was interrupted
 */
export async function summary (context: CliContext, directories: readonly string[], { out }: { readonly out: string }): Promise<void> {
  const { stdout, signal, workingDirectory } = context
  const pages = resolve(workingDirectory, out)
  await makePagesDirectory('--out', pages)
  await makeSummary(directories.map(directory => resolve(workingDirectory, directory)), { pages, option: '--out', threads: availableParallelism(), signal })
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
