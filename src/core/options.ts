import type * as z from 'zod'
import { show, TwinwireError } from './errors.ts'
import { nearestName } from './nearest.ts'

/**
 * Checks `input` against a schema and fills in defaults: once, at the edge where options come in. `path` is what the
 * user calls the whole of it (`scenario`), or '' where its keys stand alone.
 *
 * @throws ERR_UNKNOWN_OPTION for a key that the schema (a `strictObject`) does not have, naming the nearest that it has
 * @throws ERR_INVALID_OPTION for the first other thing that is wrong, with path, expected and found
 */
export function parseOptions<Schema extends z.ZodType> (schema: Schema, input: unknown, path: string): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) {
    return parsed.data
  }
  const issue = deepest(parsed.error.issues)
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    throw new TwinwireError('ERR_UNKNOWN_OPTION', 'no such option', {
      path: pathOf(path, [...issue.path, key]),
      expected: suggestion(key, knownKeys(schema, issue.path)),
      found: show(key)
    })
  }
  throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', {
    path: pathOf(path, issue.path),
    expected: expectation(issue),
    found: show(valueAt(input, issue.path))
  })
}

type Issue = z.core.$ZodIssue

/**
 * The issue worth telling. A misspelt key comes before all else, since what it was meant to be is then missing as well;
 * of a union, the alternative that the input got furthest into.
 */
function deepest (issues: readonly Issue[]): Issue {
  const issue = issues.find(issue => issue.code === 'unrecognized_keys') ?? issues[0]
  if (issue.code !== 'invalid_union') {
    return issue
  }
  const inner = issue.errors.map(deepest).find(inner => inner.path.length > 0 || inner.code !== 'invalid_type')
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] }
}

function expectation (issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return NAMES_OF_TYPES[issue.expected] ?? issue.expected
    case 'too_small':
      return `${SUBJECTS[issue.origin] ?? 'a value'} ${issue.inclusive === true ? 'of at least' : 'greater than'} ${issue.minimum}`
    case 'too_big':
      return `${SUBJECTS[issue.origin] ?? 'a value'} ${issue.inclusive === true ? 'of at most' : 'less than'} ${issue.maximum}`
    case 'invalid_value':
      return alternatives(issue.values.map(show))
    case 'invalid_union':
      // Either no discriminator matched, or every alternative failed at its root.
      return 'options' in issue && issue.options !== undefined
        ? alternatives(issue.options.map(show))
        : issue.errors.map(errors => expectation(errors[0])).join(' or ')
    default:
      return issue.message
  }
}

const NAMES_OF_TYPES: Readonly<Record<string, string>> = {
  number: 'a finite number',
  int: 'a whole number',
  string: 'a string',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object'
}

const SUBJECTS: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a string with a length',
  array: 'an array with a length'
}

function alternatives (names: readonly string[]): string {
  return names.length === 1 ? names[0] : `one of ${names.join(', ')}`
}

function suggestion (key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known)
  return nearest === undefined ? alternatives(known) : `${nearest} (known are ${known.join(', ')})`
}

/** The keys that an object at `path` may have, over all alternatives that the schema offers there. */
function knownKeys (schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const { _zod: { def } } = schema as z.core.$ZodTypes
  switch (def.type) {
    case 'object':
      if (path.length === 0) {
        return Object.keys(def.shape)
      }
      return path[0] in def.shape ? knownKeys(def.shape[String(path[0])], path.slice(1)) : []
    case 'array':
      return knownKeys(def.element, path.slice(1))
    case 'record':
      return knownKeys(def.valueType, path.slice(1))
    case 'union':
      return [...new Set(def.options.flatMap(option => knownKeys(option, path)))]
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return knownKeys(def.innerType, path)
    case 'pipe':
      return knownKeys(def.in, path)
    default:
      return []
  }
}

/** `paths[0].rateBitsPerSecond` */
function pathOf (root: string, path: readonly PropertyKey[]): string {
  const text = path.reduce<string>((text, key) => {
    if (typeof key === 'number') {
      return `${text}[${key}]`
    }
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, root)
  return text === '' ? 'options' : text
}

/** What lies at a path into nested objects and lists; undefined where it leads nowhere. */
export function valueAt (root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    return value !== null && typeof value === 'object' ? (value as Record<PropertyKey, unknown>)[key] : undefined
  }, root)
}
