/**
 * Conditions that a caller can meet, each with a code that stays the same between releases.
 * Bugs are not in this list: they throw a plain `Error` from an assertion.
 */
export type ErrorCode =
  | 'ERR_ABORTED'
  | 'ERR_BATCH_INVALID'
  | 'ERR_BUDGET_EXHAUSTED'
  | 'ERR_CHECKSUM'
  | 'ERR_COMMAND_FAILED'
  | 'ERR_CONNECTION_CLOSED'
  | 'ERR_CONNECTION_REFUSED'
  | 'ERR_CONNECTION_RESET'
  | 'ERR_CONSERVATION'
  | 'ERR_DEADLINE'
  | 'ERR_DEADLOCK'
  | 'ERR_DIAL_FAILED'
  | 'ERR_EVENT_LIMIT'
  | 'ERR_EXPERIMENT_LOAD'
  | 'ERR_FRAME_INVALID'
  | 'ERR_FRAME_TOO_LARGE'
  | 'ERR_HOST_DIED'
  | 'ERR_INTERRUPTED'
  | 'ERR_INVALID_FILE'
  | 'ERR_INVALID_OPTION'
  | 'ERR_INVALID_SAMPLE'
  | 'ERR_INVALID_STATE'
  | 'ERR_INVALID_UNIT'
  | 'ERR_NO_ADDRESS'
  | 'ERR_NODE_VERSION'
  | 'ERR_NO_SAMPLES'
  | 'ERR_NOT_REPRODUCIBLE'
  | 'ERR_OVERLOADED'
  | 'ERR_PACKETS_LOST'
  | 'ERR_PACKET_LIMIT'
  | 'ERR_PEER_EJECTED'
  | 'ERR_PEER_MISMATCH'
  | 'ERR_PORT_IN_USE'
  | 'ERR_PROCESS_DIED'
  | 'ERR_QUEUE_FULL'
  | 'ERR_REMOTE_FAILED'
  | 'ERR_RESULTS_INCOMPLETE'
  | 'ERR_STOPPED'
  | 'ERR_STREAM_CLOSED'
  | 'ERR_TIMEOUT'
  | 'ERR_TIME_STANDS_STILL'
  | 'ERR_TOO_MANY_WAITERS'
  | 'ERR_UNKNOWN_EXPERIMENT'
  | 'ERR_UNKNOWN_HOST'
  | 'ERR_UNKNOWN_OPTION'
  | 'ERR_UNSUPPORTED'
  | 'ERR_UNSUPPORTED_PROTOCOL'

/** What a bad input looked like: where it stood, what would have been right, what was there. */
export interface ErrorDetails {
  /** Where the value stands, as a reader would write it: `paths[0].rateBitsPerSecond`, `latency.csv:3:7`. */
  readonly path?: string
  readonly expected?: string
  readonly found?: string
  readonly cause?: unknown
}

/** The error of every condition that twinwire reports on purpose. */
export class TwinwireError extends Error {
  readonly code: ErrorCode
  readonly path: string | undefined
  readonly expected: string | undefined
  readonly found: string | undefined
  readonly #condition: string
  readonly #details: ErrorDetails

  /** @param message the condition alone; the error's own message has the details behind it */
  constructor (code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(describe(message, details), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'TwinwireError'
    this.code = code
    this.path = details.path
    this.expected = details.expected
    this.found = details.found
    this.#condition = message
    this.#details = details
  }

  /** The same with its place named as the user of what threw it knows it. */
  at (path: string): TwinwireError {
    return new TwinwireError(this.code, this.#condition, { ...this.#details, path })
  }
}

/** `value` as it should appear in an error's `found`: short, quoted, never huge. */
export function show (value: unknown): string {
  if (value === undefined) {
    return 'nothing'
  }
  const text = typeof value === 'number' ? String(value) : stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function stringify (value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    // A cycle or a bigint: what an error says of it must not be an error itself.
    return typeof value
  }
}

function describe (message: string, { path, expected, found }: ErrorDetails): string {
  const parts = [message]
  if (path !== undefined) {
    parts.push(`at ${path}`)
  }
  if (expected !== undefined) {
    parts.push(`expected ${expected}`)
  }
  if (found !== undefined) {
    parts.push(`found ${found}`)
  }
  return parts.join('; ')
}

/** What went wrong in a few words: the code that the system gave (`ENOENT`), or else all that the error says. */
export function errorCode (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
