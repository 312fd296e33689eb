import { TwinwireError } from '../core/errors.ts'

/** @throws ERR_INVALID_OPTION */
export function checkProbability (value: number, path: string): void {
  if (!(value >= 0 && value <= 1)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a probability', { path, expected: 'a number from 0 to 1', found: String(value) })
  }
}

/** @throws ERR_INVALID_OPTION also for infinity */
export function checkPositive (value: number, path: string): void {
  if (!(value > 0 && value < Infinity)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a size or rate', { path, expected: 'a number above 0', found: String(value) })
  }
}
