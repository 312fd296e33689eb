import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = new URL('../../', import.meta.url)
const folder = 'test/sim/oracles/'

/** What the page names: rows that end in a test's title and a link to its file. */
const named = [...(await readFile(new URL('docs/oracles.md', root), 'utf8')).matchAll(/^\| .+ \| (.+) \| \[(\S+)\]\(\.\.\/(\S+)\) \|$/gm)]
  .map(([, title, file, link]) => ({ title, file, link }))
const oracles = (await readdir(new URL(folder, root))).filter(name => name.endsWith('.test.ts')).map(name => folder + name)
const titles = await titlesOf([...new Set([...oracles, ...named.map(({ file }) => file)])])

/** The titles of each file's tests, as its loops make them. */
async function titlesOf (files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const list = fileURLToPath(new URL('list-titles.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [list, ...files.map(file => new URL(file, root).href)])
  const found = JSON.parse(stdout) as string[][]
  return new Map(files.map((file, index) => [file, found[index]]))
}

test('every test that docs/oracles.md names is in the file that it names', t => {
  t.true(named.length > 80)
  for (const { title, file, link } of named) {
    t.is(link, file)
    t.true(titles.get(file)?.includes(title), `${title} (${file})`)
  }
})

test('every test in test/sim/oracles stands in docs/oracles.md', t => {
  for (const file of oracles) {
    for (const title of titles.get(file) ?? []) {
      t.true(named.some(entry => entry.file === file && entry.title === title), `${title} (${file})`)
    }
  }
})
