import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { experimentNames } from '../src/experiment/registry.ts'

/**
 * Every experiment with `twinwire verify`: in two processes of this Node, and in one of this and one of the oldest that
 * twinwire supports, where that was installed. Arguments are passed on.
 */

const root = new URL('../', import.meta.url)
const bin = fileURLToPath(new URL('bin/twinwire.js', root))
const oldest = oldestNode()
let failed = 0

/** What makes an experiment short enough to be done four times and more: ten seconds at 2 Gbit/s are a minute's work. */
const SHORTENED: Readonly<Record<string, readonly string[]>> = {
  'concurrent-connections': ['--seeds', '1'],
  'drain-once': ['--seeds', '1', '--set', 'bulkBytes=2000000'],
  'early-stream-zombie': ['--seeds', '1'],
  'libp2p-perf': ['--seeds', '1', '--set', 'transferMs=600', '--set', 'intervalMs=150']
}

/** Of real peers alone; and the same roles as in `concurrent-connections`, for minutes. */
const LEFT_OUT: ReadonlySet<string> = new Set(['memory', 'large-crowd'])

for (const name of (await experimentNames()).filter(name => !LEFT_OUT.has(name))) {
  const shortened = SHORTENED[name] ?? []
  verify(name, ...shortened)
  if (oldest !== undefined) {
    verify(name, '--node', oldest, ...shortened)
  }
}
if (oldest === undefined) {
  console.error('Node 22 is not installed (npm run install:node-22): whether simulations are the same on it was left out')
}
process.exitCode = failed === 0 ? 0 : 1

function verify (...args: string[]): void {
  const { status } = spawnSync(process.execPath, [bin, 'verify', ...args, ...process.argv.slice(2)], { stdio: 'inherit' })
  failed += status === 0 ? 0 : 1
}

function oldestNode (): string | undefined {
  const folder = new URL('tools/node-22/', root)
  const { optionalDependencies } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { optionalDependencies: Record<string, string> }
  return Object.keys(optionalDependencies)
    .flatMap(name => ['node', 'node.exe'].map(file => fileURLToPath(new URL(`node_modules/${name}/bin/${file}`, folder))))
    .find(file => existsSync(file))
}
