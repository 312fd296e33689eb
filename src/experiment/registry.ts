import { readdir } from 'node:fs/promises'
import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import { checkExperiment } from './check.ts'
import type { Experiment } from './definition.ts'

/** Compiled files lie in `dist/` as the sources lie in the repository, so that one relative address serves both. */
const SHIPPED = new URL('../../experiments/', import.meta.url)

/** Sources load sources and compiled files compiled ones. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

export interface LoadedExperiment {
  readonly experiment: Experiment
  /** The experiment's own module: it exports `roles` too. */
  readonly rolesModule: URL
}

/** Names of the experiments in a folder (default: those that come with twinwire), in alphabetical order. */
export async function experimentNames (directory: URL = SHIPPED): Promise<string[]> {
  const names: string[] = []
  for (const file of await readdir(directory)) {
    if (file.endsWith(EXTENSION) && !file.endsWith(`.d${EXTENSION}`)) {
      names.push(file.slice(0, -EXTENSION.length))
    }
  }
  return names.sort()
}

/**
 * Loads one experiment by its name, which is also its file's.
 *
 * @throws ERR_UNKNOWN_EXPERIMENT, naming the nearest that there is
 * @throws ERR_EXPERIMENT_LOAD where the file cannot be imported: it does not parse, imports what is missing, or throws
 * @throws ERR_INVALID_FILE where the file exports no experiment of that name, one whose definition is not valid, or no roles
 */
export async function loadExperiment (name: string, directory: URL = SHIPPED): Promise<LoadedExperiment> {
  const names = await experimentNames(directory)
  if (!names.includes(name)) {
    const nearest = nearestName(name, names)
    throw new TwinwireError('ERR_UNKNOWN_EXPERIMENT', 'no such experiment', {
      path: 'experiment',
      expected: nearest === undefined ? `one of ${names.join(', ')}` : `${nearest} (known are ${names.join(', ')})`,
      found: show(name)
    })
  }
  const rolesModule = new URL(`${name}${EXTENSION}`, directory)
  const module = await importExperiment(rolesModule, `${name}${EXTENSION}`)
  if (module.experiment?.name !== name || module.roles === undefined) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the file is not an experiment', {
      path: `${name}${EXTENSION}`,
      expected: `exports 'experiment' with the name ${show(name)}, and 'roles'`,
      found: module.experiment === undefined ? `exports ${show(Object.keys(module))}` : `the name ${show(module.experiment.name)}`
    })
  }
  const { experiment } = module
  checkExperiment(experiment, `${name}${EXTENSION}`)
  return { experiment, rolesModule }
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
