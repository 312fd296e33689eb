import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'
import { Watcher } from '../../src/cli/watch.ts'
import { readResults } from '../../src/results/files.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

/** A clock that is set by hand, with one timer that is fired by hand too. */
class HandClock implements Clock {
  nowMs = 0
  timer: { readonly callback: () => void, readonly delayMs: number } | undefined

  now (): number {
    return this.nowMs
  }

  setTimeout (callback: () => void, delayMs: number): { cancel: () => void } {
    this.timer = { callback, delayMs }
    return { cancel: () => { this.timer = undefined } }
  }
}

function watched (tookMs: number): { clock: HandClock, watcher: Watcher, writes: () => number, errors: unknown[] } {
  const clock = new HandClock()
  let count = 0
  const errors: unknown[] = []
  const watcher = new Watcher({
    clock,
    async write () {
      count++
      clock.nowMs += tookMs
      if (tookMs === 666) {
        throw new Error('the disk is full')
      }
    },
    onError: error => errors.push(error)
  })
  return { clock, watcher, writes: () => count, errors }
}

const settled = async (): Promise<void> => await new Promise(resolve => { setImmediate(resolve) })

test('the first change is written at once, the next after four times what that took', async t => {
  const { clock, watcher, writes } = watched(1500)
  watcher.changed()
  await settled()
  t.is(writes(), 1)
  t.is(clock.timer?.delayMs, 6000)
  watcher.changed()
  watcher.changed()
  t.is(writes(), 1)
  clock.timer?.callback()
  await settled()
  t.is(writes(), 2)
})

test('what is written fast is written every 2 s at most, and only where something changed', async t => {
  const { clock, watcher, writes } = watched(10)
  watcher.changed()
  await settled()
  t.is(clock.timer?.delayMs, 2000)
  clock.timer?.callback()
  await settled()
  t.is(writes(), 1)
  watcher.changed()
  await settled()
  t.is(writes(), 2)
})

test('stopped, nothing is scheduled or written any more', async t => {
  const { clock, watcher, writes } = watched(10)
  watcher.changed()
  await watcher.stop()
  t.is(clock.timer, undefined)
  watcher.changed()
  await settled()
  t.is(writes(), 1)
})

test('what cannot be written is told, and tried again', async t => {
  const { clock, watcher, writes, errors } = watched(666)
  watcher.changed()
  await settled()
  t.is(errors.length, 1)
  watcher.changed()
  clock.timer?.callback()
  await settled()
  t.is(writes(), 2)
})

async function pageOf (directory: string): Promise<string> {
  return existsSync(join(directory, 'report.html')) ? await readFile(join(directory, 'report.html'), 'utf8') : ''
}

test.serial('while a run is watched its page loads itself anew and says how far it is; when it is over the page does neither', async t => {
  const directory = await temporaryDirectory(t)
  const here = join(directory, 'here')
  const state = { over: false }
  const running = runCli(directory, ['run', 'queueing', '--seeds', '8', '--jobs', '2', '--set', 'unitTimeMs=400', '--watch', '--out', 'here']).finally(() => { state.over = true })
  let page = ''
  while (!state.over && !page.includes('refresh')) {
    await sleep(20)
    page = await pageOf(here)
  }
  t.regex(page, /<meta http-equiv="refresh" content="3">/)
  t.regex(page, /So far: \d of 8 seeds in simulation\./)
  t.regex(page, /✓ complete/)
  const { exitCode, stderr } = await running
  t.is(exitCode, 0)
  t.true(stderr.startsWith('Report so far: here/report.html\n'), stderr)
  const last = await pageOf(here)
  t.false(last.includes('http-equiv="refresh"'))
  t.false(last.includes('So far:'))
  t.is((await readResults(here)).units.length, 32)
})

test.serial('interrupted while it is watched, a run leaves what is finished and a page that is done', async t => {
  const directory = await temporaryDirectory(t)
  const here = join(directory, 'here')
  const interrupt = new AbortController()
  const running = runCli(directory, ['run', 'queueing', '--seeds', '50', '--jobs', '2', '--set', 'unitTimeMs=400', '--watch', '--out', 'here'], { signal: interrupt.signal })
  while (!(await pageOf(here)).includes('refresh')) {
    await sleep(20)
  }
  interrupt.abort()
  t.is((await running).exitCode, 130)
  const page = await pageOf(here)
  t.false(page.includes('http-equiv="refresh"'))
  t.regex(page, /partial/)
  const { units } = await readResults(here)
  t.true(units.length > 0 && units.length < 200)
})

test.serial('a run that is not watched writes its report once', async t => {
  const directory = await temporaryDirectory(t)
  const { stderr } = await runCli(directory, ['run', 'queueing', '--seeds', '1', '--out', 'here'], { machinery: fakeMachinery() })
  t.notRegex(stderr, /Report so far/)
})
