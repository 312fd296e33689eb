import { exec, execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { temporaryDirectory } from '../fixtures/run-cli.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

async function node (args: readonly string[], cwd = root): Promise<string> {
  return (await promisify(execFile)(process.execPath, args, { cwd, encoding: 'utf8' })).stdout
}

/** A folder where the package is installed as it would be published: compiled, in `node_modules`. */
async function installed (t: ExecutionContext): Promise<string> {
  const directory = await temporaryDirectory(t)
  const modules = join(directory, 'node_modules')
  await mkdir(join(modules, 'twinwire'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) {
      await symlink(join(root, 'node_modules', name), join(modules, name))
    }
  }
  await node([join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json'), '--outDir', join(modules, 'twinwire/dist')])
  const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { files: string[] }
  for (const name of ['package.json', ...files.filter(name => name !== 'dist')]) {
    await cp(join(root, name), join(modules, 'twinwire', name), { recursive: true })
  }
  await mkdir(join(modules, '.bin'))
  await symlink('../twinwire/bin/twinwire.js', join(modules, '.bin/twinwire'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  t.teardown(async () => await rm(modules, { recursive: true, force: true }))
  return directory
}

test('with the published package an experiment is written, listed, run and checked by the compiler, and has a schema', async t => {
  t.timeout(300_000)
  const directory = await installed(t)
  const twinwire = async (...args: string[]): Promise<string> => await node([join(directory, 'node_modules/twinwire/bin/twinwire.js'), ...args], directory)

  t.is(await twinwire('init', 'my-question'), 'Written: experiments/my-question.ts\nNext: npx twinwire run my-question\n')
  const listed = JSON.parse(await twinwire('list', '--json')) as Array<{ name: string }>
  t.is(listed[0].name, 'my-question')
  t.true(listed.some(({ name }) => name === 'connection-setup'))
  const { properties } = JSON.parse(await twinwire('schema', 'my-question')) as { properties: object }
  t.deepEqual(Object.keys(properties), ['$schema', 'rttMs', 'requestsPerSecond', 'durationMs', 'deadlineMs'])
  // As it was printed, by the link that npm makes to a package's programme.
  const { stdout } = await promisify(exec)('npx twinwire run my-question --seeds 1 --json --out here', { cwd: directory, encoding: 'utf8' })
  const { findings } = JSON.parse(stdout) as { findings: object[] }
  // One for each metric.
  t.is(findings.length, 4)

  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({
    compilerOptions: { target: 'es2023', lib: ['es2024', 'dom'], module: 'nodenext', types: ['node'], strict: true, noEmit: true, skipLibCheck: true }, include: ['experiments']
  }))
  await t.notThrowsAsync(node([join(root, 'node_modules/typescript/bin/tsc'), '-p', directory]))
})
