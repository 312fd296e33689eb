import { invalidFile, quoted } from './input-file.ts'

/** A key of a GML file with its value, and where the value stands. */
export interface GmlEntry {
  readonly key: string
  readonly value: number | string | readonly GmlEntry[]
  readonly line: number
  readonly column: number
}

/** Lists inside lists; a graph needs three. */
const MAX_DEPTH = 32

const SPACE = /[ \t\r\n]+|#[^\n]*/y
const KEY = /[A-Za-z][A-Za-z0-9_]*/y
const NUMBER = /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?![A-Za-z0-9_.])/y
const STRING = /"([^"]*)"/y

/**
 * Reads the syntax of GML (Himsolt 1997): keys with numbers, strings in quotation marks, or lists in brackets of the same.
 *
 * @throws ERR_INVALID_FILE with file:line:column
 */
export function parseGmlEntries (text: string, fileName: string): readonly GmlEntry[] {
  const cursor = new Cursor(text, fileName)
  const open: Array<{ readonly key: string, readonly line: number, readonly column: number, readonly entries: GmlEntry[] }> = []
  let entries: GmlEntry[] = []
  const top = entries
  for (;;) {
    cursor.skipSpace()
    const list = open.at(-1)
    if (cursor.atEnd) {
      if (list !== undefined) {
        throw cursor.wrong('a list that does not end', `] for the list at line ${list.line}`)
      }
      return top
    }
    if (list !== undefined && cursor.take(']')) {
      open.pop()
      list.entries.push({ key: list.key, value: entries, line: list.line, column: list.column })
      entries = list.entries
      continue
    }
    const key = cursor.match(KEY)?.[0]
    if (key === undefined) {
      throw cursor.wrong('not a key', list === undefined ? 'a key' : 'a key or ]')
    }
    cursor.skipSpace()
    const { line, column } = cursor
    if (cursor.take('[')) {
      if (open.length === MAX_DEPTH) {
        throw invalidFile('lists too deep', fileName, line, column, `at most ${MAX_DEPTH} levels`, 'more')
      }
      open.push({ key, line, column, entries })
      entries = []
      continue
    }
    const number = cursor.match(NUMBER)?.[0]
    const value = number === undefined ? cursor.match(STRING)?.[1] : Number(number)
    if (value === undefined) {
      throw cursor.wrong('not a value', 'a number, a string in quotation marks, or [')
    }
    entries.push({ key, value, line, column })
  }
}

class Cursor {
  line = 1
  readonly #text: string
  readonly #fileName: string
  #at = 0
  #lineStart = 0

  constructor (text: string, fileName: string) {
    this.#text = text
    this.#fileName = fileName
  }

  get column (): number {
    return this.#at - this.#lineStart + 1
  }

  get atEnd (): boolean {
    return this.#at === this.#text.length
  }

  skipSpace (): void {
    while (this.match(SPACE) !== undefined) { /* whatever there is of it */ }
  }

  take (character: string): boolean {
    if (this.#text[this.#at] !== character) {
      return false
    }
    this.#at++
    return true
  }

  match (pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text) ?? undefined
    if (match !== undefined) {
      for (let newline = match[0].indexOf('\n'); newline >= 0; newline = match[0].indexOf('\n', newline + 1)) {
        this.line++
        this.#lineStart = this.#at + newline + 1
      }
      this.#at += match[0].length
    }
    return match
  }

  wrong (message: string, expected: string): Error {
    const found = this.atEnd ? 'the end of the file' : quoted(/^[^\s]*/.exec(this.#text.slice(this.#at, this.#at + 30))?.[0] ?? '')
    return invalidFile(message, this.#fileName, this.line, this.column, expected, found)
  }
}
