import { join } from 'node:path'
import { TwinwireError } from '../core/errors.ts'
import type { ErrorParts } from '../core/errors.ts'
import type { SummaryEntry } from '../report/summary-data.ts'
import { makeReport } from './report.ts'

/** What a thread is asked for: the report of a results folder. */
export interface PageTask {
  /** The results: an absolute path. */
  readonly directory: string
  /** Where reports go: an absolute path. */
  readonly pages: string
  /** The report's name there. */
  readonly href: string
}

/** What a summary takes from a folder whose report is made. */
export interface MadePage extends SummaryEntry {
  /** How many runs left something. */
  readonly runs: number
}

/** A condition is returned: an error that is thrown loses its class and its fields on the way to another thread. */
export type PageOutcome = MadePage | { readonly error: ErrorParts }

/** What the threads of `makePages` run. */
export default async function pageWorker ({ directory, pages, href }: PageTask): Promise<PageOutcome> {
  try {
    const { results: { run, units }, analysis } = await makeReport(directory, join(pages, href))
    return { results: { run }, analysis, href, runs: units.length }
  } catch (error) {
    if (error instanceof TwinwireError) {
      return { error: error.parts }
    }
    throw error
  }
}
