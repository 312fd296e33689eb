import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import { checkExperiment } from './check.ts'
import type { Experiment } from './definition.ts'

/** Compiled files lie in `dist/` as the sources lie in the repository, so that one relative address serves both. */
const SHIPPED = new URL('../../experiments/', import.meta.url)

/** Lower-case words joined by dashes. */
export const EXPERIMENT_NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

/** What Node loads as a module; of TypeScript it strips the types, but not in `node_modules`, where compiled files lie. */
const EXPERIMENT_FILE = /^(.*)\.(?:ts|mts|js|mjs)$/

/** A folder of experiments, or several, whose order is that of the names. */
export type ExperimentFolders = URL | readonly URL[]

export interface LoadedExperiment {
  readonly experiment: Experiment
  /** The experiment's own module: it exports `roles` too. */
  readonly rolesModule: URL
}

/**
 * Names of the experiments in folders (default: those that come with twinwire), of each folder in alphabetical order.
 * Files with other names (`test-tools.test.ts`, `_shared.ts`) are none.
 *
 * @throws ERR_INVALID_FILE where two have one name
 */
export async function experimentNames (folders: ExperimentFolders = SHIPPED): Promise<string[]> {
  const files = await experimentFiles(folders)
  const names = [...new Set(files.map(({ name }) => name))]
  names.forEach(name => fileOf(name, files))
  return names
}

/**
 * Loads one experiment by its name, which is also its file's.
 *
 * @throws ERR_UNKNOWN_EXPERIMENT, naming the nearest that there is
 * @throws ERR_EXPERIMENT_LOAD where the file cannot be imported: it does not parse, imports what is missing, or throws
 * @throws ERR_INVALID_FILE where the file exports no experiment of that name, one whose definition is not valid, or no roles, and
 * where two files have the name
 */
export async function loadExperiment (name: string, folders: ExperimentFolders = SHIPPED): Promise<LoadedExperiment> {
  const files = await experimentFiles(folders)
  const rolesModule = fileOf(name, files)
  if (rolesModule === undefined) {
    const names = files.map(({ name }) => name)
    const nearest = nearestName(name, names)
    throw new TwinwireError('ERR_UNKNOWN_EXPERIMENT', 'no such experiment', {
      path: 'experiment',
      expected: nearest === undefined ? `one of ${names.join(', ')}` : `${nearest} (known are ${names.join(', ')})`,
      found: show(name)
    })
  }
  const file = basename(rolesModule.pathname)
  const module = await importExperiment(rolesModule, file)
  if (module.experiment?.name !== name || module.roles === undefined) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the file is not an experiment', {
      path: file,
      expected: `exports 'experiment' with the name ${show(name)}, and 'roles'`,
      found: module.experiment === undefined ? `exports ${show(Object.keys(module))}` : `the name ${show(module.experiment.name)}`
    })
  }
  const { experiment } = module
  checkExperiment(experiment, file)
  return { experiment, rolesModule }
}

interface ExperimentFile {
  readonly name: string
  readonly url: URL
}

async function experimentFiles (folders: ExperimentFolders): Promise<ExperimentFile[]> {
  const files: ExperimentFile[] = []
  for (const folder of [folders].flat()) {
    for (const file of (await readdir(folder)).sort()) {
      const name = EXPERIMENT_FILE.exec(file)?.[1]
      if (name !== undefined && EXPERIMENT_NAME.test(name)) {
        files.push({ name, url: new URL(file, folder) })
      }
    }
  }
  return files
}

/** Results name the experiment alone: two of one name could not be told apart. */
function fileOf (name: string, files: readonly ExperimentFile[]): URL | undefined {
  const [first, second] = files.filter(file => file.name === name)
  if (second !== undefined) {
    throw new TwinwireError('ERR_INVALID_FILE', `two experiments have the name ${show(name)}`, {
      path: fileURLToPath(first.url), expected: 'a name that no other experiment has', found: `another one in ${fileURLToPath(second.url)}`
    })
  }
  return first?.url
}

interface ExperimentModule {
  readonly experiment: Experiment
  readonly roles: unknown
}

async function importExperiment (module: URL, file: string): Promise<Partial<ExperimentModule>> {
  try {
    return await import(module.href) as Partial<ExperimentModule>
  } catch (error) {
    throw new TwinwireError('ERR_EXPERIMENT_LOAD', 'the experiment cannot be loaded', {
      path: file, expected: 'a module that can be imported', found: describeFailure(error), cause: error
    })
  }
}

/** In one line, with the place that a syntax error's message does not name. */
function describeFailure (error: unknown): string {
  if (!(error instanceof Error)) {
    return show(error)
  }
  const place = /file:\/\/\S+?:\d+(?::\d+)?/.exec(error.stack ?? '')?.[0]
  return `${error.name}: ${error.message.split('\n')[0]}${place === undefined ? '' : ` (${place})`}`
}
