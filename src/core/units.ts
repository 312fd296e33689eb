import { show, TwinwireError } from './errors.ts'

// Inside the simulator time is an integer count of nanoseconds: exact sums up to 2^53 ns (104 days).
// Everywhere else it is milliseconds, as in JavaScript. Rates are bits per second, sizes bytes.

export const NS_PER_MS = 1e6
export const NS_PER_S = 1e9

/** Milliseconds to the nearest whole nanosecond. */
export function msToNs (ms: number): number {
  return Math.round(ms * NS_PER_MS)
}

export function nsToMs (ns: number): number {
  return ns / NS_PER_MS
}

const RATE_UNITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }
const DURATION_UNITS: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3, min: 60e3, h: 3600e3 }
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `10mbit` to bits per second. A bare number is refused: it is where factors of eight come from. */
export function parseRate (text: string, path: string): number {
  return parseQuantity(text, path, RATE_UNITS, 'a rate such as 10mbit')
}

/** `80ms` to milliseconds. */
export function parseDuration (text: string, path: string): number {
  return parseQuantity(text, path, DURATION_UNITS, 'a duration such as 80ms')
}

/** `64KiB` to bytes. */
export function parseSize (text: string, path: string): number {
  return parseQuantity(text, path, SIZE_UNITS, 'a size such as 64KiB')
}

function parseQuantity (text: string, path: string, units: Readonly<Record<string, number>>, example: string): number {
  const match = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-zA-Z]+)$/.exec(text.trim())
  const factor = match === null ? undefined : units[match[2]]
  if (match === null || factor === undefined) {
    throw new TwinwireError('ERR_INVALID_UNIT', 'cannot read the quantity', {
      path,
      expected: `${example} (${Object.keys(units).join(', ')})`,
      found: show(text)
    })
  }
  return Number(match[1]) * factor
}
