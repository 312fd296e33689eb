import { readFile } from 'node:fs/promises'
import test from 'ava'
import * as z from 'zod'
import { scenarioSchema } from '../../src/wires/scenario.ts'

/** As much of JSON Schema as the scenario's has. */
interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly const?: string
}

const schema = z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' }) as Schema
const documentation = await readFile(new URL('../../docs/scenarios.md', import.meta.url), 'utf8')

/** The names in a table's first columns, by section. */
function rowsOf (heading: string): string[][] {
  const section = documentation.split(/^#+ /m).find(text => text.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^\|([^|]*`[^|]*)\|([^|]*)\|/gm)].map(([, name, fields]) => [name, fields].flatMap(cell => [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1])))
}

function fieldsOf (part: Schema | undefined): string[] {
  return Object.keys(part?.properties ?? {})
}

function at (...path: string[]): Schema | undefined {
  return path.reduce<Schema | undefined>((part, key) => key === '[]' ? part?.items : part?.properties?.[key], schema)
}

const DIRECTION = ['paths', '[]', 'forward']

for (const [heading, part] of [['scenario', schema], ['host', at('hosts', '[]')], ['direction', at(...DIRECTION)]] as const) {
  test(`the table of a ${heading} has its fields, all and in order`, t => {
    t.deepEqual(rowsOf(heading).map(([name]) => name), fieldsOf(part))
  })
}

const unions = [
  ['jitter', 'distribution', at(...DIRECTION, 'jitter')], ['loss', 'model', at(...DIRECTION, 'loss')], ['queue', 'discipline', at(...DIRECTION, 'queue')],
  ['faults', 'kind', at('faults', '[]')], ['crossTraffic', 'kind', at('crossTraffic', '[]')], ['topology', 'kind', at('topology')]
] as const

for (const [heading, discriminator, part] of unions) {
  test(`the table of ${heading} has every ${discriminator} with all its fields`, t => {
    const expected = (part?.oneOf ?? []).map(alternative => {
      return [alternative.properties?.[discriminator].const ?? '', ...fieldsOf(alternative).filter(name => name !== discriminator).sort()]
    })
    t.true(expected.length > 1)
    t.deepEqual(rowsOf(heading).map(([name, ...fields]) => [name, ...fields.sort()]), expected)
  })
}
