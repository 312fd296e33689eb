import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ENVIRONMENT = fileURLToPath(new URL('../../../src/libp2p/environment.ts', import.meta.url))

/** What a script prints in a process of its own: in virtual time where there is a seed, and else in Node's. */
export async function printed (script: string, seed?: string): Promise<string> {
  const imports = seed === undefined ? [] : ['--import', ENVIRONMENT]
  const { stdout } = await promisify(execFile)(process.execPath, [...imports, '--no-warnings', '--input-type', 'module', '--eval', script], {
    env: { ...process.env, ...seed !== undefined && { TWINWIRE_SEED: seed } }
  })
  return stdout.trim()
}
