import { readFile, writeFile } from 'node:fs/promises'

/** The marks between which a part of a document stands that is made by a command. */
export interface Marks {
  readonly begin: string
  readonly end: string
  /** The document's, for errors. */
  readonly name: string
}

/**
 * What stands between the marks, without the empty lines around it.
 *
 * @throws where the document has lost them
 */
export function markedSection (text: string, marks: Marks): string {
  const { from, to } = find(text, marks)
  return text.slice(from, to).trim()
}

/** The text with other content between the marks. */
export function withMarkedSection (text: string, marks: Marks, content: string): string {
  const { from, to } = find(text, marks)
  return `${text.slice(0, from)}\n\n${content}\n\n${text.slice(to)}`
}

/** The same for a file. */
export async function writeMarkedSection (file: URL, begin: string, end: string, content: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  await writeFile(file, withMarkedSection(text, { begin, end, name: file.pathname }, content))
}

function find (text: string, { begin, end, name }: Marks): { from: number, to: number } {
  const at = text.indexOf(begin)
  const to = text.indexOf(end)
  if (at < 0 || to < at) {
    throw new Error(`${name} has lost the marks between which its figures stand`)
  }
  return { from: at + begin.length, to }
}
