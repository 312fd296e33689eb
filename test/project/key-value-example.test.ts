import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const DIRECTORY = new URL('../../examples/key-value/', import.meta.url)

/** The lines of an example, without the comment at its head and without blank ones. */
async function codeOf (name: string): Promise<string[]> {
  const source = await readFile(new URL(name, DIRECTORY), 'utf8')
  return source.slice(source.indexOf(' */\n') + 4).split('\n').filter(line => line.trim() !== '')
}

/** How many lines two texts have in common, in order: the longest common subsequence. */
function commonLines (a: readonly string[], b: readonly string[]): number {
  let before = b.map(() => 0)
  for (const line of a) {
    const now: number[] = []
    for (const [i, other] of b.entries()) {
      now.push(line === other ? (before[i - 1] ?? 0) + 1 : Math.max(before[i], now[i - 1] ?? 0))
    }
    before = now
  }
  return before.at(-1) ?? 0
}

for (const name of ['plain.ts', 'optimized.ts']) {
  test(`examples/key-value/${name} gets the right one of its values for each of 1000 keys, and ends`, async t => {
    // It compares each answer itself, and ends with an error where one is wrong.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL(name, DIRECTORY))])
    t.regex(stdout, /^1000 values in \d+ ms\n$/)
    t.is(stderr, '')
  })
}

test('the optimised key-value service adds at most five lines to the plain one, and is shorter', async t => {
  const [plain, optimized] = await Promise.all([codeOf('plain.ts'), codeOf('optimized.ts')])
  const added = optimized.length - commonLines(plain, optimized)
  t.true(added > 0 && added <= 5, String(added))
  t.true(optimized.length < plain.length)
})
