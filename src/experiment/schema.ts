import * as z from 'zod'
import { MODULES } from './definition.ts'
import { WIRES } from './wire-pair.ts'

/** The shape of a definition's plain parts: of an experiment's file, and of the results that carry a copy of it. */

const text = z.string()
const wire = z.enum(WIRES)
const modules = z.array(z.enum(MODULES))
const unit = z.enum(['ms', 'share', 'count', 'bytes', 'bit/s'])
const named = { name: text, title: text, description: text }
const subject = { case: text, metric: text, arm: text }

export const metricSchema = z.strictObject({
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

export const precisionSchema = z.strictObject({ halfWidth: z.number().positive(), maximumSeeds: z.int().min(1), targets: z.array(z.strictObject(subject)).min(1) })

/** What results keep of a case. */
export const caseShape = {
  ...named,
  arms: z.array(text).exactOptional(),
  realArms: z.array(text).exactOptional(),
  wires: z.array(wire).exactOptional(),
  metrics: z.array(metricSchema),
  sweep: z.strictObject({ name: text, levels: z.record(text, z.number()) }).exactOptional(),
  noGain: modules.exactOptional(),
  warmUpMs: z.union([z.number().min(0), z.literal('mser-5')]).exactOptional()
}

/** What results keep of an experiment, but for its cases. */
export const experimentShape = {
  name: text,
  title: text,
  question: text,
  expected: text,
  arms: z.array(z.strictObject({ ...named, modules: modules.exactOptional() })).min(1),
  subject: text.exactOptional(),
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
  precision: precisionSchema.exactOptional()
}
