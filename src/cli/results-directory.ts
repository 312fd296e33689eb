import { access, constants, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { errorCode, show, TwinwireError } from '../core/errors.ts'
import { parseManifest } from '../results/manifest.ts'

/** `results/<experiment>-<time>`, the time in UTC. */
export function defaultResultsDirectory (experiment: string, startedAt: Date): string {
  const time = startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  return join('results', `${experiment}-${time}`)
}

/**
 * Makes the folder for a run's results, before the run, so that nobody waits for results that cannot be kept. One that
 * holds results of an earlier run is used again.
 *
 * @returns its absolute path
 * @throws ERR_INVALID_OPTION where it holds anything else, or cannot be made or written to
 */
export async function prepareResultsDirectory (workingDirectory: string, name: string): Promise<string> {
  const directory = resolve(workingDirectory, name)
  let entries: string[]
  try {
    await makeWritable(directory)
    entries = await readdir(directory)
  } catch (error) {
    throw cannotBeMade('--out', 'a folder that is new, empty, or of an earlier run', name, error)
  }
  if (entries.length > 0 && !await holdsResults(directory)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the folder holds something else, which is not overwritten', {
      path: '--out', expected: 'a folder that is new, empty, or of an earlier run', found: `${show(name)} with ${entries.length} other entries`
    })
  }
  return directory
}

/**
 * Makes a folder for pages, which may hold whatever it likes.
 *
 * @param option what the user gave its name with
 * @throws ERR_INVALID_OPTION where it cannot be made or written to
 */
export async function makePagesDirectory (option: string, directory: string): Promise<void> {
  try {
    await makeWritable(directory)
  } catch (error) {
    throw cannotBeMade(option, 'a folder, or the name of a new one', directory, error)
  }
}

/**
 * Makes a folder and those above it, level by level: Node's own recursive `mkdir` never ends where a file system that
 * seems writable (`/proc`) answers ENOENT.
 */
export async function makeWritable (directory: string): Promise<void> {
  const missing: string[] = []
  let existing = directory
  while (!await isDirectory(existing)) {
    missing.unshift(existing)
    existing = dirname(existing)
  }
  await access(existing, constants.W_OK | constants.X_OK)
  for (const level of missing) {
    try {
      await mkdir(level)
    } catch (error) {
      // Another run may have made the same `results` meanwhile.
      if (errorCode(error) !== 'EEXIST' || !await isDirectory(level)) {
        throw error
      }
    }
  }
}

/** @throws where there is something else of that name; the root always exists, so going upwards ends. */
async function isDirectory (path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) {
      return true
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' && dirname(path) !== path) {
      return false
    }
    throw error
  }
  throw Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR' })
}

/** Whether the folder holds results, as far as its manifest tells. */
export async function holdsResults (directory: string): Promise<boolean> {
  try {
    const path = join(directory, 'manifest.json')
    parseManifest(await readFile(path, 'utf8'), path)
    return true
  } catch {
    return false
  }
}

function cannotBeMade (option: string, expected: string, name: string, error: unknown): TwinwireError {
  return new TwinwireError('ERR_INVALID_OPTION', 'the folder cannot be made', { path: option, expected, found: `${show(name)} (${errorCode(error)})`, cause: error })
}
