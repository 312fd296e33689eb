import { readdir, readFile } from 'node:fs/promises'
import test from 'ava'
import { marksOf, moduleTables } from '../../bench/module-tables.ts'
import { OPTION_TABLES, optionRows } from '../../bench/option-tables.ts'
import { parseBandwidthOptions } from '../../src/optim/bandwidth/options.ts'
import { parseBatchingOptions } from '../../src/optim/batching/options.ts'
import { parseHealthOptions } from '../../src/optim/health/options.ts'
import { parseNetworkOptions } from '../../src/optim/options.ts'
import { parsePoolOptions } from '../../src/optim/pool/options.ts'
import { adaptiveTimeoutsSchema } from '../../src/optim/timeouts/options.ts'

const root = new URL('../../', import.meta.url)
const documentation = await readFile(new URL('docs/modules.md', root), 'utf8')

for (const [name, table] of await moduleTables()) {
  test(`docs/modules.md has the table ${name} as the code has it (npm run docs:modules writes it)`, t => {
    const [begin, end] = marksOf(name)
    t.is(documentation.split(begin)[1]?.split(end)[0], `\n\n${table}\n\n`)
  })
}

/** What options are where nobody sets any. */
const defaults: Readonly<Record<string, unknown>> = {
  OptimizedNetworkOptions: parseNetworkOptions({}),
  ConnectionPoolOptions: parsePoolOptions({}),
  MessageBatchingOptions: parseBatchingOptions({}),
  BandwidthOptions: parseBandwidthOptions({}),
  AdaptiveTimeoutsOptions: adaptiveTimeoutsSchema.parse({}),
  NetworkHealthOptions: parseHealthOptions({})
}

/** `4 MiB, as in ...`: 4194304; undefined where a default does not begin with a number. */
function numberOf (standard: string): number | undefined {
  const [, digits, unit = ''] = /^(\d[\d.]*(?:e\d+)?)( KiB| MiB)?(?=$|[\s,.;:])/.exec(standard) ?? []
  return digits === undefined ? undefined : Number(digits.replace(/\.$/, '')) * ({ ' KiB': 1024, ' MiB': 1024 * 1024 }[unit] ?? 1)
}

function at (value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | undefined)?.[key], value)
}

/** Of these the docstring's number is not the whole of the default. */
const NOT_NUMBERS = new Set(['classes.*.weight', 'classes.*.guaranteedShare', 'highWater', 'lowWater', 'burstBytes'])

test('a default that a docstring gives as a number is the one that the option has', async t => {
  let compared = 0
  for (const table of OPTION_TABLES.filter(({ name }) => name in defaults)) {
    // Options of the throttle are not the default budget's.
    const rows = (await optionRows(table)).filter(({ path, standard }) => !NOT_NUMBERS.has(path) && !standard.endsWith('A6'))
    for (const { path, standard } of rows) {
      const number = numberOf(standard)
      if (number !== undefined) {
        t.is(at(defaults[table.name], path), number, `${table.name}.${path}`)
        compared++
      }
    }
  }
  t.true(compared > 60, String(compared))
})

test('every option that has a default has a row in its table', async t => {
  for (const table of OPTION_TABLES.filter(({ name }) => name in defaults)) {
    const paths = new Set((await optionRows(table)).map(({ path }) => path.split('.')[0]))
    for (const name of Object.keys(defaults[table.name] as object)) {
      t.true(paths.has(name) || name === 'ejects', `${table.name}.${name}`)
    }
  }
})

test('the table of errors has every code that src/optim throws', async t => {
  const section = documentation.split('\n## Errors\n')[1].split('\n## ')[0]
  const folder = new URL('src/optim/', root)
  for (const file of (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.ts'))) {
    const source = await readFile(new URL(file, folder), 'utf8')
    for (const [, code] of source.matchAll(/(?:new TwinwireError|super)\('(ERR_\w+)'|code: '(ERR_\w+)'/g)) {
      t.true(code === undefined || section.includes(`\`${code}\``), `${code} (${file})`)
    }
  }
})
