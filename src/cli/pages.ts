import { TwinwireError } from '../core/errors.ts'
import { atATime, inTurn } from './in-turn.ts'
import type { MadePage, PageOutcome, PageTask } from './page-worker.ts'
import { Threads } from './threads.ts'

const WORKER = new URL(`page-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/**
 * Makes the reports of several results folders, each as `makeReport` does, so many at a time and each in a thread. When it
 * returns or throws, no thread is left, and no report under way.
 *
 * @param tasks no two of one page
 * @param threads at most
 * @returns in the order of the tasks
 * @throws what `makeReport` throws, for the first folder in order that gives no report; none is begun after that
 */
export async function makePages (tasks: readonly PageTask[], threads: number): Promise<MadePage[]> {
  const pool = new Threads<PageTask, PageOutcome>(WORKER, threads)
  const failed = new AbortController()
  // Tasks begin in their order, so that whatever failed, all those before it are here, too.
  const begun: Array<Promise<MadePage>> = []
  try {
    await inTurn(tasks, atATime(threads), failed.signal, async task => {
      const page = makePage(pool, task)
      begun.push(page)
      await page.catch(() => failed.abort())
    })
    return await Promise.all(begun)
  } finally {
    await pool.stop()
  }
}

async function makePage (pool: Threads<PageTask, PageOutcome>, task: PageTask): Promise<MadePage> {
  const outcome = await pool.run(task)
  if ('error' in outcome) {
    throw new TwinwireError(...outcome.error)
  }
  return outcome
}
