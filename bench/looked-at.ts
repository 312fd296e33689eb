import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import * as z from 'zod'

/** SHA-256 of each published page as it was when it was looked at and nothing was wrong with it, by its file's name. */
export type LookedAt = Readonly<Record<string, string>>

const FILE = 'looked-at.json'
const schema = z.record(z.string(), z.string())

/** @param reports the folder of the pages; none was looked at where it does not say so */
export async function readLookedAt (reports: URL): Promise<LookedAt> {
  try {
    return schema.parse(JSON.parse(await readFile(new URL(FILE, reports), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return {}
    }
    throw error
  }
}

export async function writeLookedAt (reports: URL, lookedAt: LookedAt): Promise<void> {
  const inOrder = Object.fromEntries(Object.entries(lookedAt).sort(([a], [b]) => a < b ? -1 : 1))
  await writeFile(new URL(FILE, reports), `${JSON.stringify(inOrder, undefined, 2)}\n`)
}

export async function hashOfPage (reports: URL, page: string): Promise<string> {
  return createHash('sha256').update(await readFile(new URL(page, reports))).digest('hex')
}
