import { TwinwireError } from '../core/errors.ts'
import { atATime, inTurn } from './in-turn.ts'
import { writeWhole } from './output-file.ts'
import type { MadePage, PageOutcome, PageTask } from './page-worker.ts'
import { Threads } from './threads.ts'

const WORKER = new URL(`page-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/** Each holds the results of an experiment, of up to some hundred megabytes. */
const MOST_THREADS = 4

export interface PagesOptions {
  /** Where pages go: an absolute path of a folder that is there. */
  readonly pages: string
  /** What the user gave its name with. */
  readonly option: string
  /** How many reports are made at a time, 4 at most. */
  readonly threads: number
  /** Ends it: pages that are there by then stay. */
  readonly signal: AbortSignal
}

/**
 * Makes the reports of several results folders, each as `makeReport` does, so many at a time: each is rendered in a thread,
 * and written here. When it returns or throws, no report is under way.
 *
 * @param tasks no two of one page
 * @returns in the order of the tasks
 * @throws what `makeReport` throws, for the first folder in order that gives no report; none is begun after that
 * @throws the signal's reason where that aborts
 */
export async function makePages (tasks: readonly PageTask[], options: PagesOptions): Promise<MadePage[]> {
  const { signal } = options
  const threads = Math.min(options.threads, MOST_THREADS)
  const pool = new Threads<PageTask, PageOutcome>(WORKER, threads)
  const failed = new AbortController()
  // Tasks begin in their order, so that whatever failed, all those before it are here, too.
  const begun: Array<Promise<MadePage>> = []
  try {
    await inTurn(tasks, atATime(threads), AbortSignal.any([failed.signal, signal]), async task => {
      const page = makePage(pool, task, options)
      begun.push(page)
      await page.catch(() => failed.abort())
    })
    signal.throwIfAborted()
    return await Promise.all(begun)
  } finally {
    await pool.stop()
  }
}

async function makePage (pool: Threads<PageTask, PageOutcome>, task: PageTask, { pages, option, signal }: PagesOptions): Promise<MadePage> {
  const outcome = await pool.run(task, signal)
  if ('error' in outcome) {
    // The place, and what was expected and found there, are in the message.
    throw new TwinwireError(outcome.error.code, outcome.error.message)
  }
  const { html, ...page } = outcome
  writeWhole(option, pages, page.href, html)
  return page
}
