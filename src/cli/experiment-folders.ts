import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { show, TwinwireError } from '../core/errors.ts'
import type { CliContext } from './context.ts'
import { textOf } from './options.ts'

/** Where somebody's own experiments lie unless they say otherwise, in the working directory. */
export const OWN_EXPERIMENTS = 'experiments'

/** What commander gives for the option that names another folder. */
export interface FolderOptions {
  readonly experiments?: string
}

export function withFolderOption (command: Command): Command {
  return command.option('--experiments <dir>', `a folder of your own experiments, beside those of twinwire (default: ${OWN_EXPERIMENTS}, where there is one)`,
    textOf('--experiments', 'the name of a folder'))
}

/**
 * The folders in which experiments are looked for: one's own, where there is one, and twinwire's. In a checkout of
 * twinwire both are the same.
 *
 * @throws ERR_INVALID_OPTION where a folder is named that is not there
 */
export async function experimentFolders ({ machinery, workingDirectory }: Pick<CliContext, 'machinery' | 'workingDirectory'>, { experiments }: FolderOptions = {}): Promise<URL[]> {
  const shipped = machinery.experimentsDirectory
  const own = resolve(workingDirectory, experiments ?? OWN_EXPERIMENTS)
  if (!await isFolder(own)) {
    if (experiments !== undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'there is no such folder', { path: '--experiments', expected: 'a folder of experiments', found: show(experiments) })
    }
    return [shipped]
  }
  return await realpath(own) === await realpath(fileURLToPath(shipped)) ? [shipped] : [pathToFileURL(`${own}/`), shipped]
}

async function isFolder (path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
