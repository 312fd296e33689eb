import { parquetReadObjects } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import * as z from 'zod'
import { show, TwinwireError } from '../core/errors.ts'
import type { SampleEvent } from '../experiment/definition.ts'
import type { UnitKey, UnitResult } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import { compareText, compareUnits } from './data.ts'

/** One row of `samples.parquet`. */
export interface SampleRow extends UnitKey {
  readonly host: string
  readonly metric: string
  readonly time_ms: number
  readonly value: number
  readonly ok: boolean
  readonly reason: string
}

const rowSchema = z.strictObject({
  wire: z.enum(WIRES),
  case: z.string(),
  arm: z.string(),
  seed: z.string(),
  host: z.string(),
  metric: z.string(),
  time_ms: z.number(),
  value: z.number(),
  ok: z.boolean(),
  reason: z.string()
})

/** The bytes of `samples.parquet`: the same for the same samples, in whatever order they arrived. */
export function encodeSamples (units: readonly UnitResult[]): Uint8Array {
  const rows = [...units].sort(compareUnits).flatMap((unit) =>
    [...unit.samples].sort(compareSamples).map((sample) => ({ unit, sample })))
  return new Uint8Array(parquetWriteBuffer({
    columnData: [
      { name: 'wire', data: rows.map(({ unit }) => unit.wire), type: 'STRING', nullable: false },
      { name: 'case', data: rows.map(({ unit }) => unit.case), type: 'STRING', nullable: false },
      { name: 'arm', data: rows.map(({ unit }) => unit.arm), type: 'STRING', nullable: false },
      { name: 'seed', data: rows.map(({ unit }) => unit.seed), type: 'STRING', nullable: false },
      { name: 'host', data: rows.map(({ sample }) => sample.host), type: 'STRING', nullable: false },
      { name: 'metric', data: rows.map(({ sample }) => sample.metric), type: 'STRING', nullable: false },
      { name: 'time_ms', data: Float64Array.from(rows, ({ sample }) => sample.timeMs), type: 'DOUBLE', nullable: false },
      { name: 'value', data: Float64Array.from(rows, ({ sample }) => sample.value), type: 'DOUBLE', nullable: false },
      { name: 'ok', data: rows.map(({ sample }) => sample.ok), type: 'BOOLEAN', nullable: false },
      { name: 'reason', data: rows.map(({ sample }) => sample.reason), type: 'STRING', nullable: false }
    ]
  }))
}

/**
 * @throws ERR_INVALID_FILE for bytes that are not a Parquet file with these columns
 */
export async function decodeSamples (bytes: Uint8Array, path: string): Promise<SampleRow[]> {
  let rows: Array<Record<string, unknown>>
  try {
    rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer })
  } catch (error) {
    throw new TwinwireError('ERR_INVALID_FILE', 'the samples cannot be read', { path, expected: 'a Parquet file', found: `${bytes.byteLength} bytes that are none`, cause: error })
  }
  return rows.map((row, index) => {
    const parsed = rowSchema.safeParse(row)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      throw new TwinwireError('ERR_INVALID_FILE', 'a sample is not valid', { path: `${path}: row ${index}, ${issue.path.join('.')}`, expected: issue.message, found: show(row[String(issue.path[0])]) })
    }
    return parsed.data
  })
}

export function compareSamples (a: SampleEvent, b: SampleEvent): number {
  return (a.timeMs - b.timeMs) || compareText(a.metric, b.metric) || compareText(a.host, b.host) ||
    (a.value - b.value) || (Number(a.ok) - Number(b.ok)) || compareText(a.reason, b.reason)
}
