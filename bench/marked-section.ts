import { readFile, writeFile } from 'node:fs/promises'

/**
 * Replaces what stands between two marks of a document.
 *
 * @throws where the document has lost them
 */
export async function writeMarkedSection (file: URL, begin: string, end: string, content: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) {
    throw new Error(`${file.pathname} has lost the marks between which its figures stand`)
  }
  await writeFile(file, `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`)
}
