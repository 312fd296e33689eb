import { closeSync, openSync, readSync } from 'node:fs'
import { readEventLog } from '../sim/event-log-reader.ts'
import type { LogEntry } from '../sim/event-log-reader.ts'

/** Where two logs part, in lines to be read. */
export interface Difference {
  /** The last that both have, oldest first. */
  readonly before: readonly string[]
  /** What the one has and the other has not, and what follows there; at the end of its log it says so. */
  readonly first: readonly string[]
  readonly second: readonly string[]
}

const SHOWN_BEFORE = 5
/** With the one that differs. */
const SHOWN_FROM = 3

/**
 * Reads two logs of events beside each other. Undefined where they are alike to the end.
 *
 * @throws ERR_INVALID_FILE where one is no log
 */
export function firstDifference (firstLog: string, secondLog: string): Difference | undefined {
  using first = new LogCursor(firstLog)
  using second = new LogCursor(secondLog)
  const before: LogEntry[] = []
  for (;;) {
    const [one, other] = [first.next(), second.next()]
    if (!isSame(one, other)) {
      // Two operations may bear one name.
      const [shown, shownOther] = [describe(one), describe(other)]
      const exactly = shown === shownOther ? operationOf : () => ''
      return {
        before: before.map(describe),
        first: [shown + exactly(one), ...following(first, one)],
        second: [shownOther + exactly(other), ...following(second, other)]
      }
    }
    if (one === undefined) {
      return undefined
    }
    before.push(one)
    if (before.length > SHOWN_BEFORE) {
      before.shift()
    }
  }
}

function following (log: LogCursor, entry: LogEntry | undefined): string[] {
  const lines: string[] = []
  for (let last = entry; last !== undefined && lines.length < SHOWN_FROM - 1;) {
    last = log.next()
    lines.push(describe(last))
  }
  return lines
}

function isSame (one: LogEntry | undefined, other: LogEntry | undefined): boolean {
  if (one === undefined || other === undefined) {
    return one === other
  }
  if (one.kind === 'recorded') {
    return other.kind === 'recorded' && one.number === other.number && one.text === other.text
  }
  return other.kind === 'event' &&
    one.timeNs === other.timeNs && one.operation === other.operation && one.argument === other.argument && one.name === other.name
}

/** `event 10423 at 123.400000 ms: link arrival 5`; what was recorded belongs to the event before. */
function describe (entry: LogEntry | undefined): string {
  if (entry === undefined) {
    return 'the run is over'
  }
  return entry.kind === 'event'
    ? `event ${entry.number} at ${showMs(entry.timeNs)} ms: ${entry.name} ${entry.argument}`
    : `recorded after event ${entry.number}: ${entry.text}`
}

function operationOf (entry: LogEntry | undefined): string {
  return entry?.kind === 'event' ? ` (operation ${entry.operation})` : ''
}

/** To the nanosecond, also where a double of milliseconds is not as exact. */
function showMs (timeNs: number): string {
  return `${Math.floor(timeNs / 1e6)}.${String(timeNs % 1e6).padStart(6, '0')}`
}

class LogCursor {
  readonly #entries: Generator<LogEntry, void, undefined>
  readonly #descriptor: number

  constructor (path: string) {
    this.#descriptor = openSync(path, 'r')
    this.#entries = readEventLog(piecesOf(this.#descriptor))
  }

  /** Undefined at the end, however often it is asked. */
  next (): LogEntry | undefined {
    return this.#entries.next().value ?? undefined
  }

  [Symbol.dispose] (): void {
    closeSync(this.#descriptor)
  }
}

const PIECE_BYTES = 1 << 16

function * piecesOf (descriptor: number): Generator<Uint8Array, void, undefined> {
  for (;;) {
    const piece = new Uint8Array(PIECE_BYTES)
    const length = readSync(descriptor, piece)
    if (length === 0) {
      return
    }
    yield piece.subarray(0, length)
  }
}
