import { randomBytes } from 'node:crypto'
import { accessSync, closeSync, constants, fstatSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isatty } from 'node:tty'
import { errorCode, show, TwinwireError } from '../core/errors.ts'

/** Files that are not whole yet, which nobody will complete once the process ends. */
const drafts = new Set<OutputFile>()
process.on('exit', () => drafts.forEach(file => file.discard()))

/**
 * A file that is there whole or not at all: it is written beside its place and moved there by `commit`. Writing is
 * synchronous, for what writes is inside a simulation, which would otherwise run ahead of the disk. Where the process exits
 * before, nothing is left of it.
 */
export class OutputFile {
  readonly #option: string
  readonly #path: string
  /** Where it is written; the same for a device. */
  readonly #draft: string
  readonly #descriptor: number
  #open = true

  /**
   * @param option what the user gave the name with
   * @throws ERR_INVALID_OPTION where it cannot be written there, and for what is neither a file nor a device: to open a
   * FIFO waits for its reader
   */
  constructor (option: string, workingDirectory: string, name: string) {
    this.#option = option
    this.#path = realPlace(workingDirectory, name)
    try {
      // By its own name: what a pipe's link in /proc shows to is no path.
      const kind = kindOf(resolve(workingDirectory, name))
      if (kind === 'folder') {
        throw refusal('EISDIR')
      }
      if (kind === 'other') {
        throw refusal('neither a file nor a device')
      }
      if (kind !== 'none' && isOwnOutput(this.#path)) {
        throw refusal("the command's own output")
      }
      if (kind === 'file') {
        accessSync(this.#path, constants.W_OK)
      }
      // A random name, for in a container the next process often has the number of one that was killed and left its draft.
      this.#draft = kind === 'device' ? this.#path : `${this.#path}.${randomBytes(6).toString('hex')}.partial`
      this.#descriptor = openSync(this.#draft, kind === 'device' ? 'w' : 'wx')
    } catch (error) {
      throw this.#failure(error, name)
    }
    drafts.add(this)
  }

  write (chunk: Uint8Array): void {
    try {
      for (let written = 0; written < chunk.length;) {
        written += writeSync(this.#descriptor, chunk, written)
      }
    } catch (error) {
      throw this.#failure(error, this.#path)
    }
  }

  /**
   * The file is whole: puts it in its place.
   *
   * @throws ERR_INVALID_OPTION where that fails; there is no such file then
   */
  commit (): void {
    try {
      this.#close()
      if (this.#draft !== this.#path) {
        renameSync(this.#draft, this.#path)
      }
    } catch (error) {
      this.#removeDraft()
      throw this.#failure(error, this.#path)
    }
  }

  /** There will be no such file. After `commit` does nothing. */
  discard (): void {
    if (this.#open) {
      this.#close()
      this.#removeDraft()
    }
  }

  #removeDraft (): void {
    if (this.#draft !== this.#path) {
      rmSync(this.#draft, { force: true })
    }
  }

  #close (): void {
    this.#open = false
    drafts.delete(this)
    closeSync(this.#descriptor)
  }

  #failure (error: unknown, name: string): TwinwireError {
    return new TwinwireError('ERR_INVALID_OPTION', 'the file cannot be written', {
      path: this.#option, expected: `a file in a folder that exists (${dirname(this.#path)}) and can be written to, or a device such as /dev/null`, found: `${show(name)} (${errorCode(error)})`, cause: error
    })
  }
}

/** Puts a text in its place. It waits for nothing, so that no signal comes in between. @throws as `OutputFile` does */
export function writeWhole (option: string, workingDirectory: string, name: string, text: string): void {
  const file = new OutputFile(option, workingDirectory, name)
  try {
    file.write(new TextEncoder().encode(text))
    file.commit()
  } finally {
    file.discard()
  }
}

/** The place that a name means, symbolic links followed: two names of one file give the same. */
export function realPlace (workingDirectory: string, name: string): string {
  const path = resolve(workingDirectory, name)
  return realPath(path) ?? join(realPath(dirname(path)) ?? dirname(path), basename(path))
}

/** Undefined for what is not there, or cannot be reached. */
function realPath (path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function kindOf (path: string): 'none' | 'file' | 'folder' | 'device' | 'other' {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) {
    return 'none'
  }
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : found.isCharacterDevice() ? 'device' : 'other'
}

/**
 * Whether a file or terminal is the process's stdout or stderr (/dev/stdout): a file put in its place would take the
 * figures with it, and on a terminal the two would mix.
 */
function isOwnOutput (path: string): boolean {
  const { dev, ino } = statSync(path)
  return [1, 2].some(descriptor => {
    const own = fstatSync(descriptor)
    return own.dev === dev && own.ino === ino && (own.isFile() || isatty(descriptor))
  })
}

function refusal (code: string): Error {
  return Object.assign(new Error(code), { code })
}
