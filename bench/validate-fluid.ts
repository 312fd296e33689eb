import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { table } from '../src/cli/table.ts'
import { quantile } from '../src/stats/quantile.ts'
import { writeMarkedSection } from './marked-section.ts'
import type { Figure } from './validate-fluid/figures.ts'
import { randomFigures, sharingFigures } from './validate-fluid/networks.ts'
import { bulkFigures, fctFigures } from './validate-fluid/paths.ts'
import { markdown } from './validate-kernel/tables.ts'

/**
 * The fluid level against the packet level: errors by group on stdout, all figures as JSON in results/fluid. With --write
 * also docs/fluid.md. There are no targets: the exit code is 0 whatever the errors. Figures are the same each time but for
 * the processor times.
 */
const USAGE = 'usage: npm run validate:fluid -- [--write] [--only bulk|fct|sharing|random]\n'

/** Where the generated part of docs/fluid.md stands. */
const BEGIN = '<!-- figures of npm run validate:fluid -- --write -->'
const END = '<!-- end of figures -->'

const PARTS = { bulk: bulkFigures, fct: fctFigures, sharing: sharingFigures, random: randomFigures } as const

type Part = keyof typeof PARTS

async function main ({ write, parts }: Arguments): Promise<void> {
  const errorRows: string[][] = []
  const speedRows: string[][] = []
  const all: Figure[] = []
  for (const part of parts) {
    const figures: Figure[] = []
    await PARTS[part](more => {
      figures.push(...more)
      if (process.stderr.isTTY) {
        process.stderr.write(`\r${part}: ${figures.length} figures`)
      }
    })
    errorRows.push(...errorsByGroup(figures))
    speedRows.push(speedOf(part, figures))
    all.push(...figures)
  }
  const errors = [['group', 'figures', 'median error', 'worst error', 'where', 'packet', 'fluid'], ...errorRows]
  const speed = [['part', 'packet level, s of CPU', 'fluid level, s of CPU', 'ratio'], ...speedRows]
  process.stdout.write(`${table(errors[0], errorRows)}\n\n${table(speed[0], speedRows)}\n`)

  const results = new URL('../results/fluid/', import.meta.url)
  await mkdir(results, { recursive: true })
  await writeFile(new URL('validation.json', results), `${JSON.stringify(all, undefined, 2)}\n`)
  process.stdout.write('\nresults/fluid/validation.json\n')
  if (write) {
    await writeMarkedSection(new URL('../docs/fluid.md', import.meta.url), BEGIN, END, [markdown(errors), '### Speed', markdown(speed)].join('\n\n'))
    process.stdout.write('docs/fluid.md\n')
  }
}

function errorsByGroup (figures: readonly Figure[]): string[][] {
  return [...Map.groupBy(figures, ({ group }) => group)].map(([group, members]) => {
    const worst = members.reduce((worst, figure) => Math.abs(errorOf(figure)) > Math.abs(errorOf(worst)) ? figure : worst)
    const median = quantile(members.map(figure => Math.abs(errorOf(figure))), 0.5)
    return [group, String(members.length), percent(median), `${errorOf(worst) > 0 ? '+' : ''}${percent(errorOf(worst))}`, worst.label, digits(worst.packet), digits(worst.fluid)]
  })
}

function speedOf (part: Part, figures: readonly Figure[]): string[] {
  const packetS = figures.reduce((sum, { packetCpuS }) => sum + packetCpuS, 0)
  const fluidS = figures.reduce((sum, { fluidCpuS }) => sum + fluidCpuS, 0)
  return [part, packetS.toFixed(1), fluidS.toFixed(2), (packetS / fluidS).toFixed(0)]
}

function errorOf ({ packet, fluid }: Figure): number {
  return fluid / packet - 1
}

function percent (share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`
}

function digits (value: number): string {
  return String(Number(value.toPrecision(4)))
}

interface Arguments {
  readonly write: boolean
  readonly parts: readonly Part[]
}

function readArguments (): Arguments {
  const { values: { write, only } } = parseArgs({ options: { write: { type: 'boolean', default: false }, only: { type: 'string' } } })
  const all = Object.keys(PARTS) as Part[]
  const parts = all.filter(part => only === undefined || part === only)
  if (parts.length === 0) {
    throw new Error(`--only: expected one of ${all.join(', ')}, found ${only}`)
  }
  if (write && only !== undefined) {
    throw new Error('--write documents everything: it does not go with --only')
  }
  return { write, parts }
}

let given: Arguments | undefined
try {
  given = readArguments()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  process.exitCode = 2
}
if (given !== undefined) {
  await main(given)
}
