import * as z from 'zod'
import { show, TwinwireError } from '../core/errors.ts'
import { MODULES } from '../experiment/definition.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { RunDescription } from './data.ts'

/** Raised with every change that an older reader would misread. */
export const SCHEMA_VERSION = 1

const text = z.string()
const count = z.int().min(0)
const wire = z.enum(WIRES)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')

const unit = z.enum(['ms', 'share', 'count', 'bytes', 'bit/s'])
const modules = z.array(z.enum(MODULES))

const metricSchema = z.strictObject({
  name: text,
  title: text,
  sample: text,
  statistic: z.enum(['mean', 'p50', 'p90', 'p95', 'p99', 'maximum', 'failed-share']),
  unit,
  better: z.enum(['lower', 'higher']),
  baseline: text.exactOptional(),
  role: z.enum(['goal', 'cost']).exactOptional(),
  wireSpecific: z.boolean().exactOptional(),
  minimumEffect: z.number().min(0)
})

const named = { name: text, title: text, description: text }
const subject = { case: text, metric: text, arm: text }

const experimentSchema = z.strictObject({
  name: text,
  title: text,
  question: text,
  expected: text,
  arms: z.array(z.strictObject({ ...named, modules: modules.exactOptional() })).min(1),
  cases: z.array(z.strictObject({
    ...named, arms: z.array(text).exactOptional(), wires: z.array(wire).exactOptional(), metrics: z.array(metricSchema),
    sweep: z.strictObject({ name: text, levels: z.record(text, z.number()) }).exactOptional(),
    noGain: modules.exactOptional(),
    warmUpMs: z.union([z.number().min(0), z.literal('mser-5')]).exactOptional()
  })),
  thresholds: z.array(z.strictObject({
    ...subject, wire: wire.exactOptional(), limit: z.number(), direction: z.enum(['at-most', 'at-least'])
  })),
  agreement: z.array(z.strictObject({
    ...subject, model: wire.exactOptional(), reference: wire.exactOptional(), limitMs: z.number().min(0)
  })).exactOptional(),
  promises: z.array(z.strictObject({
    promise: text, reading: text, ...subject, wire: wire.exactOptional(),
    target: z.union([z.strictObject({ change: z.number() }), z.strictObject({ value: z.number() })])
  })).exactOptional(),
  sweeps: z.array(z.strictObject({
    ...named,
    factors: z.array(z.strictObject({ name: text, title: text, unit, scale: z.enum(['linear', 'log']).exactOptional() })).min(1).max(2)
  })).exactOptional(),
  precision: z.strictObject({ halfWidth: z.number().positive(), maximumSeeds: count, targets: z.array(z.strictObject(subject)) }).exactOptional()
})

const unitSchema = z.strictObject({
  wire,
  case: text,
  arm: text,
  seed: text,
  samples: count,
  traceHash: text.exactOptional(),
  error: z.strictObject({ code: text, message: text }).exactOptional()
})

const manifestSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  status: z.enum(['complete', 'partial']),
  command: text,
  experiment: experimentSchema,
  parameters: z.record(text, z.union([text, z.number(), z.boolean()])),
  plan: z.array(z.strictObject({ wire, seeds: z.array(text) })),
  versions: z.record(text, text),
  git: z.strictObject({ commit: text, dirty: z.boolean() }).exactOptional(),
  machine: z.strictObject({ cpu: text, cores: count, memoryBytes: count, os: text }),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  units: z.array(unitSchema),
  /** By file name, so that a file that was cut or swapped is noticed. */
  files: z.record(text, z.strictObject({ bytes: count, sha256 }))
})

export type Manifest = z.infer<typeof manifestSchema>

/**
 * Reads the text of a manifest.
 *
 * @throws ERR_INVALID_FILE with the path of the first thing that is wrong
 */
export function parseManifest (json: string, path: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the manifest is not JSON', { path, expected: 'a JSON object', found: show(json.slice(0, 40)), cause: error })
  }
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion
  if (version !== SCHEMA_VERSION) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the manifest is of another version', { path, expected: `schemaVersion ${SCHEMA_VERSION}`, found: show(version) })
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new TwinwireError('ERR_INVALID_FILE', 'the manifest is not valid', { path: `${path}: ${issue.path.join('.')}`, expected: issue.message, found: show(valueAt(value, issue.path)) })
  }
  return parsed.data
}

/** What a manifest says of the run itself. */
export function runOf ({ schemaVersion: _version, status: _status, units: _units, files: _files, ...run }: Manifest): RunDescription {
  return run
}

function valueAt (root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => value !== null && typeof value === 'object' ? (value as Record<PropertyKey, unknown>)[key] : undefined, root)
}
