import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { experimentNames } from '../src/experiment/registry.ts'

/**
 * Every experiment with `twinwire verify`, one seed: in a process of this Node and one of the oldest that twinwire supports,
 * or where that was not installed, in two of this. Arguments are passed on.
 */

const root = new URL('../', import.meta.url)
const bin = fileURLToPath(new URL('bin/twinwire.js', root))
const oldest = oldestNode()
let failed = 0

/**
 * What makes an experiment short enough to be done twice in some seconds, with something of each of its mechanisms left: of
 * one with many cases, one. All of one is `twinwire verify <experiment>`.
 */
const SHORTENED: Readonly<Record<string, readonly string[]>> = {
  ablation: ['--case', 'slow-answers', '--set', 'durationMs=1000'],
  'bandwidth-efficiency': ['--case', 'json'],
  'bulk-and-requests': ['--case', 'urgent', '--set', 'durationMs=1000'],
  'concurrent-connections': ['--case', 'clients-100'],
  'dial-ban': ['--case', 'congested', '--set', 'durationMs=120000'],
  dissemination: ['--case', 'small', '--set', 'peers=30'],
  'drain-once': ['--set', 'bulkBytes=2000000'],
  'early-stream-zombie': ['--case', 'busy-11'],
  'failed-requests': ['--case', 'churn', '--set', 'durationMs=15000'],
  'false-disconnects': ['--case', 'pauses', '--set', 'durationMs=60000'],
  'libp2p-perf': ['--set', 'transferMs=600', '--set', 'intervalMs=150'],
  'pantheon-paths': ['--case', 'mexico-cellular-to-california', '--set', 'durationMs=1000'],
  recovery: ['--case', 'churn', '--set', 'clients=2', '--set', 'observedMs=5000']
}

/** Those that real peers alone can answer, and those that are another's cases with more peers. */
const LEFT_OUT: ReadonlySet<string> = new Set(['memory', 'memory-each-module', 'dissemination-large', 'large-crowd'])

for (const name of (await experimentNames()).filter(name => !LEFT_OUT.has(name))) {
  // In two processes, of which the second has the other Node where there is one: what is the same on both is the same on one.
  const other = oldest === undefined ? [] : ['--node', oldest]
  const { status } = spawnSync(process.execPath, [bin, 'verify', name, '--seeds', '1', ...other, ...SHORTENED[name] ?? [], ...process.argv.slice(2)], { stdio: 'inherit' })
  failed += status === 0 ? 0 : 1
}
if (oldest === undefined) {
  console.error('Node 22 is not installed (npm run install:node-22): whether simulations are the same on it was left out')
}
process.exitCode = failed === 0 ? 0 : 1

function oldestNode (): string | undefined {
  const folder = new URL('tools/node-22/', root)
  const { optionalDependencies } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { optionalDependencies: Record<string, string> }
  return Object.keys(optionalDependencies)
    .flatMap(name => ['node', 'node.exe'].map(file => fileURLToPath(new URL(`node_modules/${name}/bin/${file}`, folder))))
    .find(file => existsSync(file))
}
