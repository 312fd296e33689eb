import { exec } from 'node:child_process'
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const INSTALL = 'First: install twinwire here, from the file that `npm pack` makes in a checkout of it (npm install <file>)\n'
const TEMPLATE = new URL('../../examples/my-question.ts', import.meta.url)

test('init writes the example under its own name, with the imports of the package, and says what is next', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout } = await runCli(directory, ['init', 'cold-start'])
  t.is(exitCode, 0)
  // No package in a folder of its own has twinwire.
  t.is(stdout, `Written: experiments/cold-start.ts\n${INSTALL}Next: npx twinwire run cold-start\n`)
  const written = await readFile(join(directory, 'experiments', 'cold-start.ts'), 'utf8')
  const expected = (await readFile(TEMPLATE, 'utf8')).replaceAll('my-question', 'cold-start').replaceAll("'../src/authoring/index.ts'", "'twinwire/experiment'")
  t.is(written, expected)
  t.notRegex(written, /\.\.\/src/)
})

test('in a checkout what is next works as it is printed, from whichever of its folders, and needs no build', async t => {
  t.timeout(300_000)
  const checkout = await temporaryDirectory(t)
  const root = fileURLToPath(new URL('../..', import.meta.url))
  for (const name of ['package.json', 'bin', 'src', 'examples/my-question.ts']) {
    await cp(join(root, name), join(checkout, name), { recursive: true })
  }
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  for (const name of ['experiments', 'examples/my questions']) {
    await mkdir(join(checkout, name))
  }
  const shell = async (command: string, cwd: string): Promise<string> => (await promisify(exec)(command, { cwd, encoding: 'utf8' })).stdout
  const written = await shell('npm run --silent twinwire -- init cold-start', checkout)
  t.is(written, 'Written: experiments/cold-start.ts\nNext: npm run twinwire -- run cold-start\n')
  const elsewhere = await shell(`${process.execPath} ../bin/twinwire.js init warm-start --experiments "my questions"`, join(checkout, 'examples'))
  t.is(elsewhere, "Written: my questions/warm-start.ts\nNext: npm run twinwire -- run warm-start --experiments 'examples/my questions'\n")
  for (const [output, cwd] of [[written, checkout], [elsewhere, join(checkout, 'examples')]]) {
    const next = /Next: (.*)\n$/.exec(output)?.[1] ?? ''
    t.regex(await shell(`${next} --seeds 1 --set durationMs=500`, cwd), /Requests across a reset[^]*Report: results\//)
  }
})

test('where a package is not of modules the file says itself that it is one', async t => {
  for (const [type, name] of [['"commonjs"', 'cold-start.mts'], ['"module"', 'cold-start.ts']]) {
    const directory = await temporaryDirectory(t)
    await writeFile(join(directory, 'package.json'), `{"type":${type}}`)
    t.is((await runCli(directory, ['init', 'cold-start'])).exitCode, 0)
    t.deepEqual(await readdir(join(directory, 'experiments')), [name])
  }
})

test('another folder is made where it is named, and named again in what is next', async t => {
  const directory = await temporaryDirectory(t)
  const { stdout } = await runCli(directory, ['init', 'cold-start', '--experiments', 'my/questions'])
  t.is(stdout, `Written: my/questions/cold-start.ts\n${INSTALL}Next: npx twinwire run cold-start --experiments my/questions\n`)
})

const refusal = test.macro(async (t, name: string, expected: RegExp) => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout, stderr } = await runCli(directory, ['init', name])
  t.is(exitCode, 2)
  t.is(stdout, '')
  t.regex(stderr, expected)
  t.deepEqual(await readdir(directory), [])
})

test('a name with a capital is none', refusal, 'MyQuestion', /^error \[ERR_INVALID_OPTION\]: the name is not one of an experiment; at name; expected lower-case words joined by dashes: my-question; found "MyQuestion"\n$/)
test('a path is no name', refusal, '../elsewhere', /\[ERR_INVALID_OPTION\]: .*found "\.\.\/elsewhere"/)
test('two dashes join nothing', refusal, 'my--question', /\[ERR_INVALID_OPTION\]: .*found "my--question"/)
test('a name that comes with twinwire is taken', refusal, 'queueing', /\[ERR_INVALID_OPTION\]: there is an experiment of this name; at name; .*found "queueing"/)

test('what was written before is not overwritten, whatever it ends in', async t => {
  for (const file of ['cold-start.ts', 'cold-start.js']) {
    const directory = await temporaryDirectory(t)
    await mkdir(join(directory, 'experiments'))
    await writeFile(join(directory, 'experiments', file), 'mine')
    const { exitCode, stderr } = await runCli(directory, ['init', 'cold-start'])
    t.is(exitCode, 2)
    t.regex(stderr, /\[ERR_INVALID_OPTION\]: there is an experiment of this name/)
    t.deepEqual(await readdir(join(directory, 'experiments')), [file])
    t.is(await readFile(join(directory, 'experiments', file), 'utf8'), 'mine')
  }
})

test('a folder that cannot be made is named', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'experiments'), 'a file')
  const { exitCode, stderr } = await runCli(directory, ['init', 'cold-start'])
  t.is(exitCode, 2)
  t.regex(stderr, /\[ERR_INVALID_OPTION\]: the experiment cannot be written; at \S+cold-start\.ts; .*found ENOTDIR/)
})

test('a package that is no JSON is named', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'package.json'), '{')
  const { exitCode, stderr } = await runCli(directory, ['init', 'cold-start'])
  t.is(exitCode, 2)
  t.regex(stderr, /\[ERR_INVALID_FILE\]: the package cannot be read; at \S+package\.json/)
})
