import { spawnSync } from 'node:child_process'

/** Each in a process of its own, so that none inherits another's heap or compiled code; one after the other. */
const CASES = [
  'hold', 'queueing', 'dumbbell', 'flood', 'peers', 'fluid', 'stack', 'stack-network',
  'modules/messages', 'modules/transfer', 'modules/latency', 'modules/idle', 'modules/operations'
] as const

const names = process.argv.slice(2).filter(argument => !argument.startsWith('-'))
const flags = process.argv.slice(2).filter(argument => argument.startsWith('-'))
/** `modules` names all that are below it. */
const named = (name: string): string[] => CASES.filter(known => known === name || known.startsWith(`${name}/`))
const unknown = [...names.filter(name => named(name).length === 0), ...flags.filter(flag => flag !== '--json')]
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(' ')}; usage: npm run bench -- [${CASES.join('|')}|modules]... [--json]\n`)
  process.exit(2)
}
for (const name of names.length > 0 ? names.flatMap(named) : CASES) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', new URL(`./${name}.ts`, import.meta.url).pathname, ...flags], { stdio: 'inherit' })
  if (status !== 0) {
    process.exit(status ?? 1)
  }
}
