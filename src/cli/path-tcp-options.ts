import type { Command } from 'commander'
import { show, TwinwireError } from '../core/errors.ts'
import type { PathOptions } from '../path/options.ts'

/** What commander gives for the options of TCP that every `path` command has; what is absent is the preset's. */
export interface PathTcpFlags {
  readonly preset: PathOptions['tcp']['preset']
  readonly ecn?: NonNullable<PathOptions['tcp']['ecn']>
  readonly hystart?: NonNullable<PathOptions['tcp']['hystart']>
  readonly pacing?: boolean
}

export function withTcpOptions (command: Command): Command {
  return command
    .option('--preset <name>', 'TCP as linux does it, or as the rfc documents say (docs/tcp.md)', oneOf('--preset', ['linux', 'rfc'] as const), 'linux')
    .option('--ecn <which>', 'off, accept (agree where the peer asks), or on (ask for it); default: as the preset has it', oneOf('--ecn', ['off', 'accept', 'on'] as const))
    .option('--hystart <which>', 'how cubic leaves its first slow start: classic, plus-plus or off; default: as the preset has it', oneOf('--hystart', ['classic', 'plus-plus', 'off'] as const))
    .option('--pacing', 'reno and cubic send at a rate, as Linux does with fq; bbr always does')
}

export function readTcp ({ preset, ecn, hystart, pacing }: PathTcpFlags): PathOptions['tcp'] {
  return { preset, ecn, hystart, pacing }
}

/** A reader for commander. */
function oneOf<Name extends string> (option: string, names: readonly Name[]): (text: string) => Name {
  return text => {
    const name = names.find(name => name === text)
    if (name === undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', { path: option, expected: `one of ${names.join(', ')}`, found: show(text) })
    }
    return name
  }
}
