import { show, TwinwireError } from '../core/errors.ts'

/** What is wrong with a command line has its own exit code, since no experiment was judged. */
export const ExitCode = {
  ok: 0,
  /** A stated threshold does not hold, or a unit failed. */
  failed: 1,
  badUse: 2,
  interrupted: 130
} as const

/** So that the same command gives the same simulation, also where nobody thought of a seed. */
export const DEFAULT_SEED = 'twinwire'

/** A reader for commander of an option that counts something: a whole number of at least 1. */
export function countOf (option: string): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', {
        path: option, expected: 'a whole number of at least 1', found: show(text)
      })
    }
    return value
  }
}

/** A reader for commander of an option that may be repeated. */
export function collect (text: string, before: readonly string[]): string[] {
  return [...before, text]
}
