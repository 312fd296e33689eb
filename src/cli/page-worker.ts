import { TwinwireError } from '../core/errors.ts'
import type { SummaryEntry } from '../report/summary-data.ts'
import { renderFolder } from './report.ts'

/** What a thread is asked for: the report of a results folder. */
export interface PageTask {
  /** The results: an absolute path. */
  readonly directory: string
  /** The report's name among the pages. */
  readonly href: string
}

/** What a summary takes from a folder whose report is made. */
export interface MadePage extends SummaryEntry {
  /** How many runs left something. */
  readonly runs: number
}

/** A page that is yet to be written: not by a thread, which may be ended in between. */
export interface RenderedPage extends MadePage {
  readonly html: string
}

/** A condition is returned: an error that is thrown loses its class and its fields on the way to another thread. */
export type PageOutcome = RenderedPage | { readonly error: Pick<TwinwireError, 'code' | 'message'> }

/** What the threads of `makePages` run. */
export default async function pageWorker ({ directory, href }: PageTask): Promise<PageOutcome> {
  try {
    const { results: { run, units }, analysis, html } = await renderFolder(directory)
    return { results: { run }, analysis, href, runs: units.length, html }
  } catch (error) {
    if (error instanceof TwinwireError) {
      return { error: { code: error.code, message: error.message } }
    }
    throw error
  }
}
