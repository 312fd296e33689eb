import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { errorCode, show, TwinwireError } from '../core/errors.ts'
import { parseOptions } from '../core/options.ts'
import type { Experiment } from '../experiment/definition.ts'
import { collect, FILE_NAME, textOf } from './options.ts'

/** What commander gives for the options that change parameters. */
export interface ParameterOptions {
  /** `name=value`, the last of one name wins. */
  readonly set: readonly string[]
  /** A JSON file, as `twinwire schema` describes it; `set` wins over it. */
  readonly parameters?: string
}

/** The settings of `--parameters` and `--set` together, as `--set` alone would give them: what `parseParameters` reads. */
export function settingsOf (experiment: Experiment, { set, parameters }: ParameterOptions, workingDirectory: string): readonly string[] {
  if (parameters === undefined) {
    return set
  }
  const overridden = new Set(set.map(setting => setting.slice(0, setting.indexOf('='))))
  const inFile = Object.entries(readParametersFile(experiment, parameters, workingDirectory))
  return [...inFile.filter(([name]) => !overridden.has(name)).map(([name, value]) => `${name}=${String(value)}`), ...set]
}

export function withParameterOptions (command: Command): Command {
  return command
    .option('--set <name=value>', 'changes a parameter, with a unit where it has one (rttMs=80ms); may be repeated', collect, [])
    .option('--parameters <file>', 'a JSON object of parameters (see schema); --set wins over it', textOf('--parameters', FILE_NAME))
}

/** Nobody has a megabyte of parameters: it is another file. */
const MAXIMUM_BYTES = 1024 * 1024

/** @throws ERR_UNKNOWN_OPTION naming the nearest parameter, ERR_INVALID_FILE for anything else, with the file and the place in it */
function readParametersFile (experiment: Experiment, name: string, workingDirectory: string): Record<string, unknown> {
  const content = parseJson(readSmallFile(resolve(workingDirectory, name), name), name)
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the file holds no parameters', { path: name, expected: 'a JSON object', found: show(content) })
  }
  // For editors.
  const { $schema: _schema, ...values } = content as Record<string, unknown>
  try {
    parseOptions(experiment.parameters.strict(), values, '')
  } catch (error) {
    if (!(error instanceof TwinwireError)) {
      throw error
    }
    const { code, path, expected, found } = error
    const details = { path: `${name}: ${path}`, ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }), cause: error }
    throw code === 'ERR_UNKNOWN_OPTION'
      ? new TwinwireError(code, `${experiment.name} has no such parameter`, details)
      : new TwinwireError('ERR_INVALID_FILE', 'the parameter is not valid', details)
  }
  return values
}

function readSmallFile (path: string, name: string): string {
  const refusal = (found: string, cause?: unknown): TwinwireError =>
    new TwinwireError('ERR_INVALID_FILE', 'the file of parameters cannot be read', { path: name, expected: `a file of at most ${MAXIMUM_BYTES} bytes`, found, cause })
  try {
    // Before it is opened: to open a FIFO waits for whoever writes to it.
    const stats = statSync(path)
    if (!stats.isFile() || stats.size > MAXIMUM_BYTES) {
      throw refusal(stats.isFile() ? `${stats.size} bytes` : 'no file')
    }
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw error instanceof TwinwireError ? error : refusal(errorCode(error), error)
  }
}

function parseJson (text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the file of parameters is not JSON', {
      path: name, expected: 'a JSON object', found: error instanceof Error ? error.message.split('\n')[0] : show(text.slice(0, 40)), cause: error
    })
  }
}
