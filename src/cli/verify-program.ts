import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { show, TwinwireError } from '../core/errors.ts'
import type { Machinery } from './execute.ts'

/** What a process of `verify` loads: all of it sources, or all of it compiled. */
export interface LoadedProgram {
  readonly entry: URL
  readonly experimentsDirectory: URL
  readonly simWorker: URL
}

const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

/** That which this process runs. */
export function ownProgram ({ experimentsDirectory, simWorker }: Machinery): LoadedProgram {
  return { entry: new URL(`verify-process${EXTENSION}`, import.meta.url), experimentsDirectory, simWorker }
}

/** The folder of the package: compiled files lie one deeper than sources. */
const PACKAGE = new URL(EXTENSION === '.ts' ? '../../' : '../../../', import.meta.url)

const COMPILED_FOLDERS = ['src', 'experiments'] as const

/**
 * The compiled package, which any Node runs that twinwire supports; the sources need one that strips types and knows
 * `using`.
 *
 * @throws ERR_INVALID_OPTION where it was not built, or a source is younger than what was built of it
 */
export async function compiledProgram (root: URL = PACKAGE): Promise<LoadedProgram> {
  const dist = new URL('dist/', root)
  for (const folder of COMPILED_FOLDERS) {
    await checkCompiled(new URL(`${folder}/`, root), new URL(`${folder}/`, dist))
  }
  return {
    entry: new URL('src/cli/verify-process.js', dist),
    experimentsDirectory: new URL('experiments/', dist),
    simWorker: new URL('src/cli/sim-worker.js', dist)
  }
}

async function checkCompiled (sources: URL, compiled: URL): Promise<void> {
  for (const file of await sourcesIn(sources)) {
    const source = new URL(file, sources)
    const output = new URL(file.replace(/\.ts$/, '.js'), compiled)
    const built = await modifiedMs(output)
    if (built === undefined || built < (await modifiedMs(source) ?? 0)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'another Node runs the compiled package, which is not up to date', {
        path: '--node', expected: 'npm run build before', found: `${fileURLToPath(output)} ${built === undefined ? 'is missing' : 'is older than its source'}`
      })
    }
  }
}

/** None where the package has no sources: it is a published one, and what it runs is compiled. */
async function sourcesIn (folder: URL): Promise<string[]> {
  try {
    return (await readdir(folder, { recursive: true })).map(file => file.replaceAll('\\', '/')).filter(file => file.endsWith('.ts'))
  } catch {
    return []
  }
}

async function modifiedMs (file: URL): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs
  } catch {
    return undefined
  }
}

const NEEDED = [22, 20] as const

/**
 * The version of a Node binary.
 *
 * @throws ERR_INVALID_OPTION where it is none, ERR_NODE_VERSION where it is too old for twinwire
 */
export async function versionOfNode (path: string): Promise<string> {
  let version: string
  try {
    version = (await promisify(execFile)(path, ['-p', 'process.versions.node'])).stdout.trim()
  } catch (error) {
    throw notANode(path, error)
  }
  const [major, minor] = version.split('.').map(Number)
  if (!/^\d+\.\d+\.\d+/.test(version)) {
    throw notANode(path)
  }
  if (major < NEEDED[0] || major === NEEDED[0] && minor < NEEDED[1]) {
    throw new TwinwireError('ERR_NODE_VERSION', 'this Node is too old for twinwire', { path: '--node', expected: `${NEEDED.join('.')} or later`, found: `${version} (${path})` })
  }
  return version
}

function notANode (path: string, cause?: unknown): TwinwireError {
  return new TwinwireError('ERR_INVALID_OPTION', 'this is no Node', { path: '--node', expected: 'the path of a Node.js binary', found: show(path), cause })
}
