import { TwinwireError } from '../core/errors.ts'
import { parseDuration } from '../core/units.ts'
import { countOpen } from './byte-networks.ts'
import type { Environment } from './environment.ts'

/** The variable of the process's environment with the virtual time after which the process is ended: `1h`. Absent: never. */
const LIMIT_VARIABLE = 'TWINWIRE_LIMIT'

/** What a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Ends the process with an error when it still waits for something after so much virtual time. A promise that nobody will
 * settle is waited for as long as some node keeps its timers going, which in virtual time is for ever, and busily.
 *
 * @throws ERR_INVALID_UNIT, ERR_INVALID_OPTION for a limit that is none
 */
export function limitTime ({ pilot, timers }: Environment): void {
  const text = process.env[LIMIT_VARIABLE]
  if (text === undefined) {
    return
  }
  const limitMs = parseDuration(text, LIMIT_VARIABLE)
  if (!(limitMs >= 1 && limitMs <= LONGEST_MS)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no such limit', { path: LIMIT_VARIABLE, expected: `1ms to ${LONGEST_MS}ms`, found: text })
  }
  setTimeout(() => {
    const { connections, listeners } = countOpen()
    pilot.end()
    throw new TwinwireError('ERR_TIMEOUT', `something still waits after ${text} of virtual time, with ${timers.referenced} timers, ${connections} connections and ${listeners} listeners left`)
  }, limitMs).unref()
}
