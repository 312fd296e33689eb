import type { UnitKey } from '../experiment/unit.ts'
import type { RunDescription } from '../results/data.ts'

/** A word of a command as a shell reads it, quotes included. */
const WORD = "((?:'[^']*'|\\\\.|[^\\s'\\\\])+)"

/** The command that makes one simulation of a run again, and writes what one looks at it with. */
export function traceCommand ({ command, experiment }: Pick<RunDescription, 'command' | 'experiment'>, { case: caseName, arm, seed }: UnitKey): string {
  const cut = seed.lastIndexOf('/')
  // As they were typed: what a shell made of them once it makes of them again.
  const [root = seed.slice(0, Math.max(0, cut))] = wordsOf(command, '--seed')
  const repeated = ['--experiments', '--set'].flatMap(option => wordsOf(command, option).map(word => ` ${option} ${word}`)).join('')
  return `twinwire trace ${experiment.name} --case ${caseName} --arm ${arm} --seed ${root} --repetition ${seed.slice(cut + 1)}${repeated} --perfetto run.json`
}

function wordsOf (command: string, option: string): string[] {
  return [...command.matchAll(new RegExp(`\\s${option}[ =]${WORD}`, 'g'))].map(([, word]) => word)
}
