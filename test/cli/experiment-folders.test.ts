import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const fixture = new URL('../fixtures/experiments/queueing.ts', import.meta.url).href

/** The fixture under another name. */
function renamed (name: string): string {
  return `import { experiment as original, roles } from '${fixture}'\nexport const experiment = { ...original, name: '${name}', title: 'Own ${name}' }\nexport { roles }\n`
}

/** A working directory with files in a folder. */
async function directoryWith (t: ExecutionContext, folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, folder))
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, folder, name), content)
  }
  return directory
}

function namesIn (stdout: string): string[] {
  return (JSON.parse(stdout) as Array<{ name: string }>).map(({ name }) => name)
}

test('experiments of the working directory are listed before those that come with twinwire, whatever Node loads them as', async t => {
  const directory = await directoryWith(t, 'experiments', {
    'zebra.ts': renamed('zebra'), 'yak.mjs': renamed('yak'), 'okapi.mts': renamed('okapi'),
    'zebra.d.ts': 'export {}', '_shared.ts': 'export {}', 'zebra.test.ts': 'throw new Error()', 'notes.md': ''
  })
  const { exitCode, stdout, stderr } = await runCli(directory, ['list', '--json'])
  t.is(exitCode, 0, stderr)
  t.deepEqual(namesIn(stdout), ['okapi', 'yak', 'zebra', 'queueing'])
})

test('an experiment of the working directory runs, in the threads of simulation too', async t => {
  const directory = await directoryWith(t, 'experiments', { 'zebra.ts': renamed('zebra') })
  const { exitCode, stdout, stderr } = await runCli(directory, ['run', 'zebra', '--seeds', '1', '--out', 'here'])
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^Own zebra\n/)
})

test('--experiments names another folder, which has to be there', async t => {
  const directory = await directoryWith(t, 'questions', { 'zebra.ts': renamed('zebra') })
  t.deepEqual(namesIn((await runCli(directory, ['list', '--json'])).stdout), ['queueing'])
  t.deepEqual(namesIn((await runCli(directory, ['list', '--json', '--experiments', 'questions'])).stdout), ['zebra', 'queueing'])
  t.is((await runCli(directory, ['schema', 'zebra', '--experiments', 'questions'])).exitCode, 0)
  t.is((await runCli(directory, ['run', 'zebra', '--experiments', 'questions', '--seeds', '1', '--out', 'here'])).exitCode, 0)
  t.regex(await readFile(join(directory, 'here', 'manifest.json'), 'utf8'), /"twinwire run zebra --seed twinwire --seeds 1 --experiments questions"/)
  const { exitCode, stderr } = await runCli(directory, ['list', '--experiments', 'answers'])
  t.is(exitCode, 2)
  t.regex(stderr, /\[ERR_INVALID_OPTION\]: there is no such folder; at --experiments; .*found "answers"/)
})

test('two experiments of one name are refused, and both are named', async t => {
  const directory = await directoryWith(t, 'experiments', { 'queueing.ts': renamed('queueing') })
  for (const args of [['list'], ['run', 'queueing', '--out', 'here']]) {
    const { exitCode, stdout, stderr } = await runCli(directory, args)
    t.is(exitCode, 2)
    t.is(stdout, '')
    t.regex(stderr, /^error \[ERR_INVALID_FILE\]: two experiments have the name "queueing"; at \S+experiments\/queueing\.ts; .*found another one in \S+fixtures\/experiments\/queueing\.ts\n$/)
  }
})

test('an experiment that cannot be loaded hides no other in the list', async t => {
  const directory = await directoryWith(t, 'experiments', { 'broken.ts': 'export const experiment =', 'empty.ts': 'export {}', 'zebra.ts': renamed('zebra') })
  const { exitCode, stdout, stderr } = await runCli(directory, ['list', '--json'])
  t.is(exitCode, 1)
  t.deepEqual(namesIn(stdout), ['zebra', 'queueing'])
  t.regex(stderr, /^error \[ERR_EXPERIMENT_LOAD\]: [^\n]*at broken\.ts[^\n]*\nerror \[ERR_INVALID_FILE\]: the file is not an experiment; at empty\.ts[^\n]*\n$/)
})
