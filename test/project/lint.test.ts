import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface LintConfig {
  readonly overrides: ReadonlyArray<{
    readonly files: readonly string[]
    readonly rules: {
      readonly 'no-restricted-imports'?: readonly [string, { readonly patterns: ReadonlyArray<{ readonly message: string }> }]
    }
  }>
}

const config = JSON.parse(await readFile(join(root, '.oxlintrc.json'), 'utf8')) as LintConfig

const PURE = ['core', 'sim', 'optim', 'workload'] as const

const TIMELESS = [
  'setTimeout(() => {}, 1)', 'setInterval(() => {}, 1)', 'setImmediate(() => {})',
  'Date.now()', 'new Date()', 'performance.now()', 'globalThis.performance.now()', 'globalThis.Date.now()', 'global.setTimeout(() => {}, 1)',
  'globalThis.crypto.randomUUID()', 'crypto.randomUUID()', 'Math.random()', 'AbortSignal.timeout(1)', 'process.hrtime.bigint()'
]

const BUILTINS = ['fs', 'node:fs', 'timers/promises', 'node:timers', 'crypto', 'perf_hooks']
const LIBP2P = ['libp2p', '@libp2p/tcp', '@libp2p/crypto/keys', '@chainsafe/libp2p-noise']

/** File and line that must not pass. */
const offences: ReadonlyArray<readonly [file: string, code: string]> = [
  ...PURE.flatMap(layer => TIMELESS.map(code => [`src/${layer}/file.ts`, code] as const)),
  ...[...PURE, 'stats'].flatMap(layer => [...BUILTINS, ...LIBP2P, 'lodash'].map(name => [`src/${layer}/file.ts`, `import '${name}'`] as const)),
  ...['experiment', 'results', 'report', 'cli'].flatMap(layer => LIBP2P.map(name => [`src/${layer}/file.ts`, `import '${name}'`] as const)),
  ...['core', 'sim', 'optim', 'workload', 'stats', 'wires', 'experiment', 'results', 'report', 'cli']
    .map(layer => [`src/${layer}/file.ts`, "import { experiment } from '../../experiments/connection-setup.ts'"] as const),
  ['src/core/file.ts', "import { x } from '../sim/kernel.ts'"],
  ['src/sim/file.ts', "import { x } from '../optim/network.ts'"],
  ['src/sim/tcp/file.ts', "import { x } from '../../wires/wire.ts'"],
  ['src/sim/kernel.ts', 'setTimeout(() => {}, 1)'],
  ['src/optim/pool/file.ts', "import type { x } from '../../sim/kernel.ts'"],
  ['src/optim/file.ts', "import { compress } from 'snappyjs'"],
  ['src/optim/batching/file.ts', "import { deflateRawSync } from 'node:zlib'"],
  ['src/optim/batching/wire/file.ts', "import { compress } from 'snappyjs'"],
  ...['node:fs', 'node:crypto', 'lodash', ...LIBP2P].map(name => ['src/optim/batching/compression/file.ts', `import '${name}'`] as const),
  ['src/optim/batching/compression/file.ts', "import { x } from '../../../sim/kernel.ts'"],
  ['src/optim/batching/compression/file.ts', 'performance.now()'],
  ['src/workload/file.ts', "import { x } from '../wires/wire.ts'"],
  ['src/stats/file.ts', "import { x } from '../results/data.ts'"],
  ['src/wires/file.ts', "import { x } from '../optim/network.ts'"],
  ['src/wires/file.ts', "import type { x } from '../optim/network.ts'"],
  ['src/wires/file.ts', "import { x } from '../optim/port.ts'"],
  ['src/wires/tcp/file.ts', "import { x } from '../../workload/measure.ts'"],
  ['src/experiment/file.ts', "import { x } from '../sim/event-queue.ts'"],
  ['src/experiment/file.ts', "import { x } from '../wires/sim.ts'"],
  ['src/experiment/file.ts', "import { x } from '../workload/measure.ts'"],
  ['src/experiment/file.ts', "import { x } from '../optim/index.ts'"],
  ['src/results/file.ts', "import { x } from '../wires/sim.ts'"],
  ['src/results/file.ts', "import { x } from '../report/analysis.ts'"],
  ['src/report/file.ts', "import { x } from '../cli/run.ts'"],
  ['src/cli/file.ts', "import { x } from '../../test/fixtures/capture.ts'"],
  ['src/wires/stack/file.ts', "import { x } from '../../libp2p/index.ts'"],
  ['src/experiment/file.ts', "import { x } from '../libp2p/index.ts'"],
  ['src/libp2p/file.ts', "import { x } from '../optim/port.ts'"],
  ['src/libp2p/file.ts', "import { x } from 'node:fs'"],
  ['src/authoring/file.ts', "import { x } from '../wires/sim.ts'"],
  ['src/authoring/file.ts', "import { x } from '../sim/kernel.ts'"],
  ['src/authoring/file.ts', "import { x } from '../report/analysis.ts'"],
  ['src/authoring/file.ts', "import { x } from 'node:fs'"],
  ['src/authoring/file.ts', "import 'libp2p'"],
  ['src/workload/file.ts', "import { x } from '../authoring/index.ts'"],
  ['src/experiment/file.ts', "import { x } from '../authoring/index.ts'"]
]

