import { readFile, writeFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { errorCode, show, TwinwireError } from '../core/errors.ts'
import { EXPERIMENT_NAME, experimentNames } from '../experiment/registry.ts'
import type { CliContext } from './context.ts'
import { experimentFolders, OWN_EXPERIMENTS } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { fromHere } from './report.ts'
import { makeWritable } from './results-directory.ts'
import { commandLine } from './command-line.ts'

const IS_SOURCE = import.meta.url.endsWith('.ts')
/** Compiled files lie one deeper than sources. */
const PACKAGE = new URL(IS_SOURCE ? '../../' : '../../../', import.meta.url)
const CHECKOUT = IS_SOURCE ? resolve(fileURLToPath(PACKAGE)) : undefined

/** An experiment that is whole; it lies where `../src` is what it is to an experiment of this repository. */
const TEMPLATE = new URL('examples/my-question.ts', PACKAGE)
const TEMPLATE_NAME = /my-question/g
const SOURCE_IMPORT = '../src/authoring/index.ts'
const PACKAGE_IMPORT = 'twinwire/experiment'

/** The package is on no registry yet. */
const INSTALL = 'install twinwire here, from the file that `npm pack` makes in a checkout of it (npm install <file>)'

/**
 * The command `init`: writes a commented experiment that runs as it is, and what to do next.
 *
 * @throws ERR_INVALID_OPTION for a name that is none or taken, a file that is there already, or a folder that cannot be made
 */
export async function init (context: CliContext, name: string, options: FolderOptions): Promise<void> {
  const { stdout, workingDirectory } = context
  await checkFreeName(context, name, options)
  const folder = resolve(workingDirectory, options.experiments ?? OWN_EXPERIMENTS)
  const file = join(folder, `${name}${await extensionIn(folder)}`)
  const template = (await readFile(TEMPLATE, 'utf8')).replaceAll(TEMPLATE_NAME, name)
  const inCheckout = CHECKOUT !== undefined && isWithin(CHECKOUT, workingDirectory) && isWithin(CHECKOUT, folder)
  // A checkout need not be compiled.
  const source = inCheckout ? relative(folder, join(CHECKOUT, 'src/authoring/index.ts')) : PACKAGE_IMPORT
  await writeNew(folder, file, template.replaceAll(SOURCE_IMPORT, source))
  const install = inCheckout || findsPackage(file) ? '' : `First: ${INSTALL}\n`
  stdout.write(`Written: ${fromHere(context, file)}\n${install}Next: ${inCheckout ? commandInCheckout(CHECKOUT, folder, name) : commandElsewhere(name, options)}\n`)
}

/** npm runs it in the checkout's own folder, whichever the working directory is. */
function commandInCheckout (checkout: string, folder: string, name: string): string {
  return `npm run twinwire -- run ${name}${chosenFolder(folder === join(checkout, OWN_EXPERIMENTS) ? undefined : relative(checkout, folder))}`
}

function commandElsewhere (name: string, { experiments }: FolderOptions): string {
  return `npx twinwire run ${name}${chosenFolder(experiments)}`
}

function chosenFolder (folder: string | undefined): string {
  return folder === undefined ? '' : ` ${commandLine(['--experiments', folder])}`
}

function isWithin (folder: string, path: string): boolean {
  return `${resolve(path)}${sep}`.startsWith(`${folder}${sep}`)
}

async function checkFreeName (context: CliContext, name: string, options: FolderOptions): Promise<void> {
  if (!EXPERIMENT_NAME.test(name)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the name is not one of an experiment', {
      path: 'name', expected: 'lower-case words joined by dashes: my-question', found: show(name)
    })
  }
  // The folder may yet have to be made.
  const folders = await experimentFolders(context, options).catch(() => [context.machinery.experimentsDirectory])
  if ((await experimentNames(folders)).includes(name)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'there is an experiment of this name', { path: 'name', expected: 'a name that is not listed', found: show(name) })
  }
}

/** Where a package says that its files are CommonJS, Node takes `.mts` for a module all the same. */
async function extensionIn (folder: string): Promise<string> {
  for (let directory = folder; ; directory = dirname(directory)) {
    try {
      const { type } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as { type?: unknown }
      return type === 'module' ? '.ts' : '.mts'
    } catch (error) {
      if (!isMissing(error)) {
        throw new TwinwireError('ERR_INVALID_FILE', 'the package cannot be read', { path: join(directory, 'package.json'), expected: 'a JSON object', found: show(String(error)), cause: error })
      }
      if (dirname(directory) === directory) {
        return '.ts'
      }
    }
  }
}

/** As the experiment's import will be found: `npx` and a global installation are not. */
function findsPackage (file: string): boolean {
  try {
    return findPackageJSON('twinwire', pathToFileURL(file)) !== undefined
  } catch {
    return false
  }
}

async function writeNew (folder: string, file: string, content: string): Promise<void> {
  try {
    await makeWritable(folder)
    await writeFile(file, content, { flag: 'wx' })
  } catch (error) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the experiment cannot be written', {
      path: file, expected: 'a file that is not there yet, in a folder that can be written to', found: errorCode(error), cause: error
    })
  }
}

function isMissing (error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
