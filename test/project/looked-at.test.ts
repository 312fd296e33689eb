import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { hashOfPage, readLookedAt, writeLookedAt } from '../../bench/looked-at.ts'

test('a page that was looked at is known as it was, and no longer when it is made anew', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'reports-'))
  t.teardown(async () => { await rm(directory, { recursive: true }) })
  const reports = pathToFileURL(`${directory}/`)
  t.deepEqual(await readLookedAt(reports), {})
  await writeFile(join(directory, 'one.html'), 'as it was')
  const hash = await hashOfPage(reports, 'one.html')
  await writeLookedAt(reports, { 'two.html': 'another', 'one.html': hash })
  t.deepEqual(Object.entries(await readLookedAt(reports)), [['one.html', hash], ['two.html', 'another']])
  await writeFile(join(directory, 'one.html'), 'made anew')
  t.not(await hashOfPage(reports, 'one.html'), hash)
})
