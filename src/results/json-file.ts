import type * as z from 'zod'
import { show, TwinwireError } from '../core/errors.ts'
import { valueAt } from '../core/options.ts'

/** What a file of results is, for the messages of its errors. */
export interface JsonFile {
  /** The grammatical subject of a message: `the manifest is`. */
  readonly subject: string
  /** What it has to be at the outside: `a JSON object`. */
  readonly expected: string
  readonly path: string
}

/** @throws ERR_INVALID_FILE where the text is no JSON */
export function parseJsonFile (json: string, { subject, expected, path }: JsonFile): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new TwinwireError('ERR_INVALID_FILE', `${subject} not JSON`, { path, expected, found: show(json.slice(0, 40)), cause: error })
  }
}

/** @throws ERR_INVALID_FILE with the place of the first thing that is wrong */
export function checkJsonFile<Schema extends z.ZodType> (schema: Schema, value: unknown, { subject, path }: JsonFile): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) {
    return parsed.data
  }
  const [{ path: place, message }] = parsed.error.issues
  throw new TwinwireError('ERR_INVALID_FILE', `${subject} not valid`, { path: `${path}: ${place.join('.')}`, expected: message, found: show(valueAt(value, place)) })
}
