import { join, relative, resolve } from 'node:path'
import type { Analysis } from '../report/analysis.ts'
import type { ResultsData } from '../results/data.ts'
import type { CliContext } from './context.ts'
import { writeWhole } from './output-file.ts'

export interface RenderedReport {
  readonly results: ResultsData
  readonly analysis: Analysis
  readonly html: string
}

export interface MadeReport extends Pick<RenderedReport, 'results' | 'analysis'> {
  /** The report's absolute path. */
  readonly path: string
}

/**
 * Makes the report of a results folder from what the folder holds and nothing else, so that the same results give the
 * same bytes whenever and wherever it is made.
 *
 * @param file default: `report.html` in the folder
 * @param underWay as in `renderFolder`
 * @throws as `renderFolder` does
 * @throws ERR_INVALID_OPTION where the file cannot be written
 */
export async function makeReport (directory: string, file: string = reportFile(directory), underWay = false): Promise<MadeReport> {
  const { results, analysis, html } = await renderFolder(directory, underWay)
  writeWhole('--out', directory, file, html)
  return { results, analysis, path: file }
}

/**
 * The report of a results folder, and what it is made of; nothing is written.
 *
 * @param underWay whether the run goes on: then the report is of the seeds so far, and a browser loads it anew
 * @throws ERR_RESULTS_INCOMPLETE, ERR_INVALID_FILE for a folder that does not hold whole results
 */
export async function renderFolder (directory: string, underWay = false): Promise<RenderedReport> {
  // Charts and Parquet take longer to load than most commands to run.
  const [{ readResults }, { completeSeeds }, { analyse }, { renderReport }] = await Promise.all([
    import('../results/files.ts'), import('../results/complete-seeds.ts'), import('../report/analysis.ts'), import('../report/html.ts')
  ])
  const planned = await readResults(directory)
  const results = underWay ? completeSeeds(planned) : planned
  const analysis = analyse(results)
  return { results, analysis, html: await renderReport(results, analysis, underWay ? { planned } : {}) }
}

/** Where the report of a results folder is. */
export function reportFile (directory: string): string {
  return join(directory, 'report.html')
}

/** The command `report`. */
export async function report (context: CliContext, directory: string, { out }: { readonly out?: string }): Promise<void> {
  const { stdout, workingDirectory } = context
  const file = out === undefined ? undefined : resolve(workingDirectory, out)
  const { path } = await makeReport(resolve(workingDirectory, directory), file)
  stdout.write(`Report: ${fromHere(context, path)}\n`)
}

/** The path as one would type it: relative where it is below the working directory. */
export function fromHere ({ workingDirectory }: CliContext, path: string): string {
  const short = relative(workingDirectory, path)
  return short.startsWith('..') ? path : short
}
