import { spawnSync } from 'node:child_process'

/** Each in a process of its own, so that none inherits another's heap or compiled code; one after the other. */
const CASES = ['hold', 'queueing', 'dumbbell', 'flood', 'peers', 'fluid', 'stack', 'stack-network'] as const

const names = process.argv.slice(2).filter(argument => !argument.startsWith('-'))
const flags = process.argv.slice(2).filter(argument => argument.startsWith('-'))
const unknown = [...names.filter(name => !CASES.some(known => known === name)), ...flags.filter(flag => flag !== '--json')]
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(' ')}; usage: npm run bench -- [${CASES.join('|')}]... [--json]\n`)
  process.exit(2)
}
for (const name of names.length > 0 ? names : CASES) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', new URL(`./${name}.ts`, import.meta.url).pathname, ...flags], { stdio: 'inherit' })
  if (status !== 0) {
    process.exit(status ?? 1)
  }
}
