import { execFile } from 'node:child_process'
import { readFile, realpath } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { describeMachine } from '../results/environment.ts'
import type { RunDescription } from '../results/data.ts'

export type Environment = Pick<RunDescription, 'versions' | 'git' | 'machine'>

/** What results may depend on beside the code and the seed. */
export async function describeEnvironment (): Promise<Environment> {
  const [versions, git] = await Promise.all([describeVersions(), describeCheckout()])
  return { versions, ...(git === undefined ? {} : { git }), machine: describeMachine() }
}

/** twinwire's own version. */
export async function ownVersion (): Promise<string> {
  return await versionIn(ownPackage())
}

/** The packages whose behaviour is measured on real peers, and modelled in simulation. */
const MEASURED = ['libp2p', '@libp2p/tcp', '@chainsafe/libp2p-noise', '@chainsafe/libp2p-yamux']

async function describeVersions (): Promise<Record<string, string>> {
  const versions: Record<string, string> = { twinwire: await ownVersion(), node: process.versions.node }
  for (const name of MEASURED) {
    versions[name] = await versionIn(findPackageJSON(name, import.meta.url))
  }
  return versions
}

/** Undefined where the package does not lie in a checkout of its own, or git is missing. */
async function describeCheckout (): Promise<RunDescription['git']> {
  const directory = dirname(ownPackage())
  try {
    const [top, commit, changes] = await Promise.all([
      git(directory, 'rev-parse', '--show-toplevel'),
      git(directory, 'rev-parse', 'HEAD'),
      git(directory, 'status', '--porcelain')
    ])
    return await realpath(top) === await realpath(directory) ? { commit, dirty: changes !== '' } : undefined
  } catch {
    return undefined
  }
}

async function git (directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-C', directory, ...args])
  return stdout.trim()
}

function ownPackage (): string {
  const path = findPackageJSON(import.meta.url)
  if (path === undefined) {
    throw new Error('twinwire lies in no package')
  }
  return path
}

async function versionIn (packageJson: string | undefined): Promise<string> {
  if (packageJson === undefined) {
    return 'not installed'
  }
  const { version } = JSON.parse(await readFile(packageJson, 'utf8')) as { version: string }
  return version
}
