import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { Interruption } from '../../src/cli/interruption.ts'
import type { PagesOptions } from '../../src/cli/pages.ts'
import { makeReport } from '../../src/cli/report.ts'
import { makeSummary } from '../../src/cli/summary.ts'
import { TwinwireError } from '../../src/core/errors.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const machinery = { ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/two-experiments/', import.meta.url) }

/** Results of three experiments, in an order that is not that of their names. */
const NAMES = ['queueing', 'patient', 'hasty']
let results: string

test.before(async () => {
  results = await mkdtemp(join(tmpdir(), 'twinwire-'))
  for (const name of NAMES) {
    await runCli(results, ['run', name, '--seeds', '2', '--out', name], name === 'queueing' ? {} : { machinery })
  }
})

test.after.always(async () => await rm(results, { recursive: true }))

/** Copies of the results. */
async function threeFolders (t: ExecutionContext): Promise<{ readonly directory: string, readonly folders: readonly string[] }> {
  const directory = await temporaryDirectory(t)
  await cp(results, directory, { recursive: true })
  return { directory, folders: NAMES.map(name => join(directory, name)) }
}

/** For pages in a new folder. */
async function pagesIn (directory: string, threads: number): Promise<PagesOptions> {
  const pages = join(directory, `pages-${threads}`)
  await mkdir(pages)
  return { pages, option: '--out', threads, signal: new AbortController().signal }
}

/** The threads that are made while `work` runs, and what it throws. */
async function threadsOf (work: () => Promise<unknown>): Promise<{ readonly threads: readonly Worker[], readonly error?: unknown }> {
  const threads: Worker[] = []
  const add = (thread: Worker): void => { threads.push(thread) }
  process.on('worker', add)
  try {
    await work()
    return { threads }
  } catch (error) {
    return { threads, error }
  } finally {
    process.off('worker', add)
  }
}

/** Of a thread that has ended. */
const NO_THREAD = -1

test.serial('pages are the same, and in the order given, in any number of threads, of which none is left', async t => {
  const { directory, folders } = await threeFolders(t)
  const contents: string[][] = []
  for (const count of [1, 2]) {
    const options = await pagesIn(directory, count)
    const { threads, error } = await threadsOf(async () => {
      const entries = await makeSummary(folders, options)
      t.deepEqual(entries.map(({ href, runs }) => [href, runs]), [['queueing.html', 8], ['patient.html', 8], ['hasty.html', 8]])
    })
    t.is(error, undefined)
    t.is(threads.length, count)
    t.deepEqual(threads.map(({ threadId }) => threadId), threads.map(() => NO_THREAD))
    const names = (await readdir(options.pages)).sort()
    t.deepEqual(names, ['hasty.html', 'index.html', 'patient.html', 'queueing.html', 'summary.json'])
    contents.push(await Promise.all(names.map(async name => await readFile(join(options.pages, name), 'utf8'))))
  }
  t.deepEqual(contents[1], contents[0])
})

test.serial('of folders that give no report the first in order is named, in any number of threads, of which none is left', async t => {
  const { directory, folders } = await threeFolders(t)
  // Of the two the first in order is found out later: its page is rendered before it cannot be written.
  await writeFile(join(folders[2], 'summary.csv'), 'x')
  for (const count of [1, 3]) {
    const options = await pagesIn(directory, count)
    await mkdir(join(options.pages, 'patient.html'))
    const { threads, error } = await threadsOf(async () => await makeSummary(folders, options))
    t.true(error instanceof TwinwireError)
    t.like(error, { code: 'ERR_INVALID_OPTION', path: '--out', found: '"patient.html" (EISDIR)' })
    t.deepEqual(threads.map(({ threadId }) => threadId), threads.map(() => NO_THREAD))
    // No summary, and nothing half written.
    t.deepEqual((await readdir(options.pages)).sort(), ['patient.html', 'queueing.html'])
  }
})

test.serial('what a thread finds wrong with a folder is said as where no thread looked', async t => {
  const { directory, folders } = await threeFolders(t)
  await writeFile(join(folders[1], 'summary.csv'), 'x')
  const { code, message } = await t.throwsAsync<TwinwireError>(makeReport(folders[1]), { instanceOf: TwinwireError, code: 'ERR_INVALID_FILE' })
  const options = await pagesIn(directory, 1)
  await t.throwsAsync(makeSummary(folders, options), { instanceOf: TwinwireError, code, message })
  t.deepEqual(await readdir(options.pages), ['queueing.html'])
})

test.serial('interrupted while a page is made, it ends with 130, and leaves whole pages only', async t => {
  const { directory } = await threeFolders(t)
  const interrupt = new AbortController()
  process.once('worker', () => interrupt.abort(new Interruption('SIGINT')))
  const { exitCode, stdout, stderr } = await runCli(directory, ['summary', ...NAMES, '--out', 'pages'], { signal: interrupt.signal })
  t.is(exitCode, 130)
  t.is(stdout, '')
  t.is(stderr, 'error [ERR_INTERRUPTED]: interrupted; found SIGINT\n')
  t.deepEqual(await readdir(join(directory, 'pages')), [])
})

test.serial('two folders of one experiment are refused before any page is written, and before any thread is made', async t => {
  const { directory, folders } = await threeFolders(t)
  const options = await pagesIn(directory, 2)
  const { threads, error } = await threadsOf(async () => await makeSummary([...folders, folders[0]], options))
  t.like(error, { code: 'ERR_INVALID_OPTION', path: folders[0], found: 'queueing' })
  t.deepEqual(threads, [])
  t.deepEqual(await readdir(options.pages), [])
})