/** File and line that must pass. */
const allowed: ReadonlyArray<readonly [file: string, code: string]> = [
  ['src/core/file.ts', "import seedrandom from 'seedrandom'"],
  ['src/core/file.ts', "import { x } from './units.ts'"],
  ['src/core/clock.ts', 'setTimeout(() => performance.now(), 1)'],
  ['src/sim/kernel.ts', 'setImmediate(() => {})'],
  ['src/sim/file.ts', "import * as z from 'zod'"],
  ['src/sim/tcp/file.ts', "import { x } from '../../core/units.ts'"],
  ['src/sim/tcp/file.ts', "import { x } from '../session/node.ts'"],
  ['src/optim/pool/file.ts', "import type { x } from '../port.ts'"],
  ['src/optim/batching/compression/file.ts', "import { compress } from 'snappyjs'"],
  ['src/optim/batching/compression/file.ts', "import { deflateRawSync } from 'node:zlib'"],
  ['src/optim/batching/compression/file.ts', "import type { x } from '../wire/items.ts'"],
  ['src/workload/file.ts', "import { x } from '../optim/index.ts'"],
  ['src/stats/file.ts', "import { x } from '../core/random.ts'"],
  ['src/wires/file.ts', "import type { x } from '../optim/port.ts'"],
  ['src/wires/tcp/file.ts', "import { x } from '../../sim/kernel.ts'"],
  ['src/wires/tcp/file.ts', "import { x } from '@libp2p/crypto/keys'"],
  ['src/wires/tcp/file.ts', 'setTimeout(() => Date.now(), Math.random())'],
  ['src/experiment/file.ts', "export type { x } from '../workload/measure.ts'"],
  ['src/experiment/file.ts', "import { x } from '../wires/scenario.ts'"],
  ['src/results/file.ts', "import { x } from '../experiment/plan.ts'"],
  ['src/report/file.ts', "import { x } from '../results/data.ts'"],
  ['src/cli/file.ts', "import { x } from '../sim/kernel.ts'"],
  ['src/libp2p/file.ts', "import { x } from '../wires/stack/byte-network.ts'"],
  ['src/libp2p/file.ts', "import type { x } from '@libp2p/interface'"],
  ['src/libp2p/file.ts', "import * as z from 'zod'"],
  ['src/authoring/file.ts', "export { x } from '../workload/measure.ts'"],
  ['src/authoring/file.ts', "export { x } from '../wires/input-files.ts'"],
  ['src/authoring/file.ts', "export type { x } from '../experiment/definition.ts'"],
  ['experiments/file.ts', "import { x } from '../src/authoring/index.ts'"],
  ['experiments/file.ts', "import { x } from '../src/workload/measure.ts'"]
]

/** How often the rules of the layers, and no others, speak of each snippet; the files lie as they do in the repository. */
async function complaints (snippets: ReadonlyArray<readonly [file: string, code: string]>): Promise<number[]> {
  const directory = await mkdtemp(join(tmpdir(), 'twinwire-lint-'))
  try {
    await writeFile(join(directory, '.oxlintrc.json'), JSON.stringify({ categories: { correctness: 'off' }, overrides: config.overrides }))
    // Several snippets would be the same file.
    const paths = snippets.map(([file], index) => file.replace('/file.ts', `/file-${index}.ts`))
    for (const [index, path] of paths.entries()) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), `${snippets[index][1]}\n`)
    }
    const { diagnostics } = JSON.parse(await lint(directory)) as { diagnostics: ReadonlyArray<{ filename: string }> }
    return paths.map(path => diagnostics.filter(({ filename }) => filename === path).length)
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function lint (directory: string): Promise<string> {
  const program = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint')
  return await new Promise(resolve => {
    // It exits with 1 where it finds anything.
    execFile(process.execPath, [program, '--format', 'json', '.'], { cwd: directory, maxBuffer: 2 ** 26 }, (_error, stdout) => resolve(stdout))
  })
}

test('what a layer must not import or use does not pass', async t => {
  const found = await complaints(offences)
  t.deepEqual(offences.filter((_, index) => found[index] === 0), [])
})

test('what a layer may import and use passes', async t => {
  const found = await complaints(allowed)
  t.deepEqual(allowed.filter((_, index) => found[index] > 0), [])
})

test('every folder of src has its rules, which say what the table of layers says', async t => {
  const table = await readFile(join(root, 'docs', 'architecture.md'), 'utf8')
  const rows = [...table.matchAll(/^\| `(src\/\w+)\/` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm)]
  const folders = await readdir(join(root, 'src'))
  t.deepEqual(rows.map(([, layer]) => layer).sort(), folders.map(name => `src/${name}`).sort())
  for (const [, layer, layers, packages] of rows) {
    const rules = config.overrides.find(({ files, rules }) => files.includes(`${layer}/**`) && rules['no-restricted-imports'] !== undefined)
    const messages = new Set(rules?.rules['no-restricted-imports']?.[1].patterns.map(({ message }) => message))
    t.deepEqual(messages, new Set([`${layer} may import of twinwire: ${layers}; of packages: ${packages}.`]))
  }
})

test('layers without time or chance have no dynamic import, which the rules do not see', async t => {
  for (const layer of [...PURE, 'stats']) {
    const folder = join(root, 'src', layer)
    for (const file of await readdir(folder, { recursive: true })) {
      if (file.endsWith('.ts')) {
        t.notRegex(await readFile(join(folder, file), 'utf8'), /\bimport\s*\(/, `src/${layer}/${file}`)
      }
    }
  }
})
