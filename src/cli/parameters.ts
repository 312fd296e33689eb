import * as z from 'zod'
import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import { parseOptions } from '../core/options.ts'
import { parseDuration, parseRate, parseSize } from '../core/units.ts'
import type { Experiment } from '../experiment/definition.ts'
import type { RunParameters } from '../wires/wire.ts'

/** One parameter of an experiment, as it is listed. */
export interface ParameterDescription {
  readonly name: string
  /** A JSON Schema type: `number`, `integer`, `string`, `boolean`. */
  readonly type: string
  readonly default: string | number | boolean
  readonly description: string
}

export function describeParameters ({ parameters }: Experiment): ParameterDescription[] {
  const { properties = {} } = z.toJSONSchema(parameters, { io: 'input' }) as { properties?: Record<string, Partial<ParameterDescription>> }
  return Object.entries(properties).map(([name, { type = 'string', default: value = '', description = '' }]) =>
    ({ name, type, default: value, description }))
}

/**
 * The experiment's parameters with `settings` (each `name=value`, the last of one name wins) over the defaults. A value
 * may bear a unit where the name says which quantity it is: `rttMs=80ms`, `rateBitsPerSecond=10mbit`,
 * `sizeBytes=64KiB`; a bare number is in the unit that the name ends in.
 *
 * @throws ERR_UNKNOWN_OPTION naming the nearest parameter, ERR_INVALID_UNIT, ERR_INVALID_OPTION
 */
export function parseParameters (experiment: Experiment, settings: readonly string[]): RunParameters {
  const known = describeParameters(experiment)
  const values: Record<string, string | number | boolean> = {}
  for (const setting of settings) {
    const equals = setting.indexOf('=')
    if (equals < 1) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'cannot read the setting', {
        path: '--set', expected: 'name=value', found: show(setting)
      })
    }
    const name = setting.slice(0, equals)
    const parameter = known.find(parameter => parameter.name === name)
    if (parameter === undefined) {
      const names = known.map(({ name }) => name)
      const nearest = nearestName(name, names)
      throw new TwinwireError('ERR_UNKNOWN_OPTION', `${experiment.name} has no such parameter`, {
        path: '--set',
        expected: nearest === undefined ? `one of ${names.join(', ')}` : `${nearest} (known are ${names.join(', ')})`,
        found: show(name)
      })
    }
    values[name] = readValue(parameter, setting.slice(equals + 1))
  }
  return parseOptions(experiment.parameters.strict(), values, '') as RunParameters
}

/** Names of the parameters that are not at their defaults. */
export function changedParameters ({ parameters }: Experiment, values: RunParameters): string[] {
  const defaults = parameters.parse({}) as RunParameters
  return Object.keys(values).filter(name => values[name] !== defaults[name])
}

const QUANTITIES: ReadonlyArray<readonly [suffix: string, parse: (text: string, path: string) => number]> = [
  ['Ms', parseDuration],
  ['BitsPerSecond', parseRate],
  ['Bytes', parseSize]
]

/** Text that is not of the parameter's type stays text, for the schema to refuse. */
function readValue ({ name, type }: ParameterDescription, text: string): string | number | boolean {
  switch (type) {
    case 'number':
    case 'integer':
      if (text.trim() !== '' && !Number.isNaN(Number(text))) {
        return Number(text)
      }
      return QUANTITIES.find(([suffix]) => name.endsWith(suffix))?.[1](text, name) ?? text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    default:
      return text
  }
}
