import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { parseParameters } from '../../src/cli/parameters.ts'
import { settingsOf } from '../../src/cli/parameters-file.ts'
import { experiment } from '../fixtures/experiments/queueing.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

/** What a file with this content is answered with. */
const refusal = test.macro(async (t, content: string, expected: { readonly code: string, readonly message: RegExp }) => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'mine.json'), content)
  t.throws(() => settingsOf(experiment, { set: [], parameters: 'mine.json' }, directory), expected)
})

test('a misspelt parameter in a file is answered with file, place and the nearest', refusal, '{"delyMs":20}', { code: 'ERR_UNKNOWN_OPTION', message: /at mine\.json: delyMs; expected delayMs / })
test('a value of another type is one, though --set would read it', refusal, '{"delayMs":"20"}', { code: 'ERR_INVALID_FILE', message: /at mine\.json: delayMs; expected a finite number; found "20"/ })
test('a value out of range is one', refusal, '{"requests":0}', { code: 'ERR_INVALID_FILE', message: /at mine\.json: requests/ })
test('a list holds no parameters', refusal, '[]', { code: 'ERR_INVALID_FILE', message: /expected a JSON object; found \[\]/ })
test('what is not JSON is said to be none', refusal, 'delayMs: 20', { code: 'ERR_INVALID_FILE', message: /not JSON; at mine\.json/ })
test('a file of more than a megabyte is not read', refusal, ' '.repeat(1024 * 1024 + 1), { code: 'ERR_INVALID_FILE', message: /found 1048577 bytes/ })

test('a file that is not there, and a folder, are said to be none', async t => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'folder'))
  t.throws(() => settingsOf(experiment, { set: [], parameters: 'none.json' }, directory), { code: 'ERR_INVALID_FILE', message: /at none\.json; .*found ENOENT/ })
  t.throws(() => settingsOf(experiment, { set: [], parameters: 'folder' }, directory), { code: 'ERR_INVALID_FILE', message: /at folder; .*found no file/ })
})

test('a file changes the defaults, --set changes the file, and $schema is for the editor', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'mine.json'), JSON.stringify({ $schema: './queueing.schema.json', delayMs: 20, rateBitsPerSecond: 1e21, warm: true }))
  const settings = settingsOf(experiment, { set: ['delayMs=1s'], parameters: 'mine.json' }, directory)
  t.deepEqual(settings, ['rateBitsPerSecond=1e+21', 'warm=true', 'delayMs=1s'])
  t.like(parseParameters(experiment, settings), { delayMs: 1000, rateBitsPerSecond: 1e21, warm: true, requests: 5 })
})

test('the command that reproduces a run spells the values of the file out', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'mine.json'), '{"delayMs":20}')
  const { exitCode } = await runCli(directory, ['run', 'queueing', '--seeds', '1', '--parameters', 'mine.json', '--out', 'here'])
  t.is(exitCode, 0)
  const { command, parameters } = JSON.parse(await readFile(join(directory, 'here', 'manifest.json'), 'utf8')) as { command: string, parameters: { delayMs: number } }
  t.is(command, 'twinwire run queueing --seed twinwire --seeds 1 --set delayMs=20')
  t.is(parameters.delayMs, 20)
})

test('the schema is of draft 2020-12, has every parameter with default and description, and allows nothing else', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout } = await runCli(directory, ['schema', 'queueing'])
  t.is(exitCode, 0)
  const schema = JSON.parse(stdout) as { properties: Record<string, unknown>, required?: string[] }
  t.like(schema, { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Parameters of queueing', type: 'object', additionalProperties: false })
  t.deepEqual(Object.keys(schema.properties), ['$schema', ...Object.keys(experiment.parameters.shape)])
  t.like(schema.properties, { delayMs: { type: 'number', default: 80, minimum: 0, description: 'one-way delay (ms)' }, warm: { type: 'boolean' } })
  // Whoever leaves a parameter out gets its default.
  t.is(schema.required, undefined)
})

test('there is no schema of what is no experiment', async t => {
  const { exitCode, stderr } = await runCli(await temporaryDirectory(t), ['schema', 'queuing'])
  t.is(exitCode, 2)
  t.regex(stderr, /\[ERR_UNKNOWN_EXPERIMENT\]: .*expected queueing/)
})
