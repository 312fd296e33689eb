import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { createOptimizedNetwork } from '../../src/optim/index.ts'
import { FakePeerId } from '../optim/fake-node.ts'
import { PairedNode, PROTOCOL } from '../optim/paired-node.ts'
import { inVirtualTime } from '../optim/timeouts/virtual-time.ts'
import type { OptimizedNetworkOptions } from '../../src/optim/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const documentation = await readFile(join(root, 'docs', 'policies.md'), 'utf8')

/** What stands in the page's code blocks of one kind, by the heading above each. */
function blocks (kind: string): Array<{ readonly heading: string, readonly code: string }> {
  return documentation.split(/^## /m).slice(1).flatMap(section => {
    const heading = section.split('\n', 1)[0]
    return [...section.matchAll(/```(.+)\n([^]*?)```/g)].filter(([, found]) => found === kind).map(([, , code]) => ({ heading, code }))
  })
}

const examples = blocks('ts').map(({ heading, code }) => ({ heading, code, file: `${heading.toLowerCase().replaceAll(' ', '-')}.ts` }))

/** A folder with each example as a file of its own, which finds the packages and the sources. */
const directory = await mkdtemp(join(tmpdir(), 'twinwire-policies-'))
await symlink(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction')
for (const { file, code } of examples) {
  await writeFile(join(directory, file), code.replaceAll("'twinwire'", `'${relative(directory, join(root, 'src', 'optim', 'index.ts')).replaceAll('\\', '/')}'`))
}
await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({
  extends: join(root, 'tsconfig.json'),
  compilerOptions: { typeRoots: [join(root, 'node_modules', '@types')] },
  include: ['*.ts']
}))

test.after.always(async () => { await rm(directory, { recursive: true }) })

test('every example of docs/policies.md compiles as strictly as the sources', async t => {
  t.is(examples.length, 8)
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  await t.notThrowsAsync(promisify(execFile)(process.execPath, [compiler, '-p', directory]).catch(error => { throw new Error(error.stdout) }))
})

for (const { heading, file } of examples) {
  test(`the example of '${heading}' answers what it says, and a network with it answers a request`, async t => {
    const { options } = await import(pathToFileURL(join(directory, file)).href) as { readonly options: OptimizedNetworkOptions }
    await inVirtualTime(async ({ clock }) => {
      const network = createOptimizedNetwork(new PairedNode(clock, 100), options, { clock })
      const reply = await network.request(new FakePeerId('server'), PROTOCOL, new TextEncoder().encode('hello'))
      t.is(new TextDecoder().decode(reply), 'hello')
      await network.stop()
    })
  })
}

/** Code without comments, `export`, and spaces that mean nothing. */
function bare (code: string): string {
  return code.replaceAll(/\/\*\*[^]*?\*\//g, '').replaceAll('export ', '').replaceAll(/\s+/g, ' ')
}

test('every signature in docs/policies.md is that of the code', async t => {
  const folder = join(root, 'src', 'optim')
  const files = (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.ts'))
  const sources = bare((await Promise.all(files.map(async file => await readFile(join(folder, file), 'utf8')))).join('\n'))
  const declarations = blocks('ts signature').flatMap(({ code }) => code.split('\n\n'))
  t.true(declarations.length >= 14)
  for (const declaration of declarations) {
    t.true(sources.includes(bare(declaration).trim()), declaration)
  }
})
