import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'

/** What is wrong with a command line has its own exit code, since no experiment was judged. */
export const ExitCode = {
  ok: 0,
  /** A stated threshold does not hold, a unit failed, or an experiment's own code cannot be loaded. */
  failed: 1,
  badUse: 2,
  /** As a shell shows a process that SIGINT ended. */
  interrupted: 130,
  /** The same for SIGTERM. */
  terminated: 143
} as const

/** So that the same command gives the same simulation, also where nobody thought of a seed. */
export const DEFAULT_SEED = 'twinwire'

/** A reader for commander of an option that counts something: a whole number from 1 to `maximum`. */
export function countOf (option: string, maximum: number): (text: string) => number {
  return text => wholeNumber(option, text, 1, maximum)
}

/** The same for one that may be nothing, or begins to count at nothing: a whole number from 0 to `maximum`. */
export function fromZeroOf (option: string, maximum: number): (text: string) => number {
  return text => wholeNumber(option, text, 0, maximum)
}

function wholeNumber (option: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', {
      path: option, expected: `a whole number from ${minimum} to ${maximum}`, found: show(text)
    })
  }
  return value
}

/** A reader for commander of an option that is a share of something, more than nothing: `0.05`, or `5%`. */
export function shareOf (option: string): (text: string) => number {
  return text => {
    const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
    if (!/^[\d.]+%?$/.test(text) || !(value > 0 && value <= 1)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', { path: option, expected: 'a share, more than 0 and up to 1: 0.05, or 5%', found: show(text) })
    }
    return value
  }
}

/** What an option expects that names a file. */
export const FILE_NAME = 'the name of a file'

/** A reader for commander of an option whose text must say something. */
export function textOf (option: string, expected = 'some text'): (text: string) => string {
  return text => {
    if (text.trim() === '') {
      throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', { path: option, expected, found: show(text) })
    }
    return text
  }
}

/** The name, where it is one of those known. @throws ERR_INVALID_OPTION naming the nearest */
export function checkName (option: string, name: string, known: readonly string[]): string {
  if (!known.includes(name)) {
    const nearest = nearestName(name, known)
    throw new TwinwireError('ERR_INVALID_OPTION', 'there is no such name', {
      path: option, expected: nearest === undefined ? `one of ${known.join(', ')}` : `${nearest} (known are ${known.join(', ')})`, found: show(name)
    })
  }
  return name
}

/** A reader for commander of an option that may be repeated. */
export function collect (text: string, before: readonly string[]): string[] {
  return [...before, text]
}
