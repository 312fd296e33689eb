import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { edgesFromFile, gmlFromFile, jitterFromFile, matrixFromFile, traceFromFile } from '../../src/wires/input-files.ts'

const readers: Record<string, (file: string | URL) => Promise<unknown>> = {
  'a trace': traceFromFile,
  'delays': jitterFromFile,
  'a matrix': async file => await matrixFromFile(file, { values: 'one-way' }),
  'edges': edgesFromFile,
  'GML': gmlFromFile
}

async function directoryOf (t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'twinwire-'))
  t.teardown(async () => { await rm(directory, { recursive: true }) })
  return directory
}

/** That each reader refuses the file, says where and what, and takes well under a second of processor time. */
async function allRefuse (t: ExecutionContext, file: string, found: RegExp): Promise<void> {
  for (const [what, read] of Object.entries(readers)) {
    const before = process.cpuUsage()
    const error = await t.throwsAsync(read(file), { instanceOf: TwinwireError, code: 'ERR_INVALID_FILE' }, what)
    t.true(process.cpuUsage(before).user < 500_000, what)
    t.true(error.path?.startsWith(file), what)
    t.truthy(error.expected, what)
    t.regex(error.found ?? '', found, what)
  }
}

test('a gigabyte is refused by its size', async t => {
  const file = join(await directoryOf(t), 'sparse')
  const handle = await open(file, 'w')
  await handle.truncate(2 ** 30)
  await handle.close()
  await allRefuse(t, file, /more/)
})

test('a directory is no file', async t => {
  await allRefuse(t, await directoryOf(t), /a directory|EISDIR/)
})

test('nobody waits for a FIFO that no one writes to', async t => {
  const file = join(await directoryOf(t), 'fifo')
  execFileSync('mkfifo', [file])
  await allRefuse(t, file, /something else/)
})

test('a device without end is no file', async t => {
  await allRefuse(t, '/dev/zero', /something else/)
})

test('a file that is not there is refused by its name', async t => {
  await allRefuse(t, join(await directoryOf(t), 'missing'), /ENOENT/)
})

test('an empty file is refused', async t => {
  const file = join(await directoryOf(t), 'empty')
  await writeFile(file, '')
  await allRefuse(t, file, /nothing|0/)
})

test('bytes that are no text are refused', async t => {
  const file = join(await directoryOf(t), 'binary')
  await writeFile(file, Buffer.from(Array.from({ length: 4096 }, (_, index) => index * 37 % 256)))
  await allRefuse(t, file, /bytes|byte 0x/)
})

test('a mark of the byte order and lines of Windows are read', async t => {
  const directory = await directoryOf(t)
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(directory, name)
    await writeFile(file, `\uFEFF${text.replaceAll('\n', '\r\n')}`)
    return file
  }
  t.deepEqual(await traceFromFile(await write('trace', '1\n3\n')), { opportunitiesMs: Uint32Array.of(1, 3) })
  t.deepEqual(await jitterFromFile(await write('jitter', 'ms\n1.5\n2\n')), { distribution: 'empirical', samplesMs: [1.5, 2] })
  t.deepEqual(await matrixFromFile(await write('matrix', '0,1\n2,0\n'), { values: 'one-way' }), { names: ['0', '1'], oneWayMs: [[0, 1], [2, 0]] })
  t.deepEqual(await edgesFromFile(await write('edges', '2 1\n0 1\n')), { nodes: 2, edges: [[0, 1]] })
  t.deepEqual((await gmlFromFile(await write('gml', 'graph [\n node [ id 0 ]\n]\n'))).names, ['0'])
})

test('a URL names a file, too', async t => {
  const file = join(await directoryOf(t), 'trace')
  await writeFile(file, '1\n')
  t.deepEqual(await traceFromFile(pathToFileURL(file)), { opportunitiesMs: Uint32Array.of(1) })
})
