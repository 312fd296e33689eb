import { readFile } from 'node:fs/promises'
import { TwinwireError } from '../../core/errors.ts'
import type { Scenario } from '../scenario.ts'

/** What a process of Node has open before it has done anything, and some to spare. */
const OTHER_FILES = 100

/**
 * Of the process that needs the most: the relay has a port for each address, as each neighbour sees it and as all others do, and two sockets for each
 * connection.
 *
 * @param limit files that a process may open; default: what the system says
 * @throws ERR_UNSUPPORTED where the system lets a process open fewer files than one connection a path takes
 */
export async function checkOpenFiles (scenario: Scenario, limit?: number): Promise<void> {
  const needed = filesOf(scenario)
  const allowed = limit ?? await openFilesLimit()
  if (needed > allowed) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'a process may not open as many files here as the relay needs: raise the limit (ulimit -Hn)', {
      path: 'scenario.paths', expected: `${needed} files or more`, found: `a limit of ${allowed}`
    })
  }
}

/** With one connection a path. */
export function filesOf ({ hosts, paths }: Pick<Scenario, 'hosts' | 'paths'>): number {
  const addresses = new Map(hosts.map(({ name, addresses }) => [name, addresses.length]))
  let files = OTHER_FILES
  for (const count of addresses.values()) {
    files += count
  }
  for (const { from, to } of paths) {
    files += (addresses.get(from) ?? 0) + (addresses.get(to) ?? 0) + 2
  }
  return files
}

/** Node raises its own limit as far as it may. Not known other than on Linux. */
async function openFilesLimit (): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const found = /^Max open files\s+(\d+)/m.exec(limits)
  return found === null ? Infinity : Number(found[1])
}
