import { createHash } from 'node:crypto'
import type { Experiment } from './definition.ts'

/**
 * What an experiment declares, in 64 hexadecimal digits (SHA-256): arms, cases with their metrics, thresholds, promises,
 * repetitions, texts and the parameters' defaults, in whatever order their fields stand. Results carry it, so that they can
 * be told from those of another definition. What scenarios and roles do is code, and not in it.
 */
export function definitionHash ({ parameters, ...declared }: Experiment): string {
  const data = { ...declared, parameters: parameters.parse({}) }
  return createHash('sha256').update(JSON.stringify(data, sorted)).digest('hex')
}

/** Fields by name; JSON leaves functions out. */
function sorted (_key: string, value: unknown): unknown {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
    : value
}
