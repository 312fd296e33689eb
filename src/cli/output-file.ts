import { closeSync, constants, openSync, renameSync, rmSync, statSync, writeSync, accessSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { show, TwinwireError } from '../core/errors.ts'

/**
 * A file that is there whole or not at all: it is written beside its place and moved there by `commit`. Writing is
 * synchronous, for what writes is inside a simulation, which would otherwise run ahead of the disk.
 */
export class OutputFile {
  readonly #option: string
  readonly #path: string
  /** Where it is written; the same for what is no file, as a terminal or a pipe. */
  readonly #draft: string
  readonly #descriptor: number
  #open = true

  /**
   * @param option what the user gave the name with
   * @throws ERR_INVALID_OPTION where it cannot be written there
   */
  constructor (option: string, workingDirectory: string, name: string) {
    this.#option = option
    this.#path = resolve(workingDirectory, name)
    try {
      const kind = kindOf(this.#path)
      if (kind === 'folder') {
        throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
      }
      if (kind === 'file') {
        accessSync(this.#path, constants.W_OK)
      }
      this.#draft = kind === 'device' ? this.#path : `${this.#path}.${process.pid}.partial`
      this.#descriptor = openSync(this.#draft, 'w')
    } catch (error) {
      throw this.#failure(error, name)
    }
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

  /** The file is whole: puts it in its place. */
  commit (): void {
    this.#close()
    if (this.#draft !== this.#path) {
      renameSync(this.#draft, this.#path)
    }
  }

  /** There will be no such file. After `commit` does nothing. */
  discard (): void {
    if (this.#open) {
      this.#close()
      if (this.#draft !== this.#path) {
        rmSync(this.#draft)
      }
    }
  }

  #close (): void {
    this.#open = false
    closeSync(this.#descriptor)
  }

  #failure (error: unknown, name: string): TwinwireError {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return new TwinwireError('ERR_INVALID_OPTION', 'the file cannot be written', {
      path: this.#option, expected: `a file in a folder that exists (${dirname(this.#path)}) and can be written to`, found: `${show(name)} (${code})`, cause: error
    })
  }
}

function kindOf (path: string): 'none' | 'file' | 'folder' | 'device' {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) {
    return 'none'
  }
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'device'
}
