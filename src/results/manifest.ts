import * as z from 'zod'
import { show, TwinwireError } from '../core/errors.ts'
import { caseShape, experimentShape, precisionSchema } from '../experiment/schema.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { RunDescription } from './data.ts'
import { checkJsonFile, parseJsonFile } from './json-file.ts'

/** Raised with every change that an older reader would misread. */
export const SCHEMA_VERSION = 1

const text = z.string()
const count = z.int().min(0)
const wire = z.enum(WIRES)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')

const experimentSchema = z.strictObject({ ...experimentShape, cases: z.array(z.strictObject(caseShape)) })

const unitSchema = z.strictObject({
  wire,
  case: text,
  arm: text,
  seed: text,
  samples: count,
  traceHash: text.exactOptional(),
  packetLateness: z.strictObject({ meanMs: z.number().min(0), p99Ms: z.number().min(0) }).exactOptional(),
  busyShare: z.number().min(0).max(1).exactOptional(),
  error: z.strictObject({ code: text, message: text }).exactOptional()
})

const manifestSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  status: z.enum(['complete', 'partial']),
  command: text,
  experiment: experimentSchema,
  definition: sha256.exactOptional(),
  parameters: z.record(text, z.union([text, z.number(), z.boolean()])),
  changedParameters: z.array(text).exactOptional(),
  plan: z.array(z.strictObject({ wire, seeds: z.array(text), cases: z.array(text).exactOptional() })),
  armOrder: z.literal('drawn').exactOptional(),
  precision: precisionSchema.exactOptional(),
  versions: z.record(text, text),
  git: z.strictObject({ commit: text, dirty: z.boolean() }).exactOptional(),
  machine: z.strictObject({ cpu: text, cores: count, memoryBytes: count, os: text }),
  startedAt: z.iso.datetime(),
  tookSeconds: z.number().min(0).exactOptional(),
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
  const file = { subject: 'the manifest is', expected: 'a JSON object', path }
  const value = parseJsonFile(json, file)
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion
  if (version !== SCHEMA_VERSION) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the manifest is of another version', { path, expected: `schemaVersion ${SCHEMA_VERSION}`, found: show(version) })
  }
  return checkJsonFile(manifestSchema, value, file)
}

/** What a manifest says of the run itself. */
export function runOf ({ schemaVersion: _version, status: _status, units: _units, files: _files, ...run }: Manifest): RunDescription {
  return run
}
