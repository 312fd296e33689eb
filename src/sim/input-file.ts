import { show, TwinwireError } from '../core/errors.ts'

/** A file as it is read; a Node.js file stream is one. */
export type FileChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** No description of a network that is meant is larger; what is gets refused before it fills the memory. */
export const MAXIMUM_FILE_BYTES = 64 * 1024 * 1024

/** @throws ERR_INVALID_FILE once `bytes` have been read and the limit is passed */
export function checkFileSize (bytes: number, fileName: string): void {
  if (bytes > MAXIMUM_FILE_BYTES) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the file is too large', { path: fileName, expected: `at most ${MAXIMUM_FILE_BYTES} bytes`, found: 'more' })
  }
}

/**
 * The whole of a file of text.
 *
 * @throws ERR_INVALID_FILE for one of more than `MAXIMUM_FILE_BYTES`, having read no more than that, or one that is not UTF-8
 */
export async function readText (chunks: FileChunks, fileName: string): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const parts: string[] = []
  let bytes = 0
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length
      checkFileSize(bytes, fileName)
      parts.push(decoder.decode(chunk, { stream: true }))
    }
    parts.push(decoder.decode())
  } catch (error) {
    if (error instanceof TypeError) {
      throw new TwinwireError('ERR_INVALID_FILE', 'not a text', { path: fileName, expected: 'UTF-8', found: 'other bytes', cause: error })
    }
    throw error
  }
  return parts.join('')
}

/** The error of what stands at `line` and `column` (both counted from 1). */
export function invalidFile (message: string, fileName: string, line: number, column: number, expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_INVALID_FILE', message, { path: `${fileName}:${line}:${column}`, expected, found })
}

/** What an error says of a piece of the file. */
export function quoted (text: string): string {
  return text === '' ? 'nothing' : show(text)
}
