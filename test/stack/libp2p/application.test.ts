import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const EXAMPLE = 'examples/ping.test.ts'

/** The example as it would be over real TCP: its comments say what the lines were. */
function overRealTcp (source: string): { readonly source: string, readonly changed: number } {
  let changed = 0
  const real = source.replace(/^(\s*).* \/\/ instead of: (.*)$/gm, (_, indent: string, line: string) => {
    changed++
    return indent + line
  })
  return { source: real, changed }
}

async function run (file: string, pattern: string): Promise<{ readonly stdout: string, readonly passed: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter', 'tap', '--test-name-pattern', pattern, file], { cwd: root, env: withoutRunner() })
  return { stdout, passed: Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) }
}

/** Node's test runner does nothing inside another. */
function withoutRunner (): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  return environment
}

test('an application\'s own test of ping runs in virtual time, where a round trip is exactly that of the simulated network', async t => {
  const { stdout, passed } = await run(EXAMPLE, 'a peer answers pings|ten minutes')
  t.is(passed, 2)
  t.true(stdout.includes('round trip: 40 ms'), stdout)
})

test('with two lines changed, the import and the transport, it is the test over real TCP', async t => {
  const { source, changed } = overRealTcp(await readFile(`${root}/${EXAMPLE}`, 'utf8'))
  t.is(changed, 2)
  // Beside the example's folder, so that it finds the same packages.
  const directory = await mkdtemp(`${root}/test/stack/libp2p/real-`)
  try {
    await writeFile(`${directory}/ping.test.ts`, source)
    t.is((await run(`${directory}/ping.test.ts`, 'a peer answers pings')).passed, 1)
  } finally {
    await rm(directory, { recursive: true })
  }
})
