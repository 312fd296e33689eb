import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the page names: rows that end in a test's title and a link to its file. */
const named = [...(await readFile(join(root, 'docs/oracles.md'), 'utf8')).matchAll(/^\| .+ \| (.+) \| \[(\S+)\]\(\.\.\/(\S+)\) \|$/gm)]
  .map(([, title, file, link]) => ({ title, file, link }))

/** The titles of a file's tests; what a template fills in may be anything. */
async function titles (file: string): Promise<RegExp[]> {
  const source = await readFile(join(root, file), 'utf8')
  return [...source.matchAll(/\btest(?:\.serial)?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g)].map(([, , text]) => {
    const parts = text.replaceAll(/\\(.)/g, '$1').split(/\$\{.*?\}/)
    return new RegExp(`^${parts.map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`)
  })
}

test('every test that docs/oracles.md names is in the file that it names', async t => {
  t.true(named.length > 80)
  for (const { title, file, link } of named) {
    t.is(link, file)
    t.true((await titles(file)).some(pattern => pattern.test(title)), `${title} (${file})`)
  }
})

test('every test in test/sim/oracles stands in docs/oracles.md', async t => {
  for (const name of await readdir(join(root, 'test/sim/oracles'))) {
    if (name.endsWith('.test.ts')) {
      const file = `test/sim/oracles/${name}`
      const here = named.filter(entry => entry.file === file)
      for (const pattern of await titles(file)) {
        t.true(here.some(({ title }) => pattern.test(title)), `${pattern} (${file})`)
      }
    }
  }
})
